import assert from 'node:assert/strict'
import { test } from 'node:test'
import { densify } from '../../experiments/spatial-feature/densifying.ts'
import { likenesses } from '../../experiments/spatial-feature/likeness.ts'
import { type ModelName, model, modelNames } from '../../experiments/spatial-feature/models.ts'
import { type Local, spatialFeature, weightCounts } from '../../experiments/spatial-feature/spatialFeature.ts'
import { documentRecipe, schedules, statisticsOf, train } from '../../experiments/spatial-feature/training.ts'
import { glyphs } from '../../src/data/index.ts'
import { fromArray, setDevice, type Tensor, zeros } from '../../src/index.ts'
import { conv2d, sequential } from '../../src/nn/index.ts'
import { manualSeed } from '../../src/random/index.ts'

// Small as these networks are, compiling C would take most of their time.
setDevice('js')

const documents = { channels: 3, side: 32, classes: 10 } as const
const small = { channels: 1, side: 28, classes: 10, width: 0.05 } as const

test("the document's weights are 224,317,952, of which 6,030,776 lie in windows", () => {
  const { locals } = model('spatial-dense', documents)
  const sum = (kind: 'dense' | 'windows') => locals.reduce((total, local) => total + weightCounts(local)[kind], 0)
  assert.equal(sum('dense'), 224_317_952)
  assert.equal(sum('windows'), 6_030_776)
})

test('the networks have the parameters of the document, with only windows stored', () => {
  const count = (name: ModelName) =>
    model(name, documents)
      .net.parameters()
      .reduce((sum, { size }) => sum + size, 0)
  assert.equal(count('regular-conv'), 5_852_170)
  assert.equal(count('spatial-dense'), 6_030_776 + 40_040 + 340 + 1_180_160 + 5_130)
  assert.equal(count('simple'), 171_010)
  assert.equal(count('shared-dense'), 280 + 1_820 + 5_792 + 18_496 + 32_896 + 131_328 + 340 + 1_180_160 + 5_130)
})

const conv = (from: number, to: number) => `conv2d(${from} → ${to}, 3×3, padding 1)`
const wired = (from: number, to: number, kernel: number, side: number) =>
  `locallyConnected(${from} → ${to}, ${kernel}×${kernel} on ${side}×${side})`
const ends = (from: number, to: number) => ['dropout(0.1)', `linear(${from} → ${to})`]

const layers: readonly (readonly [ModelName, readonly string[]])[] = [
  [
    'regular-conv',
    [
      ...[conv(3, 32), 'batchNorm(32)', 'relu', conv(32, 64), 'relu', 'maxPool2d(2×2)'],
      ...[conv(64, 128), 'batchNorm(128)', 'relu', conv(128, 128), 'relu', 'maxPool2d(2×2)', 'dropout2d(0.05)'],
      ...[conv(128, 256), 'batchNorm(256)', 'relu', conv(256, 256), 'relu', 'maxPool2d(2×2)'],
      ...['flatten', ...ends(4096, 1024), 'relu', 'linear(1024 → 512)', 'relu', ...ends(512, 10)],
    ],
  ],
  [
    'spatial-dense',
    [
      ...[wired(3, 10, 3, 32), 'batchNorm(10)', 'relu', wired(10, 20, 3, 30), 'relu', 'maxPool2d(2×2)'],
      ...[wired(20, 32, 3, 14), 'batchNorm(32)', 'relu', wired(32, 64, 3, 12), 'relu', 'maxPool2d(2×2)'],
      ...['dropout2d(0.05)', wired(64, 128, 2, 5), 'batchNorm(128)', 'relu', wired(128, 256, 2, 4), 'relu'],
      ...['flatten', ...ends(2304, 512), 'relu', ...ends(512, 10)],
    ],
  ],
  ['simple', [wired(3, 5, 3, 32), 'flatten', 'linear(4500 → 10)']],
]

for (const [name, expected] of layers)
  test(`${name} is the document's, layer for layer`, () => {
    assert.deepEqual(
      model(name, documents).net.layers.map((layer) => layer.name),
      expected,
    )
  })

test('every network takes images of other sizes and widths', () => {
  for (const name of modelNames) {
    const { net } = model(name, small)
    assert.deepEqual(net.eval()(zeros([2, 1, 28, 28])).shape, [2, 10], name)
  }
})

