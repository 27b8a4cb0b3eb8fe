// Random crops and mirrorings, as index vectors: the step that uses a batch reads each pixel from where they say.
import { cropOf } from '../data/augment.ts'
import { fromArray } from '../graph/creation.ts'
import type { Tensor } from '../graph/tensor.ts'

/** What may happen to an image, anew in each epoch. */
export interface Augmentation {
  /** Pixels of black around the image before a piece of the old size is cut out at random; 0, the default, for none. */
  readonly padding?: number
  /** Mirrors half of the images left to right; false by default. */
  readonly flip?: boolean
}

/**
 * Where the pixels of augmented images come from: for row i of image b row `down[b,i]`, for column j column `across[b,j]`,
 * with -1 for black. The crops are those of `augment` with the same seed and epoch.
 */
export function sources(
  rows: Int32Array,
  [height, width]: readonly [number, number],
  { padding = 0, flip = false }: Augmentation,
  random: { readonly seed: number; readonly epoch: number },
): { readonly down: Tensor<2>; readonly across: Tensor<2> } {
  const down = new Int32Array(rows.length * height)
  const across = new Int32Array(rows.length * width)
  for (const [b, row] of rows.entries()) {
    const crop = cropOf(row, { padding, flip, ...random })
    for (let i = 0; i < height; i++) down[b * height + i] = inside(i + crop.down, height)
    for (let j = 0; j < width; j++) {
      const column = crop.mirrored ? width - 1 - j : j
      across[b * width + j] = inside(column + crop.right, width)
    }
  }
  return { down: fromArray(down, [rows.length, height]), across: fromArray(across, [rows.length, width]) }
}

const inside = (at: number, extent: number): number => (at >= 0 && at < extent ? at : -1)
