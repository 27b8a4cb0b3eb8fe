// Reductions over merged axes are those over the axes themselves.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitSums } from '../../src/compiler/splitSums.ts'
import type { Node } from '../../src/graph/node.ts'
import { formula, setDevice, type Tensor } from '../../src/index.ts'
import { assertSame } from '../support/runOn.ts'
import { numbers, outputsOf, run } from './run.ts'

setDevice('js')

/** The extents of a result's ranges once they are split, and whether its numbers stay what they were. */
async function rangesOf(result: Tensor): Promise<readonly number[]> {
  const [plain, split] = await Promise.all([false, true].map((products) => run(outputsOf([result], products))))
  assertSame('the result', split.outputs[0], plain.outputs[0], 1e-5)
  const [node] = splitSums({ outputs: [result.node], updates: [] }).outputs as readonly Node[]
  assert.ok(node.kind === 'comprehension' && node.reduction)
  return node.reduction.ranges.map(({ extent }) => extent)
}

const x = numbers(4, 6, 5)

test('a sum over rows of sequences is one over sequences and times', async () => {
  assert.deepEqual(await rangesOf(x.exp().reshape([24, 5]).sum(0)), [4, 6])
})

test('it is the same node as the sum without the reshape', () => {
  const z = x.exp()
  const [one, two] = splitSums({ outputs: [z.reshape([24, 5]).sum(0).node, z.sum([0, 1]).node], updates: [] }).outputs
  assert.equal(one, two)
})

test('three axes, the last of them, and a maximum are split too', async () => {
  assert.deepEqual(await rangesOf(x.exp().reshape([120]).sum(0)), [4, 6, 5])
  assert.deepEqual(await rangesOf(x.exp().reshape([4, 30]).max(1)), [6, 5])
})

test('operands of the same axes are split together, of others not at all', async () => {
  const both = formula('z[i] = sum(b) (abs(x[b,i]) + exp(y[b,i]))')
  const merged = x.exp().reshape([24, 5])
  assert.deepEqual(await rangesOf(both({ x: merged, y: x.square().reshape([24, 5]) })), [4, 6])
  assert.deepEqual(await rangesOf(both({ x: merged, y: numbers(24, 5) })), [24])
  assert.deepEqual(await rangesOf(both({ x: merged, y: numbers(8, 3, 5).reshape([24, 5]) })), [24])
})

test('a range that is also a value, or shifted, is left as it is', async () => {
  const merged = x.exp().reshape([24, 5])
  assert.deepEqual(await rangesOf(formula('z[i] = sum(b) b * x[b,i]')({ x: merged })), [24])
  assert.deepEqual(await rangesOf(formula('z[i] = sum(b<23) (x[b,i] + x[b+1,i])')({ x: merged })), [23])
})

test('a reshape that does more than merge is left as it is', async () => {
  assert.deepEqual(await rangesOf(x.exp().reshape([12, 10]).sum(0)), [12])
  assert.deepEqual(await rangesOf(x.exp().reshape([2, 12, 5]).sum(1)), [12])
})
