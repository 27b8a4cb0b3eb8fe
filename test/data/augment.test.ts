import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { augment, normalize } from '../../src/data/augment.ts'
import { type ImageSet, imageSet, select } from '../../src/data/dataset.ts'

/** Images whose pixels are all different from 0 and tell where they come from. */
const setOf = (n: number, c: number, h: number, w: number): ImageSet =>
  imageSet({
    name: 'test',
    images: Uint8Array.from({ length: n * c * h * w }, (_, i) => 1 + (i % 255)),
    labels: new Uint8Array(n),
    shape: [n, c, h, w],
    classes: ['only'],
  })

/** The image cut out `down` and `right` of its place, 0 outside, then mirrored or not. */
function cut(set: ImageSet, row: number, down: number, right: number, mirrored: boolean): Uint8Array {
  const [, c, h, w] = set.shape
  const out = new Uint8Array(c * h * w)
  for (let channel = 0; channel < c; channel++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) {
        const fromY = y + down
        const fromX = (mirrored ? w - 1 - x : x) + right
        if (fromY < 0 || fromY >= h || fromX < 0 || fromX >= w) continue
        out[(channel * h + y) * w + x] = set.images[((row * c + channel) * h + fromY) * w + fromX]
      }
  return out
}

test('augment gives each image cut out of its frame somewhere, mirrored or not', () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 2, max: 7 }), fc.integer({ min: 2, max: 7 }))
  fc.assert(
    fc.property(sizes, fc.nat(9), fc.nat(4), fc.boolean(), fc.nat(), ([c, h, w], row, padding, flip, seed) => {
      const set = setOf(10, c, h, w)
      const image = augment(set, [row], { seed, padding, flip })
      const shifts = Array.from({ length: 2 * padding + 1 }, (_, i) => i - padding)
      const cuts = shifts.flatMap((down) =>
        shifts.flatMap((right) => [false, flip].map((mirrored) => cut(set, row, down, right, mirrored))),
      )
      assert.ok(cuts.some((one) => Buffer.compare(one, image) === 0))
    }),
  )
})

test('every crop and both sides come about equally often', () => {
  const set = setOf(1, 1, 6, 6)
  const counts = new Map<string, number>()
  const shifts = [-1, 0, 1]
  const names = new Map(
    shifts.flatMap((down) =>
      shifts.flatMap((right) =>
        [false, true].map((mirrored) => [cut(set, 0, down, right, mirrored).join(), `${down} ${right} ${mirrored}`]),
      ),
    ),
  )
  for (let epoch = 0; epoch < 3600; epoch++) {
    const name = names.get(augment(set, [0], { seed: 1, epoch, padding: 1, flip: true }).join())!
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  assert.equal(counts.size, 18)
  // A count has mean 200 and standard deviation 14.
  for (const [name, count] of counts) assert.ok(Math.abs(count - 200) < 75, `${name} came ${count} times`)
})

test('what happens to a row does not depend on the batch it is in', () => {
  const set = setOf(8, 3, 5, 4)
  const options = { seed: 5, epoch: 2, padding: 2, flip: true }
  const together = augment(set, [6, 1, 4], options)
  const alone = [6, 1, 4].map((row) => augment(set, [row], options))
  assert.deepEqual(together, Uint8Array.from(alone.flatMap((image) => [...image])))
  assert.notDeepEqual(together, augment(set, [6, 1, 4], { ...options, epoch: 3 }))
  assert.notDeepEqual(together, augment(set, [6, 1, 4], { ...options, seed: 6 }))
})

test('augment without padding and flips only selects, and padding may exceed the image', () => {
  const set = setOf(4, 2, 3, 3)
  assert.deepEqual(augment(set, [3, 0], { seed: 0, padding: 0, flip: false }), select(set, [3, 0]).images)
  const far = augment(set, Array(50).fill(1), { seed: 0, padding: 40, flip: true })
  assert.equal(far.length, 50 * 18)
  assert.throws(() => augment(set, [4], { seed: 0, padding: 0, flip: false }), { code: 'bad-row' })
  assert.throws(() => augment(set, [0], { seed: 0, padding: -1, flip: false }), { code: 'bad-padding' })
})

test('normalize computes (pixel / 255 - mean) / std for each channel', () => {
  const out = normalize(Uint8Array.of(0, 255, 51, 102, 255, 0, 0, 51), [2, 2, 1, 2], [0.5, 0.2], [0.25, 0.1])
  const expected = Float32Array.of(-2, 2, 0, 2, 2, -2, -2, 0)
  assert.equal(out.length, 8)
  for (const [i, value] of out.entries()) assert.ok(Math.abs(value - expected[i]) < 1e-6, `element ${i} is ${value}`)
})

test('normalize refuses statistics that do not fit the channels', () => {
  const expectError = (mean: number[], std: number[]): void =>
    assert.throws(() => normalize(new Uint8Array(4), [1, 2, 1, 2], mean, std), { code: 'bad-statistics' })
  expectError([0], [1])
  expectError([0, 0], [1])
  expectError([0, 0], [1, 0])
  expectError([0, 0], [1, Number.NaN])
  assert.throws(() => normalize(new Uint8Array(5), [1, 2, 1, 2], [0, 0], [1, 1]), { code: 'bad-image-set' })
})
