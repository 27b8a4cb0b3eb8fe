import type { Tensor } from '../graph/tensor.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'

/** The axes `first` to `last` as one; all but the batch when left out. Nothing is copied. */
export const flatten = (first = 1, last = -1): Layer =>
  defineLayer({ name: 'flatten', forward: (x: Tensor) => x.flatten(first, last) })
