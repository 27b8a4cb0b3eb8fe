import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zeros } from '../../src/graph/index.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import { compile } from '../../src/index.ts'
import type { Layout } from '../../src/nn/index.ts'
import { batchNorm, layerNorm } from '../../src/nn/index.ts'
import { expectClose, expectGradients, random, scramble } from './expect.ts'
import type { Block } from './reference.ts'
import { block, blockOf, element, indices } from './reference.ts'

/** Mean and variance (divided by the count less `correction`) of the elements of each group. */
function statistics(x: Block, groupOf: (at: readonly number[]) => number, groups: number, correction = 0) {
  const members = Array.from({ length: groups }, (): number[] => [])
  for (const at of indices(x.shape)) members[groupOf(at)].push(element(x, at))
  const mean = members.map((values) => values.reduce((total, value) => total + value, 0) / values.length)
  const variance = members.map(
    (values, group) =>
      values.reduce((total, value) => total + (value - mean[group]) ** 2, 0) / (values.length - correction),
  )
  return { mean, variance }
}

const shapes: readonly [Layout, readonly number[]][] = [
  ['NCHW', [5, 3]],
  ['NCHW', [4, 3, 5]],
  ['NCHW', [2, 3, 4, 5]],
  ['NCHW', [2, 3, 2, 3, 2]],
  ['NHWC', [2, 4, 5, 3]],
]

test('batch norm in training normalises each channel with the statistics of the batch', async () => {
  for (const [layout, shape] of shapes) {
    const layer = batchNorm(3, { layout, dtype: 'f64' })
    scramble(layer)
    const channelOf = (at: readonly number[]): number => (layout === 'NCHW' ? at[1] : at.at(-1)!)
    const x = random(shape).add(2)
    const image = await blockOf(x)
    const { mean, variance } = statistics(image, channelOf, 3)
    const [weight, bias] = await Promise.all(layer.parameters().map(blockOf))
    const z = block(shape, (at) => {
      const c = channelOf(at)
      return (weight.values[c] * (element(image, at) - mean[c])) / Math.sqrt(variance[c] + 1e-5) + bias.values[c]
    })
    await expectClose(layer(x), z)
    await expectGradients(layer, x)
  }
})

test('batch norm in use normalises with running statistics, which follow the batches with unbiased variance', async () => {
  const layer = batchNorm(2, { momentum: 0.25, dtype: 'f64' })
  const runningMean = [0, 0]
  const runningVar = [1, 1]
  for (let round = 0; round < 3; round++) {
    const x = random([4, 2, 3]).mul(3)
    layer(x)
    const { mean, variance } = statistics(await blockOf(x), (at) => at[1], 2, 1)
    for (const c of [0, 1]) {
      runningMean[c] = 0.75 * runningMean[c] + 0.25 * mean[c]
      runningVar[c] = 0.75 * runningVar[c] + 0.25 * variance[c]
    }
  }
  assert.deepEqual(
    layer.namedBuffers().map(([name]) => name),
    ['runningMean', 'runningVar'],
  )
  await expectClose(layer.buffers()[0], { shape: [2], values: runningMean })
  await expectClose(layer.buffers()[1], { shape: [2], values: runningVar })
  layer.eval()
  const x = random([1, 2, 3])
  const image = await blockOf(x)
  const z = block([1, 2, 3], (at) => (element(image, at) - runningMean[at[1]]) / Math.sqrt(runningVar[at[1]] + 1e-5))
  await expectClose(layer(x), z)
  await expectGradients(layer, x)
  await expectClose(layer.buffers()[0], { shape: [2], values: runningMean })
})

test('a compiled step with batch norm updates the running statistics, and is traced again when the mode changes', async () => {
  const layer = batchNorm(2, { affine: false, dtype: 'f64' })
  assert.equal(layer.parameters().length, 0)
  const step = compile((x: Tensor) => layer(x))
  const x = random([8, 2])
  await step(x).data()
  step(x)
  assert.equal(step.programs.length, 1)
  const { mean } = statistics(await blockOf(x), (at) => at[1], 2)
  await expectClose(layer.buffers()[0], { shape: [2], values: mean.map((value) => 0.19 * value) })
  layer.eval()
  const used = await blockOf(step(x))
  assert.equal(step.programs.length, 2)
  await expectClose(layer(x), used)
  await expectClose(layer.buffers()[0], { shape: [2], values: mean.map((value) => 0.19 * value) })
})

test('layer norm normalises the last axes at each place', async () => {
  for (const [shape, normalised] of [
    [[4, 6], 6],
    [
      [2, 3, 4, 5],
      [4, 5],
    ],
  ] as const) {
    const layer = layerNorm(normalised, { eps: 1e-3, dtype: 'f64' })
    scramble(layer)
    const own = [normalised].flat()
    const x = random(shape)
    const image = await blockOf(x)
    const outer = shape.slice(0, -own.length)
    const placeOf = (at: readonly number[]): number =>
      outer.reduce((offset, extent, axis) => offset * extent + at[axis], 0)
    const places = outer.reduce((product: number, extent) => product * extent, 1)
    const { mean, variance } = statistics(image, placeOf, places)
    const [weight, bias] = await Promise.all(layer.parameters().map(blockOf))
    const z = block(shape, (at) => {
      const place = placeOf(at)
      const inner = at.slice(-own.length)
      const normal = (element(image, at) - mean[place]) / Math.sqrt(variance[place] + 1e-3)
      return element(weight, inner) * normal + element(bias, inner)
    })
    await expectClose(layer(x), z)
    await expectGradients(layer, x)
  }
})

test('inputs that cannot be normalised say why', () => {
  assert.throws(() => batchNorm(3)(zeros([4, 5, 8])), { code: 'wrong-extent', message: /3 channels on axis 1$/ })
  assert.throws(() => batchNorm(3)(zeros([3])), { code: 'wrong-rank', message: /2 to 5 axes: \[batch, channels, …\]/ })
  assert.throws(() => batchNorm(3)(zeros([1, 3])), { code: 'too-few-values', message: /1 value a channel/ })
  assert.throws(() => layerNorm([4, 5])(zeros([5, 4])), {
    code: 'wrong-extent',
    message: 'layerNorm(4×5): the input has shape [5,4]; its last axes must be [4,5]',
  })
})
