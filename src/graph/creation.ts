// Tensors from numbers, and from nothing but their indices.
import type { Dtype, TypedArray } from '../dtype.ts'
import { typedArray } from '../dtype.ts'
import { ShapeError } from '../errors.ts'
import { dataNode } from './build.ts'
import type { NestedValues } from './nested.ts'
import { flattenNested } from './nested.ts'
import type { Shape } from './node.ts'
import { sizeOf } from './node.ts'
import { checkShape, shapeText } from './operations/axes.ts'
import * as create from './operations/create.ts'
import type { Tensor } from './tensor.ts'
import { wrap } from './tensor.ts'

type NumericArray = TypedArray | Int8Array | Int16Array | Uint16Array | Uint32Array | Uint8ClampedArray

/** What `tensor` makes tensors of. */
export type TensorValues = NestedValues | NumericArray

/** The rank that nested arrays of a known type have. */
type RankOf<Values> = Values extends number | boolean
  ? 0
  : Values extends NumericArray
    ? 1
    : Values extends readonly (infer Row)[]
      ? Row extends number | boolean
        ? 1
        : Row extends readonly (number | boolean)[]
          ? 2
          : number
      : number

/**
 * A tensor of the numbers given, which are copied: nested arrays (all rows of a depth of one length), or a typed array.
 * `shape` puts them in another shape of as many elements. `dtype`, when left out, is f32 for numbers, bool for booleans,
 * and that of a typed array (i32 for the integers that have no dtype of their own).
 * Throws ShapeError `ragged-array` (naming the row), `bad-element` or `bad-shape`.
 */
export function tensor<const Values extends TensorValues>(
  values: Values,
  options?: { dtype?: Dtype },
): Tensor<RankOf<Values>>
export function tensor<const S extends Shape>(
  values: TensorValues,
  options: { shape: S; dtype?: Dtype },
): Tensor<S['length']>
export function tensor(values: TensorValues, options: { shape?: Shape; dtype?: Dtype } = {}): Tensor {
  const flat = ArrayBuffer.isView(values) ? copyOf(values, options.dtype) : flattenNested(values, options.dtype)
  return dataTensor(flat.values, options.shape ?? flat.shape, flat.dtype, 'tensor')
}

function copyOf(values: NumericArray, wanted: Dtype | undefined): { values: TypedArray; shape: Shape; dtype: Dtype } {
  const dtype = wanted ?? dtypeOfArray(values)
  const copy = typedArray(dtype, values.length)
  if (dtype === 'bool') for (const [at, value] of values.entries()) copy[at] = value === 0 ? 0 : 1
  else copy.set(values)
  return { values: copy, shape: [values.length], dtype }
}

function dtypeOfArray(values: NumericArray): Dtype {
  if (values instanceof Float32Array) return 'f32'
  if (values instanceof Float64Array || values instanceof Uint32Array) return 'f64'
  return values instanceof Uint8Array || values instanceof Uint8ClampedArray ? 'u8' : 'i32'
}

/**
 * A tensor over the typed array itself: nothing is copied, so its numbers must not be changed afterwards. The dtype is the
 * array's; a Uint8Array of 0 and 1 may also be bool. Throws ShapeError `bad-shape`, or `dtype-mismatch`.
 */
export function fromArray<const S extends Shape>(values: TypedArray, shape: S, dtype?: Dtype): Tensor<S['length']> {
  const own = dtypeOfArray(values)
  if (dtype !== undefined && dtype !== own && !(dtype === 'bool' && own === 'u8'))
    throw new ShapeError(
      'dtype-mismatch',
      `fromArray: a ${values.constructor.name} holds ${own}, not ${dtype}; tensor() converts`,
    )
  return dataTensor(values, shape, dtype ?? own, 'fromArray')
}

function dataTensor<Rank extends number>(
  values: TypedArray,
  shape: Shape,
  dtype: Dtype,
  operation: string,
): Tensor<Rank> {
  checkShape(operation, shape)
  if (sizeOf(shape) !== values.length)
    throw new ShapeError(
      'bad-shape',
      `${operation}: ${values.length} numbers do not fill the shape ${shapeText(shape)}, which has ${sizeOf(shape)} elements`,
    )
  return wrap(dataNode(values, shape, dtype))
}

/** A tensor of rank 0, always data (a number in a formula is part of its text). */
export const scalar = (value: number, dtype: Dtype = 'f32'): Tensor<0> =>
  wrap(dataNode(typedArray(dtype, 1).fill(value), [], dtype))

/** `value` everywhere. */
export const full = <const S extends Shape>(
  shape: S,
  value: number,
  options: { dtype?: Dtype } = {},
): Tensor<S['length']> => wrap(create.full(shape, value, options.dtype))

export const zeros = <const S extends Shape>(shape: S, options: { dtype?: Dtype } = {}): Tensor<S['length']> =>
  full(shape, 0, options)

export const ones = <const S extends Shape>(shape: S, options: { dtype?: Dtype } = {}): Tensor<S['length']> =>
  full(shape, 1, options)

/** Zeros (`fullLike`: a value) in the shape and dtype of another tensor. */
export const zerosLike = <Rank extends number>(like: Tensor<Rank>): Tensor<Rank> => fullLike(like, 0)

export const onesLike = <Rank extends number>(like: Tensor<Rank>): Tensor<Rank> => fullLike(like, 1)

export const fullLike = <Rank extends number>(like: Tensor<Rank>, value: number): Tensor<Rank> =>
  wrap(create.full(like.shape, value, like.dtype))

/** `arange(stop)`: 0 … stop - 1. `arange(start, stop, step)`: start, start + step, … before stop. i32 if all are whole, else f32. */
export function arange(stop: number, options?: { dtype?: Dtype }): Tensor<1>
export function arange(start: number, stop: number, step?: number, options?: { dtype?: Dtype }): Tensor<1>
export function arange(
  first: number,
  second?: number | { dtype?: Dtype },
  step = 1,
  options?: { dtype?: Dtype },
): Tensor<1> {
  if (typeof second === 'number') return wrap(create.arange(first, second, step, options?.dtype))
  return wrap(create.arange(0, first, 1, second?.dtype))
}

/** `count` numbers at equal distances, from `start` to `stop`, both included. */
export const linspace = (start: number, stop: number, count: number, options: { dtype?: Dtype } = {}): Tensor<1> =>
  wrap(create.linspace(start, stop, count, options.dtype))

/** Ones where column = row + `diagonal`, zeros elsewhere; square unless `columns` is given. */
export const eye = (rows: number, columns = rows, options: { diagonal?: number; dtype?: Dtype } = {}): Tensor<2> =>
  wrap(create.eye(rows, columns, options.diagonal, options.dtype))
