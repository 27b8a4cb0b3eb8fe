// Parts of joined tensors are made in their places: the same bits, and copies only of what cannot be made there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Compiled } from '../../src/compiler/compile.ts'
import type { Kernel } from '../../src/compiler/ir.ts'
import { joinInPlace } from '../../src/compiler/joins.ts'
import { concat, grad, setDevice, stack, type Tensor } from '../../src/index.ts'
import { assertSame } from '../support/runOn.ts'
import { numbers, outputsOf, run, statementsOf } from './run.ts'

setDevice('js')

/** The program once more, with all joins in place however short their rows are. */
function joined({ program, bindings }: Compiled): Compiled {
  const lengthOf = (name: string): number | null => {
    const { place, length, dtype } = program.buffers.get(name)!
    return place.kind === 'arena' && dtype === 'f32' ? length : null
  }
  // Buffers may lie in the same place as others that live before or after them; these live longer.
  const buffers = new Map(program.buffers)
  let end = 0
  for (const buffer of program.buffers.values()) {
    if (buffer.place.kind !== 'arena') continue
    buffers.set(buffer.name, { ...buffer, place: { kind: 'arena', byteOffset: end } })
    end += Math.ceil(buffer.length / 16) * 64
  }
  const kernels = joinInPlace(program.kernels, lengthOf, 1)
  return { program: { ...program, kernels, buffers, arenaBytes: end }, bindings }
}

test('random joins of joins give the same bits in place', async () => {
  let gone = 0
  const makers = [
    (x: Tensor) => x.exp(),
    (x: Tensor) => x.matmul(numbers(x.shape.at(-1)!, x.shape.at(-1)!)),
    (x: Tensor) => x.sub(x.max(0)),
    (x: Tensor) => x,
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ maker: fc.nat(3), of: fc.nat(20), with: fc.nat(20), how: fc.nat(3) }), {
        minLength: 2,
        maxLength: 6,
      }),
      async (steps) => {
        const made: Tensor[] = [numbers(2, 3)]
        for (const step of steps) {
          const [one, two] = [step.of, step.with].map((at) => made[at % made.length])
          const [a, b] = [makers[step.maker](one), makers[(step.maker + 1) % 3](two)]
          if (a.shape.join() !== b.shape.join() || a.size > 200) made.push(a)
          else if (step.how === 3) made.push(stack([a, b, b.mul(-2)], 0).reshape([3 * a.shape[0], a.shape[1]]))
          else made.push(concat([a, b, ...(step.how === 0 ? [a] : [])], step.how % 2))
        }
        const wanted = [
          made.at(-1)!.matmul(numbers(made.at(-1)!.shape.at(-1)!, 2)),
          ...made.slice(1, -1).map((x) => x.sum()),
        ]
        const before = outputsOf(wanted, true)
        const after = joined(before)
        gone += before.program.kernels.length - after.program.kernels.length
        assert.deepEqual((await run(after)).outputs, (await run(before)).outputs)
      },
    ),
    { numRuns: 200, includeErrorInReport: true },
  )
  assert.ok(gone > 0, 'no copy was left out')
})

/** The kernels of a program that gives the right numbers. */
async function kernelsOf(tensors: readonly Tensor[]): Promise<readonly Kernel[]> {
  const compiled = outputsOf(tensors, true)
  const expected = (await run(outputsOf(tensors))).outputs
  const found = (await run(compiled)).outputs
  for (const [at, values] of expected.entries()) assertSame(`output ${at}`, found[at], values, 1e-5)
  return compiled.program.kernels
}

/** How many elements a kernel only copies. */
const copiedBy = ({ body }: Kernel): number =>
  body.reduce((sum, statement) => {
    if (statement.kind !== 'loop') return sum
    const inside = statementsOf([statement])
    const isCopy = inside.every(({ kind }) => kind === 'loop' || kind === 'let' || kind === 'store')
    const loads = inside.some((inner) => inner.kind === 'store' && inner.value.kind === 'load')
    const rounds = inside.reduce((product, inner) => product * (inner.kind === 'loop' ? inner.extent : 1), 1)
    return isCopy && loads ? sum + rounds : sum
  }, 0)

const copied = (kernels: readonly Kernel[]): number => kernels.reduce((sum, kernel) => sum + copiedBy(kernel), 0)

/** Whether some kernel puts a tensor together of others. */
const isCopying = (kernels: readonly Kernel[]): boolean =>
  kernels.some(({ formulas }) => formulas.some((formula) => formula.includes('where')))

const [x, w, v] = [numbers(6, 8), numbers(8, 16), numbers(8, 32)]
const after = numbers(48, 3)

test('results of products are made side by side', async () => {
  const kernels = await kernelsOf([concat([x.matmul(w), x.matmul(v)], 1).matmul(after)])
  assert.equal(kernels.length, 3)
  assert.ok(!isCopying(kernels))
})

test('a part is read from its place by whatever else needs it', async () => {
  const part = x.matmul(w).tanh()
  const kernels = await kernelsOf([concat([part, x.matmul(v)], 1).matmul(after), part.matmul(numbers(16, 2))])
  assert.equal(kernels.length, 4)
})

test('a join of joins, and over time, copies nothing', async () => {
  const steps = [0.1, 0.2, 0.3].map((by) => concat([x.mul(by).matmul(w).tanh(), x.mul(by).matmul(v).tanh()], 1))
  const kernels = await kernelsOf([stack(steps, 1).reshape([18, 48]).matmul(after)])
  assert.ok(!isCopying(kernels))
})

test('an operand from outside is copied, and nothing but it', async () => {
  const kernels = await kernelsOf([concat([numbers(6, 32), x.matmul(w)], 1).matmul(after)])
  assert.equal(copied(kernels), 6 * 32)
})

test('of a part that stands in two places one is a copy', async () => {
  const part = x.matmul(w)
  const [one, two] = [concat([part, x.matmul(v)], 1), concat([part.add(1).matmul(numbers(16, 32)), part], 1)]
  const kernels = await kernelsOf([one.matmul(after), two.matmul(after)])
  assert.equal(copied(kernels), 6 * 16)
})

test('short rows are copied', async () => {
  const kernels = await kernelsOf([concat([x.matmul(numbers(8, 4)), x.matmul(numbers(8, 2))], 1).matmul(numbers(6, 3))])
  assert.ok(isCopying(kernels))
})

test('what is computed on the way into its place is computed there', async () => {
  const u = numbers(8, 48)
  const [one, two] = x.matmul(u).split([16, 32], 1)
  const loss = one
    .tanh()
    .matmul(numbers(16, 4))
    .sum()
    .add(two.tanh().matmul(numbers(32, 4)).exp().sum())
  const kernels = await kernelsOf([grad(loss, u)])
  const [join, ...others] = kernels.filter((kernel) => isCopying([kernel]))
  assert.equal(others.length, 0)
  assert.deepEqual(
    statementsOf(join.body).flatMap((statement) => (statement.kind === 'loop' ? [statement.extent] : [])),
    [6, 32],
  )
})
