import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ImageSet, imageSet, pixelStatistics, select, take } from '../../src/data/dataset.ts'

const small: ImageSet = imageSet({
  name: 'small',
  images: Uint8Array.from({ length: 3 * 2 * 2 * 2 }, (_, i) => i * 10),
  labels: Uint8Array.of(0, 1, 0),
  shape: [3, 2, 2, 2],
  classes: ['a', 'b'],
})

test('take gives the first images as views, and all of them when there are fewer', () => {
  const two = take(small, 2)
  assert.deepEqual(two.shape, [2, 2, 2, 2])
  assert.deepEqual(two.labels, Uint8Array.of(0, 1))
  assert.equal(two.images.buffer, small.images.buffer)
  assert.equal(two.images.length, 16)
  assert.deepEqual(take(small, 9), small)
  assert.equal(take(small, 0).images.length, 0)
  assert.throws(() => take(small, -1), { code: 'bad-count' })
  assert.throws(() => take(small, 1.5), { code: 'bad-count' })
})

test('select copies the images of the given rows, with repeats, in the given order', () => {
  const rows = select(small, [2, 1, 2])
  assert.deepEqual(rows.labels, Uint8Array.of(0, 1, 0))
  assert.deepEqual(rows.images.subarray(0, 8), small.images.subarray(16, 24))
  assert.deepEqual(rows.images.subarray(8, 16), small.images.subarray(8, 16))
  assert.deepEqual(rows.images.subarray(16), small.images.subarray(16, 24))
  assert.notEqual(rows.images.buffer, small.images.buffer)
  for (const row of [3, -1, 0.5, Number.NaN]) assert.throws(() => select(small, [row]), { code: 'bad-row' })
})

test('pixelStatistics are the mean and the population deviation of pixels / 255, a channel each', () => {
  const set = imageSet({
    name: 'two channels',
    images: Uint8Array.of(0, 255, 10, 10, 255, 0, 10, 40),
    labels: Uint8Array.of(0, 0),
    shape: [2, 2, 1, 2],
    classes: ['a'],
  })
  const { mean, std } = pixelStatistics(set)
  // First channel 0, 255, 255, 0; second 10, 10, 10, 40.
  assert.deepEqual(mean, [0.5, 17.5 / 255])
  assert.equal(std[0], 0.5)
  assert.ok(Math.abs(std[1] - Math.sqrt((3 * 7.5 ** 2 + 22.5 ** 2) / 4) / 255) < 1e-12)
  assert.throws(() => pixelStatistics(take(set, 0)), { code: 'empty-set' })
})

test('imageSet refuses parts that do not fit each other', () => {
  const expectError = (change: Partial<ImageSet>, text: RegExp): void =>
    assert.throws(() => imageSet({ ...small, ...change }), { code: 'bad-image-set', message: text })
  expectError({ images: new Uint8Array(3) }, /3 bytes of images, but the shape \[3,2,2,2\] needs 24/)
  expectError({ labels: Uint8Array.of(0) }, /1 labels for 3 images/)
  expectError({ labels: Uint8Array.of(0, 2, 0) }, /label 2 of image 1 is beyond the 2 classes/)
  expectError({ shape: [3, 2, -2, -2] }, /not four whole numbers/)
})
