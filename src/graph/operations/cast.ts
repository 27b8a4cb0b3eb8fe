import type { Dtype } from '../../dtype.ts'
import { isFloat } from '../../dtype.ts'
import { ShapeError } from '../../errors.ts'
import type { Node } from '../node.ts'
import { shapeText } from './axes.ts'
import { toBool } from './comparison.ts'
import { pointwise } from './pointwise.ts'

/**
 * The same numbers in another dtype. Floats are cut towards 0 for integers, and end at the bounds of i32; NaN becomes 0. For
 * bool, all but 0 is true.
 */
export function cast(x: Node, dtype: Dtype): Node {
  if (x.dtype === dtype) return x
  return dtype === 'bool' ? toBool(x) : pointwise('cast', [x], (a) => a, dtype)
}

/** Bool and u8 as i32, so that sums of many have room. */
export const widen = (x: Node): Node => (x.dtype === 'bool' || x.dtype === 'u8' ? cast(x, 'i32') : x)

/** Integers as f32; floats as they are. */
export const toFloat = (x: Node): Node => (isFloat(x.dtype) ? x : cast(x, 'f32'))

/** A tensor that can stand in an index. Throws ShapeError `index-dtype` for floats and conditions. */
export function toIndex(operation: string, x: Node): Node {
  if (x.dtype === 'i32' || x.dtype === 'u8') return cast(x, 'i32')
  throw new ShapeError(
    'index-dtype',
    `${operation}: the indices ${shapeText(x.shape)} are ${x.dtype}; indices are i32 or u8 (write .cast('i32'))`,
  )
}
