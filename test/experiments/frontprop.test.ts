import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agreements } from '../../experiments/frontprop/agreement.ts'
import { evolve } from '../../experiments/frontprop/genetic.ts'
import { numericBound, numericGradient } from '../../experiments/frontprop/gradients/numeric.ts'
import {
  asGradients,
  everyWeight,
  meanError,
  type PlainNetwork,
  type Samples,
} from '../../experiments/frontprop/gradients/plain.ts'
import { recursiveGradient } from '../../experiments/frontprop/gradients/recursive.ts'
import {
  directionalDerivative,
  errorOf,
  factoredGradient,
  forwardGradient,
  matricisedGradient,
  type Problem,
  reverseGradient,
} from '../../experiments/frontprop/gradients/tensors.ts'
import { network } from '../../experiments/frontprop/network.ts'
import { documentRecipe, trainClassifier } from '../../experiments/frontprop/training.ts'
import { loadImages, type Split, take } from '../../src/data/index.ts'
import { tensor } from '../../src/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { randomNumbers } from '../autodiff/check.ts'

const sizes = [5, 4, 3, 2]
const count = 3

const net: PlainNetwork = {
  sizes,
  weights: sizes.slice(1).map((m, k) => randomNumbers((sizes[k] + 1) * m, k + 1).map((value) => 2 * value)),
}
const samples: Samples = {
  count,
  inputs: randomNumbers(count * 5, 11).map(Math.abs),
  targets: randomNumbers(count * 2, 12),
}
const places = everyWeight(sizes)
const problem: Problem = {
  weights: net.weights.map((values, k) => tensor(values, { shape: [sizes[k] + 1, sizes[k + 1]] })),
  x: tensor(samples.inputs, { shape: [count, 5] }),
  t: tensor(samples.targets, { shape: [count, 2] }),
}

const recursive = asGradients(sizes, places, recursiveGradient(net, samples, places))

async function expectSame(found: readonly { data(): Promise<ArrayLike<number>> }[]): Promise<void> {
  assert.equal(found.length, recursive.length)
  for (const [k, gradient] of found.entries()) expectClose(await gradient.data(), recursive[k], `w${k}`)
}

function expectClose(found: ArrayLike<number>, wanted: ArrayLike<number>, of: string): void {
  assert.equal(found.length, wanted.length)
  for (let at = 0; at < wanted.length; at++)
    assert.ok(Math.abs(found[at] - wanted[at]) <= 1e-10, `${of}[${at}] is ${found[at]}, not ${wanted[at]}`)
}

test('the network as a formula and in plain numbers has one error', async () => {
  assert.ok(Math.abs((await errorOf(problem.weights, problem).item()) - meanError(net, samples)) < 1e-14)
})

test('no gradient of the small network is 0, so that agreement means something', () => {
  for (const gradient of recursive) assert.ok(gradient.every((value) => Math.abs(value) > 1e-9))
})

test('equation (2) with the shortcut k = l - 2 gives what it gives without', () => {
  const short = asGradients(sizes, places, recursiveGradient(net, samples, places, { shortcut: true }))
  for (const [k, gradient] of short.entries()) expectClose(gradient, recursive[k], `w${k}`)
})

test('central differences agree with equation (2) within their own error bound, which is small', () => {
  const found = numericGradient(net, samples, places)
  const bound = numericBound(net, samples, places)
  const wanted = recursiveGradient(net, samples, places)
  for (let at = 0; at < places.length; at++) {
    assert.ok(bound[at] < 1e-7)
    assert.ok(Math.abs(found[at] - wanted[at]) <= bound[at], `weight ${at}: ${found[at]}, not ${wanted[at]}`)
  }
})

test('equation (2) in matrices agrees with it one by one', () => expectSame(matricisedGradient(problem)))

test('equation (2) with the common factor taken out agrees', () => expectSame(factoredGradient(problem)))

test('forward accumulation with extra axes agrees', () => expectSame(forwardGradient(problem)))

test('reverse mode agrees', () => expectSame(reverseGradient(problem)))

test('a derivative along a direction is the product of gradient and direction', async () => {
  for (const [k, gradient] of recursive.entries()) {
    const along = randomNumbers(gradient.length, 20 + k)
    const direction = tensor(along, { shape: [sizes[k] + 1, sizes[k + 1]] })
    const wanted = gradient.reduce((total, value, at) => total + value * along[at], 0)
    expectClose([await directionalDerivative(problem, k, direction).item()], [wanted], `w${k}`)
  }
})

test('the agreement that the report shows holds', async () => {
  const found = await agreements(3)
  assert.equal(found.length, 6)
  for (const { method, distance, bound } of found) assert.ok(distance <= bound, `${method}: ${distance}`)
})

const glyphSubset = async (): Promise<Split> => {
  const { train, test } = await loadImages('glyphs')
  return { train: take(train, 600), test: take(test, 200) }
}

test('weights begin inside of what each initialisation allows, bias unit included', async () => {
  for (const [initialization, bound] of [
    ['kaiming', 0.5 * Math.sqrt(3 / 51)],
    ['pytorch', 1 / Math.sqrt(50)],
  ] as const) {
    manualSeed(4)
    const [w] = network([50, 20], { initialization }).parameters()
    assert.deepEqual(w.shape, [51, 20])
    const largest = Math.max(...Array.from(await w.data(), Math.abs))
    assert.ok(largest <= bound && largest > 0.9 * bound, `${initialization}: ${largest}`)
  }
  manualSeed(4)
  const [w] = network([50, 20], { initialization: 'normal' }).parameters()
  const values = Float64Array.from(await w.data())
  const variance = values.reduce((total, value) => total + value * value, 0) / values.length
  assert.ok(Math.abs(variance * 51 - 1) < 0.15)
})

test('the classifier learns, with all that the document wished for too', async () => {
  const split = await glyphSubset()
  const recipe = { ...documentRecipe, epochs: 6, batchSize: 50, log: false } as const
  const plain = await trainClassifier(split, { ...recipe, lr: 5, initialization: 'normal' })
  assert.equal(plain.standings.length, 7)
  assert.ok(plain.standings[6].loss < 0.8 * plain.standings[0].loss)
  const wished = await trainClassifier(split, {
    ...recipe,
    optimizer: 'adam',
    loss: 'cross-entropy',
    dropout: 0.1,
    initialization: 'normal',
  })
  assert.ok((wished.standings[6].hitRate ?? 0) > 0.3)
})

test('the genetic algorithm gives the same again for the same seed, and gets better', async () => {
  const split = await glyphSubset()
  const options = { generations: 20, batchSize: 100, seed: 5 }
  const first = await evolve(split, options)
  assert.deepEqual(await evolve(split, options), first)
  assert.ok(first.at(-1)!.error < 0.85 * first[0].error)
})
