import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scalar, tensor } from '../../src/graph/creation.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import {
  bernoulli,
  generator,
  manualSeed,
  normal,
  permutation,
  randint,
  truncatedNormal,
  uniform,
} from '../../src/random/index.ts'
import { inverseErf } from '../../src/random/inverseErf.ts'
import { uniformAt } from '../../src/random/threefry.ts'
import { interpret } from '../support/interpret.ts'

const numbersOf = (drawn: Tensor) => Array.from(interpret(drawn.node))
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const stdOf = (values: readonly number[]) => Math.sqrt(meanOf(values.map((value) => (value - meanOf(values)) ** 2)))

test('element i of uniform is number i of the stream, whatever the shape', () => {
  const expected = Array.from({ length: 6 }, (_, at) => uniformAt(3, 4, 5, at))
  const source = { seed: 3, stream: 4, step: 5 }
  assert.deepEqual(numbersOf(uniform([6], source)), expected)
  assert.deepEqual(numbersOf(uniform([2, 1, 3], source)), expected)
  assert.deepEqual(numbersOf(uniform([6], { ...source, step: scalar(5, 'i32') })), expected)
  assert.deepEqual(numbersOf(uniform([2], { ...source, low: -2, high: 2 })), [expected[0] * 4 - 2, expected[1] * 4 - 2])
})

test('the same seed gives the same drawings, one after the other different ones', () => {
  manualSeed(7)
  const [first, second] = [numbersOf(uniform([4])), numbersOf(uniform([4]))]
  manualSeed(7)
  assert.deepEqual(numbersOf(uniform([4])), first)
  assert.notDeepEqual(second, first)
  const own = generator(7)
  assert.deepEqual(numbersOf(uniform([4], { generator: own })), first)
  assert.deepEqual(numbersOf(uniform([4], { generator: own })), second)
  assert.notDeepEqual(numbersOf(uniform([4], { generator: generator(8) })), first)
  assert.deepEqual(numbersOf(uniform([4], { seed: 7, stream: 1 })), second)
})

test('uniform numbers fill their interval evenly', () => {
  const values = numbersOf(uniform([4000], { seed: 1, low: 2, high: 6 }))
  assert.ok(values.every((value) => value >= 2 && value < 6))
  assert.ok(Math.abs(meanOf(values) - 4) < 0.08)
  assert.ok(Math.abs(stdOf(values) - 4 / Math.sqrt(12)) < 0.04)
})

test('normal numbers have their mean, standard deviation and tails', () => {
  const values = numbersOf(normal([5000], { seed: 1, mean: 3, std: 2 }))
  assert.ok(Math.abs(meanOf(values) - 3) < 0.1)
  assert.ok(Math.abs(stdOf(values) - 2) < 0.08)
  const within = values.filter((value) => Math.abs(value - 3) < 2).length / values.length
  assert.ok(Math.abs(within - 0.6827) < 0.02)
})

test('truncated normal numbers stay inside and keep the shape of the curve', () => {
  const values = numbersOf(truncatedNormal([4000], { seed: 1 }))
  assert.ok(values.every((value) => value >= -2 && value <= 2))
  assert.ok(Math.abs(meanOf(values)) < 0.05)
  assert.ok(Math.abs(stdOf(values) - 0.8796) < 0.03)
  const tail = numbersOf(
    truncatedNormal([2000], { seed: 2, mean: 10, std: 2, low: 12, high: Number.POSITIVE_INFINITY }),
  )
  assert.ok(tail.every((value) => value >= 12 && Number.isFinite(value)))
  assert.ok(Math.abs(meanOf(tail) - 13.05) < 0.1)
  assert.throws(() => truncatedNormal([1], { low: 1, high: 0 }), { code: 'bad-bounds' })
})

test('inverseErf undoes erf', () => {
  const levels = [-0.9999999, -0.999, -0.9, -0.5, -1e-3, 0, 0.25, 0.75, 0.99, 0.99999]
  const there = numbersOf(wrapped(levels).erf())
  for (const [at, level] of levels.entries()) assert.ok(Math.abs(there[at] - level) < 1e-6, `${there[at]} for ${level}`)
})

const wrapped = (levels: number[]): Tensor => {
  const inverse = interpret(inverseErf(tensor(levels, { dtype: 'f64' }).node))
  return tensor(inverse)
}

test('bernoulli holds with its probability', () => {
  const drawn = bernoulli([4000], { seed: 1, p: 0.2 })
  assert.equal(drawn.dtype, 'bool')
  assert.ok(Math.abs(meanOf(numbersOf(drawn)) - 0.2) < 0.03)
  assert.deepEqual(numbersOf(bernoulli([2], { seed: 1, p: tensor([0, 1]) })), [0, 1])
  assert.equal(bernoulli([2], { dtype: 'f32' }).dtype, 'f32')
  assert.throws(() => bernoulli([2], { p: tensor([0.5]) }), { code: 'shape-mismatch' })
})

test('randint covers its range and nothing else', () => {
  const drawn = randint(-2, 3, [500], { seed: 1 })
  assert.equal(drawn.dtype, 'i32')
  assert.deepEqual(
    [...new Set(numbersOf(drawn))].sort((a, b) => a - b),
    [-2, -1, 0, 1, 2],
  )
  assert.throws(() => randint(3, 3, [1]), { code: 'bad-bounds' })
})

test('a permutation has each number once, in an order of its seed', () => {
  const drawn = permutation(37, { seed: 1 })
  const values = numbersOf(drawn)
  assert.equal(drawn.dtype, 'i32')
  assert.deepEqual(
    values.toSorted((a, b) => a - b),
    Array.from({ length: 37 }, (_, at) => at),
  )
  assert.notDeepEqual(
    values,
    values.toSorted((a, b) => a - b),
  )
  assert.notDeepEqual(numbersOf(permutation(37, { seed: 2 })), values)
})

test('what is no seed or step is refused', () => {
  assert.throws(() => manualSeed(0.5), { code: 'bad-seed' })
  assert.throws(() => uniform([1], { seed: 1, step: scalar(1) }), { code: 'bad-step' })
  assert.throws(() => uniform([1], { seed: 1, step: -1 }), { code: 'bad-count' })
})
