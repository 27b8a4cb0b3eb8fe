// What a network learns from and is judged by, in the form in which a step takes its batches.
import type { ImageSet, Split } from '../data/dataset.ts'
import { pixelStatistics } from '../data/dataset.ts'
import { ShapeError } from '../errors.ts'
import { fromArray } from '../graph/creation.ts'
import { Tensor } from '../graph/tensor.ts'

/** Examples as tensors: row r of `images` belongs to row r of `labels`. */
export interface Examples {
  readonly name?: string
  /** [n, …]: what the network is given. Bytes of rank 4, [n,c,h,w], are standardised inside the step. */
  readonly images: Tensor
  /** [n] class numbers (i32 or u8), or whatever else of n rows the loss compares outputs with. */
  readonly labels: Tensor
  readonly classes?: readonly string[]
}

/** What `fit` and `evaluate` take. */
export type Data = ImageSet | Examples

/** Mean and standard deviation of pixels / 255, one of each a channel. */
export interface Statistics {
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

export const isSplit = (data: Data | Split): data is Split => 'train' in data

/**
 * A data set as tensors. No byte is copied here; at their first use the device takes them over, as bytes, and they stay
 * there. Throws ShapeError `shape-mismatch` when images and labels are not equally many, `empty-set` when there are none.
 */
export function examplesOf(data: Data): Examples {
  const examples = data.images instanceof Tensor ? (data as Examples) : fromImageSet(data as ImageSet)
  const { images, labels, name = 'the data' } = examples
  if (images.rank === 0 || labels.rank === 0 || images.shape[0] !== labels.shape[0])
    throw new ShapeError(
      'shape-mismatch',
      `${name}: images have shape [${images.shape}] and labels [${labels.shape}]; their first axes must be equally long`,
    )
  if (images.shape[0] === 0) throw new ShapeError('empty-set', `${name}: there are no examples in it`)
  return examples
}

const converted = new WeakMap<ImageSet, Examples>()

/** The same tensors each time, so that a set is on the device once. */
function fromImageSet(set: ImageSet): Examples {
  let examples = converted.get(set)
  if (!examples) {
    const { name, classes, shape } = set
    examples = { name, classes, images: fromArray(set.images, shape), labels: fromArray(set.labels, [shape[0]]) }
    converted.set(set, examples)
  }
  return examples
}

/** Whether the images are bytes that a step standardises. */
export const areBytes = ({ images }: Examples): boolean => images.dtype === 'u8' && images.rank === 4

/** Whether the labels are class numbers, so that there is an accuracy. */
export const areClasses = ({ labels }: Examples): boolean =>
  labels.rank === 1 && (labels.dtype === 'u8' || labels.dtype === 'i32')

/** The statistics to standardise by: of the set itself. Null for images that are not bytes. */
export async function statisticsOf(data: Data): Promise<Statistics | null> {
  if (!(data.images instanceof Tensor)) return pixelStatistics(data as ImageSet)
  const examples = data as Examples
  if (!areBytes(examples)) return null
  const [n, c, h, w] = examples.images.shape
  const images = (await examples.images.data()) as Uint8Array
  return pixelStatistics({ name: '', images, labels: new Uint8Array(n), shape: [n, c, h, w], classes: [''] })
}
