import { DataError } from '../errors.ts'
import { threefryInto } from '../random/threefry.ts'
import { checkedRow, type ImageSet } from './dataset.ts'

/** Keeps augmentation apart from other uses of the same seed. */
const STREAM = 0x6175676d

export interface AugmentOptions {
  readonly seed: number
  /** Another crop and flip for every epoch, counted from 0. */
  readonly epoch?: number
  /** Pixels of black around the image before a piece of the old size is cut out at random; 0 for none. */
  readonly padding: number
  /** Mirrors half of the images left to right. */
  readonly flip: boolean
}

/**
 * The images at `rows`, each cut at random out of a black frame and mirrored or not: rows.length*c*h*w bytes (NCHW).
 * What happens to an image depends on seed, epoch and its row number, not on the batch it is in.
 * Padding 4 and flips are the usual choice for CIFAR-10 (He et al., "Deep Residual Learning", 2015, section 4.2).
 * Throws DataError `bad-padding`, `bad-row`.
 */
export function augment(set: ImageSet, rows: ArrayLike<number>, options: AugmentOptions): Uint8Array {
  const { seed, epoch = 0, padding, flip } = options
  if (!Number.isInteger(padding) || padding < 0)
    throw new DataError('bad-padding', `padding is a whole number of pixels, 0 or more, not ${padding}`)
  const [n, c, h, w] = set.shape
  const out = new Uint8Array(rows.length * c * h * w)
  for (let i = 0; i < rows.length; i++) {
    const row = checkedRow(rows[i], n)
    const { down, right, mirrored } = cropOf(row, { seed, epoch, padding, flip })
    for (let channel = 0; channel < c; channel++) {
      const from = (row * c + channel) * h * w
      const to = (i * c + channel) * h * w
      copyShifted(set.images, from, out, to, h, w, down, right, mirrored)
    }
  }
  return out
}

/** Where the crop of an image lies, in pixels from the image itself (-padding … padding), and whether it is then mirrored. */
export function cropOf(
  row: number,
  { seed, epoch = 0, padding, flip }: AugmentOptions,
): { readonly down: number; readonly right: number; readonly mirrored: boolean } {
  const words = new Uint32Array(2)
  threefryInto(words, seed, STREAM, epoch, row)
  const choices = 2 * padding + 1
  return {
    down: Math.floor((words[0] >>> 8) * 2 ** -24 * choices) - padding,
    right: Math.floor((words[1] >>> 8) * 2 ** -24 * choices) - padding,
    // The lowest bit of the first word is not among those that chose the crop.
    mirrored: flip && (words[0] & 1) === 1,
  }
}

/** out[y, x] = image[y + down, x + right], or 0 outside; then mirrored in x. */
function copyShifted(
  image: Uint8Array,
  from: number,
  out: Uint8Array,
  to: number,
  h: number,
  w: number,
  down: number,
  right: number,
  mirrored: boolean,
): void {
  const top = Math.max(0, -down)
  const bottom = Math.min(h, h - down)
  const first = Math.max(0, -right)
  const end = Math.min(w, w - right)
  for (let y = top; y < bottom; y++) {
    const source = from + (y + down) * w + right
    const target = to + y * w
    if (mirrored) for (let x = first; x < end; x++) out[target + w - 1 - x] = image[source + x]
    else for (let x = first; x < end; x++) out[target + x] = image[source + x]
  }
}

/**
 * (pixel / 255 - mean) / std, channel by channel: `images` is n*c*h*w bytes of the given shape (NCHW), `mean` and
 * `std` have one number a channel (`pixelStatistics` gives them). Throws DataError `bad-statistics`.
 */
export function normalize(
  images: Uint8Array,
  shape: readonly [n: number, c: number, h: number, w: number],
  mean: readonly number[],
  std: readonly number[],
): Float32Array {
  const [n, c, h, w] = shape
  if (images.length !== n * c * h * w)
    throw new DataError('bad-image-set', `${images.length} bytes of images do not fill the shape [${shape}]`)
  if (mean.length !== c || std.length !== c || !std.every((deviation) => deviation > 0))
    throw new DataError(
      'bad-statistics',
      `normalize needs a mean and a std above 0 for each of ${c} channels, not mean [${mean}] and std [${std}]`,
    )
  const tables = mean.map((average, channel) =>
    Float32Array.from({ length: 256 }, (_, pixel) => (pixel / 255 - average) / std[channel]),
  )
  const out = new Float32Array(images.length)
  const area = h * w
  for (let plane = 0; plane < n * c; plane++) {
    const table = tables[plane % c]
    const end = (plane + 1) * area
    for (let i = plane * area; i < end; i++) out[i] = table[images[i]]
  }
  return out
}