const largest = (values: ArrayLike<number>): number =>
  Array.prototype.reduce.call(values, (most, value) => Math.max(most as number, Math.abs(value)), 0) as number

test("the right fan-in counts the channels of a window, the original's does not", async () => {
  const local: Local = { inChannels: 16, side: 9, outChannels: 4, kernel: 3 }
  for (const [fanIn, weightBound, biasBound] of [
    ['right', Math.sqrt(6 / 144), 1 / 12],
    ['original', Math.sqrt(6 / 9), 1 / 7],
  ] as const) {
    manualSeed(1)
    const [weight, bias] = spatialFeature(local, { fanIn }).parameters()
    for (const [values, bound] of [
      [await weight.data(), weightBound],
      [await bias.data(), biasBound],
    ] as const)
      assert.ok(largest(values) <= bound && largest(values) > 0.95 * bound, `${fanIn}: ${largest(values)}`)
  }
})

test('stored in six axes the network begins as that of windows, and one step fills most of its zeros', async () => {
  const split = glyphs({ train: 64, test: 10, seed: 1 })
  const { layers, distance, maps } = await densify(split, {
    model: small,
    batchSize: 64,
    lr: 3e-4,
    seed: 1,
    looks: [1],
  })
  assert.ok(distance < 1e-5, `${distance}`)
  let [stored, zerosLeft] = [0, 0]
  for (const layer of layers) {
    const [before, after] = layer.standings
    assert.equal(before.zeros, layer.stored - layer.meaningful)
    assert.ok(before.outside < 1e-12)
    assert.ok(after.outside > 0)
    stored += layer.stored
    zerosLeft += after.zeros
  }
  assert.ok(zerosLeft < 0.2 * stored, `${zerosLeft} of ${stored}`)
  const nonzero = maps.map(({ weights }) => weights.flat().filter((value) => value !== 0).length)
  assert.equal(nonzero[0], 9)
  assert.ok(nonzero[1] > 0.9 * 28 * 28)
})

test('filters drawn apart are unlike, equal ones alike', async () => {
  manualSeed(2)
  const net = sequential(spatialFeature({ inChannels: 8, side: 12, outChannels: 4, kernel: 3 }))
  const [drawn] = await likenesses(net, {})
  assert.ok(Math.abs(drawn) < 0.05, `${drawn}`)
  const [weight] = net.parameters()
  const filter = (await conv2d(8, 1, 3).parameters()[0].data()) as Float32Array
  const shared = Float32Array.from({ length: weight.size }, (_, at) => filter[at % filter.length])
  weight.assign(fromArray(shared, weight.shape) as Tensor)
  const [equal] = await likenesses(net, {})
  assert.ok(Math.abs(equal - 1) < 1e-6)
})

test('schedules begin at the whole learning rate; linear and late fall to 0', () => {
  for (const schedule of Object.values(schedules)) assert.equal(schedule(0), 1)
  assert.equal(schedules.constant(), 1)
  assert.equal(schedules.late(0.6), 1)
  assert.ok(Math.abs(schedules.late(0.8) - 0.5) < 1e-12)
  assert.equal(schedules.linear(1), 0)
  assert.equal(schedules.late(1), 0)
})

test("CIFAR-10 is standardised by the document's numbers, other sets by their own", () => {
  const { train: set } = glyphs({ train: 20, test: 10 })
  assert.deepEqual(statisticsOf({ ...set, name: 'cifar-10 train' }).mean, [0.4914, 0.4822, 0.4465])
  assert.equal(statisticsOf(set).mean.length, 1)
})

test('a network whose filters are wired in place learns', async () => {
  const split = glyphs({ train: 600, test: 100, seed: 1 })
  manualSeed(1)
  const { net } = model('spatial-dense', { ...small, width: 0.1 })
  const records = await train(net, split, { ...documentRecipe, epochs: 4, batchSize: 20, lr: 3e-3, log: false })
  assert.ok(records[3].loss < 0.9 * records[0].loss, `${records[0].loss} to ${records[3].loss}`)
  assert.ok((records[3].validationAccuracy ?? 0) > 0.2)
})
