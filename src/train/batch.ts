// A batch, gathered and standardised inside the step that uses it.

import { tensor } from '../graph/creation.ts'
import type { Tensor } from '../graph/tensor.ts'
import { apply } from '../nn/apply.ts'
import { areBytes, type Examples, type Statistics } from './examples.ts'

/** What says which examples a batch has: their rows [b] (i32), and for augmentation where their pixels come from. */
export interface BatchRows {
  readonly rows: Tensor
  /** [b,h] and [b,w] (i32): the row and the column of the image that each pixel is taken from; -1 is black. */
  readonly down?: Tensor
  readonly across?: Tensor
}

export interface Batch {
  readonly images: Tensor
  readonly labels: Tensor
}

/** A function from row numbers to a batch, for use inside a step: the set stays where it is, as it is. */
export function batchTaker(examples: Examples, statistics: Statistics | null): (rows: BatchRows) => Batch {
  const { images, labels } = examples
  if (!areBytes(examples) || !statistics)
    return ({ rows }) => ({ images: images.take(rows, 0), labels: labels.take(rows, 0) })
  // (x / 255 - mean) / std as one multiplication and one subtraction.
  const scale = tensor(statistics.std.map((std) => 1 / (255 * std)))
  const shift = tensor(statistics.mean.map((mean, channel) => mean / statistics.std[channel]))
  return ({ rows, down, across }) => ({
    images:
      down && across
        ? apply(shifted, { x: images, rows, down, across, scale, shift })
        : apply(plain, { x: images, rows, scale, shift }),
    labels: labels.take(rows, 0),
  })
}

const plain = 'z[b,c,i,j] = x[rows[b],c,i,j] * scale[c] - shift[c]'

const shifted = `pixel[b,c,i,j] = where(down[b,i] >= 0 and across[b,j] >= 0, x[rows[b],c,down[b,i],across[b,j]], 0)
z[b,c,i,j] = pixel[b,c,i,j] * scale[c] - shift[c]`
