// The sine and the cosine of one angle stand in one kernel, whoever reads them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Statement, Value } from '../../src/compiler/ir.ts'
import { valuesOf } from '../../src/compiler/tidy.ts'
import { formula, grad, setDevice, type Tensor } from '../../src/index.ts'
import { assertSame } from '../support/runOn.ts'
import { numbers, outputsOf, run, statementsOf } from './run.ts'

setDevice('js')

/** Which of the two functions each kernel computes. */
async function turnsOf(tensors: readonly Tensor[]): Promise<readonly string[]> {
  const together = outputsOf(tensors, true)
  const expected = (await run(outputsOf(tensors))).outputs
  const found = (await run(together)).outputs
  for (const [at, values] of expected.entries()) assertSame(`output ${at}`, found[at], values, 1e-5)
  return together.program.kernels
    .map(({ body }) => [...new Set(statementsOf(body).flatMap(turnsIn))].sort().join('+'))
    .filter((names) => names !== '')
}

const turnsIn = (statement: Statement): readonly string[] => valuesOf(statement).flatMap(turnsOfValue)

function turnsOfValue(value: Value): readonly string[] {
  if (value.kind !== 'operation') return []
  const inside = value.args.flatMap(turnsOfValue)
  return value.op === 'sin' || value.op === 'cos' ? [value.op, ...inside] : inside
}

const grid = formula('z[b,p] = sin(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])')

test('a layer of sines computes the cosines that its gradient needs', async () => {
  const [x, w, c] = [numbers(6, 8), numbers(8), numbers(8)]
  const z = grid({ x, w, c })
  assert.deepEqual(await turnsOf(grad(z.square().sum(), [x, w, c])), ['cos+sin'])
})

test('a layer after a matrix product does so too', async () => {
  const [x, w] = [numbers(6, 8), numbers(8, 5)]
  const z = x.matmul(w).sin()
  assert.deepEqual(await turnsOf([z, ...grad(z.square().sum(), [x, w])]), ['cos+sin'])
})

test('where the angle is in memory anyway, each is computed where it is read', async () => {
  const x = numbers(6, 8)
  const z = x.sin()
  assert.deepEqual(await turnsOf([z, grad(z.square().sum(1).exp().sum(), x)]), ['sin', 'cos'])
})
