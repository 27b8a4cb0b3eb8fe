// Functions that several nodes need of the same arguments are computed once, where that takes no more memory.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Value } from '../../src/compiler/ir.ts'
import { valuesOf } from '../../src/compiler/tidy.ts'
import { formula, grad, setDevice, type Tensor } from '../../src/index.ts'
import { assertSame } from '../support/runOn.ts'
import { numbers, outputsOf, run, statementsOf } from './run.ts'

setDevice('js')

/** How often each function stands in the program, once the program is known to give the right numbers. */
async function callsOf(tensors: readonly Tensor[]): Promise<Record<string, number>> {
  const together = outputsOf(tensors, true)
  const expected = (await run(outputsOf(tensors))).outputs
  const found = (await run(together)).outputs
  for (const [at, values] of expected.entries()) assertSame(`output ${at}`, found[at], values, 1e-5)
  const calls: Record<string, number> = {}
  for (const { body } of together.program.kernels) {
    for (const fn of statementsOf(body).flatMap(valuesOf).flatMap(functionsIn)) calls[fn] = (calls[fn] ?? 0) + 1
  }
  return calls
}

function functionsIn(value: Value): readonly string[] {
  if (value.kind !== 'operation') return []
  const inside = value.args.flatMap(functionsIn)
  return ['sigmoid', 'tanh', 'exp'].includes(value.op) ? [value.op, ...inside] : inside
}

const [x, u, v, next] = [numbers(6, 8), numbers(8, 5), numbers(8, 5), numbers(5, 3)]

/** Gradients that need another product after the one that `z` is made of. */
const gradients = (z: Tensor, wrt: readonly Tensor[]): readonly Tensor[] =>
  grad(z.matmul(next).square().sum(), [...wrt])

const gates = formula('z[b,i] = sigmoid(s[b,i]) * tanh(t[b,i])')

test('gates of products are computed where the products are, and read by their gradient', async () => {
  const z = gates({ s: x.matmul(u), t: x.matmul(v) })
  assert.deepEqual(await callsOf(gradients(z, [x, u, v])), { sigmoid: 1, tanh: 1 })
})

test('gates of parts of one product, with a bias, are shared too', async () => {
  const both = formula('z[b,i<5] = sigmoid(c[i] + s[b,i]) * tanh(c[i+5] + s[b,i+5])')
  const [w, c] = [numbers(8, 10), numbers(10)]
  const z = both({ s: x.matmul(w), c })
  assert.deepEqual(await callsOf(gradients(z, [x, w, c])), { sigmoid: 1, tanh: 1 })
})

test('functions of what is in memory anyway are computed again', async () => {
  const [s, t] = [numbers(6, 5), numbers(6, 5)]
  const z = gates({ s, t })
  assert.deepEqual(await callsOf(gradients(z, [s, t])), { sigmoid: 2, tanh: 2 })
})

test('an argument that the gradient reads beside the function is kept instead', async () => {
  const z = formula('z[b,i] = a[b,i] * sigmoid(a[b,i])')({ a: x.matmul(u) })
  assert.deepEqual(await callsOf(gradients(z, [x, u])), { sigmoid: 2 })
})

test('two functions of one argument would take more memory than it', async () => {
  const z = formula('z[b,i] = tanh(a[b,i]) * sigmoid(a[b,i])')({ a: x.matmul(u) })
  assert.deepEqual(await callsOf(gradients(z, [x, u])), { sigmoid: 2, tanh: 2 })
})

test('an argument that is wanted itself is kept instead', async () => {
  const [s, t] = [x.matmul(u), x.matmul(v)]
  assert.deepEqual(await callsOf([s, ...gradients(gates({ s, t }), [x, u, v])]), { sigmoid: 2, tanh: 1 })
})
