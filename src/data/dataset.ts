import { DataError } from '../errors.ts'

/** Labelled images, as every loader gives them: plain bytes, one image after the other. */
export interface ImageSet {
  /** What the set is, for people: `fashion-mnist train`. */
  readonly name: string
  /** n*c*h*w bytes in the order image, channel, row, column (NCHW). */
  readonly images: Uint8Array
  /** n class numbers, each an index into `classes`. */
  readonly labels: Uint8Array
  /** [n, c, h, w]: images, channels, height, width. */
  readonly shape: readonly [n: number, c: number, h: number, w: number]
  readonly classes: readonly string[]
}

/** A set to learn from, and one to judge by. */
export interface Split {
  readonly train: ImageSet
  readonly test: ImageSet
}

/** An `ImageSet`, checked: sizes fit `shape` and every label has a class. Throws DataError `bad-image-set`. */
export function imageSet(set: ImageSet): ImageSet {
  const [n, c, h, w] = set.shape
  if (!set.shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    throw new DataError('bad-image-set', `${set.name}: the shape [${set.shape}] is not four whole numbers`)
  if (set.images.length !== n * c * h * w)
    throw new DataError(
      'bad-image-set',
      `${set.name}: ${set.images.length} bytes of images, but the shape [${set.shape}] needs ${n * c * h * w}`,
    )
  if (set.labels.length !== n)
    throw new DataError('bad-image-set', `${set.name}: ${set.labels.length} labels for ${n} images`)
  const stray = set.labels.findIndex((label) => label >= set.classes.length)
  if (stray >= 0)
    throw new DataError(
      'bad-image-set',
      `${set.name}: label ${set.labels[stray]} of image ${stray} is beyond the ${set.classes.length} classes`,
    )
  return set
}

/** The first `n` images (all of them when there are fewer), as views: no byte is copied. */
export function take(set: ImageSet, n: number): ImageSet {
  if (!Number.isSafeInteger(n) || n < 0)
    throw new DataError('bad-count', `take needs a whole number of images, 0 or more, not ${n}`)
  const [all, c, h, w] = set.shape
  const count = Math.min(n, all)
  return {
    ...set,
    images: set.images.subarray(0, count * c * h * w),
    labels: set.labels.subarray(0, count),
    shape: [count, c, h, w],
  }
}

/** The images at `rows` (numbers of images, repeats allowed), copied. Throws DataError `bad-row`. */
export function select(set: ImageSet, rows: ArrayLike<number>): ImageSet {
  const [n, c, h, w] = set.shape
  const size = c * h * w
  const images = new Uint8Array(rows.length * size)
  const labels = new Uint8Array(rows.length)
  for (let i = 0; i < rows.length; i++) {
    const row = checkedRow(rows[i], n)
    images.set(set.images.subarray(row * size, (row + 1) * size), i * size)
    labels[i] = set.labels[row]
  }
  return { ...set, images, labels, shape: [rows.length, c, h, w] }
}

/** `row` when it is the number of one of `n` images, else DataError `bad-row`. */
export function checkedRow(row: number, n: number): number {
  if (!(Number.isInteger(row) && row >= 0 && row < n))
    throw new DataError('bad-row', `there is no image ${row}: the set has images 0 to ${n - 1}`)
  return row
}

/**
 * Mean and (population) standard deviation of pixels / 255, one of each a channel: what `normalize` takes.
 * Exact sums of integers, so the same on every machine. Throws DataError `empty-set` when there is no pixel.
 */
export function pixelStatistics(set: ImageSet): { mean: number[]; std: number[] } {
  const [n, c, h, w] = set.shape
  const area = h * w
  if (n * area === 0) throw new DataError('empty-set', `${set.name} has no pixels, so no mean and no deviation`)
  const mean: number[] = []
  const std: number[] = []
  for (let channel = 0; channel < c; channel++) {
    const counts = new Float64Array(256)
    for (let image = 0; image < n; image++) {
      const start = (image * c + channel) * area
      for (let i = start; i < start + area; i++) counts[set.images[i]]++
    }
    let sum = 0
    let squares = 0
    for (let value = 0; value < 256; value++) {
      sum += counts[value] * value
      squares += counts[value] * value * value
    }
    const average = sum / (n * area)
    mean.push(average / 255)
    std.push(Math.sqrt(Math.max(0, squares / (n * area) - average * average)) / 255)
  }
  return { mean, std }
}
