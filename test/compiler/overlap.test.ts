// Sums over windows of their own are one product a position, added where the window lies.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formula, grad, setDevice, type Tensor } from '../../src/index.ts'
import { locallyConnected } from '../../src/nn/index.ts'
import { assertSame } from '../support/runOn.ts'
import { numbers, outputsOf, run, statementsOf } from './run.ts'

setDevice('js')

/** The products that are added to what is there, once it is sure that the results are those of plain loops. */
async function added(tensors: readonly Tensor[]): Promise<{ m: number; n: number; k: number }[]> {
  const compiled = outputsOf(tensors, true)
  const expected = (await run(outputsOf(tensors))).outputs
  const found = (await run(compiled)).outputs
  for (const [at, values] of expected.entries()) assertSame(`output ${at}`, found[at], values, 1e-4)
  return compiled.program.kernels
    .flatMap(({ body }) => statementsOf(body))
    .flatMap((one) => (one.kind === 'contraction' && one.add ? [{ m: one.m, n: one.n, k: one.k }] : []))
}

test('the gradient of a locally connected layer by its images reads weights where they lie', async () => {
  const layer = locallyConnected(3, [7, 6], 5, [3, 2])
  const x = numbers(16, 3, 7, 6)
  const gradient = grad(layer(x).square().sum(), x)
  // Channels in windows of 3×2; samples; filters.
  assert.deepEqual(await added([gradient]), [{ m: 18, n: 16, k: 5 }])
  const { program } = outputsOf([gradient], true)
  const copied = [...program.buffers.values()].filter(
    ({ length, place }) => place.kind === 'arena' && length >= 5 * 30 * 18,
  )
  assert.deepEqual(copied, [])
})

interface Windows {
  readonly n: number
  readonly c: number
  readonly o: number
  readonly groups: number
  readonly positions: number
  readonly taps: number
  /** How far a tap moves the position that is read. */
  readonly step: number
  /** Elements of the result beyond the last window; cut off where negative. */
  readonly more: number
}

const windows: fc.Arbitrary<Windows> = fc.record({
  n: fc.integer({ min: 2, max: 70 }),
  c: fc.integer({ min: 2, max: 9 }),
  o: fc.integer({ min: 1, max: 5 }),
  groups: fc.integer({ min: 1, max: 3 }),
  positions: fc.integer({ min: 2, max: 5 }),
  taps: fc.integer({ min: 2, max: 3 }),
  step: fc.constantFrom(-2, -1, 1, 2),
  more: fc.constantFrom(-1, 0, 0, 2),
})

/** Windows along one axis of two; what lies along the other is one long window at a single position. */
function overlapping({ n, c, o, groups, positions, taps, step, more }: Windows): Tensor {
  const reach = Math.abs(step) * (taps - 1)
  const at = `a ${step < 0 ? '-' : '+'} ${Math.abs(step)}*u - ${step < 0 ? 0 : reach}`
  const text = `z[g,n,c,a<${positions + reach + more}] = sum(o,u<${taps}) dy?[g,n,o,${at}] * w?[o,${at},g,c,u]`
  const [dy, w] = [numbers(groups, n, o, positions), numbers(o, positions, groups, c, taps)]
  return formula(text)({ dy, w })
}

test('windows of all steps, in groups, and such that are cut off give what loops give', () =>
  fc.assert(
    fc.asyncProperty(windows, async (own) => {
      const z = overlapping(own)
      const products = await added([z, z.relu().add(1), z.sum([0, 1, 3])])
      assert.equal(products.length > 0, own.more >= 0, JSON.stringify(own))
    }),
    {
      numRuns: 40,
      includeErrorInReport: true,
      examples: [[{ n: 64, c: 4, o: 3, groups: 1, positions: 5, taps: 3, step: -1, more: 0 }]],
    },
  ))

test('windows along two axes, of steps of their own, are products of both', async () => {
  const [dy, w] = [numbers(9, 3, 4, 5), numbers(3, 4, 5, 8, 2, 3)]
  const z = formula('z[n,c,a<5,b<9] = sum(o,u,v) dy?[n,o,a-u,b-2*v] * w?[o,a-u,b-2*v,c,u,v]')({ dy, w })
  assert.deepEqual(await added([z]), [{ m: 24, n: 9, k: 3 }])
})

test('where one operand is the same at all positions, products are of whole images', async () => {
  const [dy, w] = [numbers(4, 5, 6, 6), numbers(5, 3, 3, 3)]
  const z = formula('z[n,c,a<8,b<8] = sum(o,u,v) dy?[n,o,a-u,b-v] * w[o,c,u,v]')({ dy, w })
  assert.deepEqual(await added([z]), [])
})
