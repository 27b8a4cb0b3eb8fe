/** What one element of a tensor is. Arithmetic happens in f32 or f64; i32 holds indices, u8 images, bool conditions. */
export type Dtype = 'f32' | 'f64' | 'i32' | 'u8' | 'bool'

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array

const arrays = { f32: Float32Array, f64: Float64Array, i32: Int32Array, u8: Uint8Array, bool: Uint8Array } as const

/** A zeroed array for `length` elements; or, given a buffer, a view of it. */
export function typedArray(dtype: Dtype, length: number): TypedArray
export function typedArray(dtype: Dtype, length: number, buffer: ArrayBufferLike, byteOffset: number): TypedArray
export function typedArray(dtype: Dtype, length: number, buffer?: ArrayBufferLike, byteOffset = 0): TypedArray {
  const TypedArrayOf = arrays[dtype]
  return buffer ? new TypedArrayOf(buffer as ArrayBuffer, byteOffset, length) : new TypedArrayOf(length)
}

export const bytesPerElement = (dtype: Dtype): number => arrays[dtype].BYTES_PER_ELEMENT

export const isFloat = (dtype: Dtype): boolean => dtype === 'f32' || dtype === 'f64'

/** The dtype that holds values of all the given ones: bool < u8 < i32 < f32 < f64, as NumPy's kinds with f32 for i32 and f32. */
export function promote(...dtypes: readonly Dtype[]): Dtype {
  const order: readonly Dtype[] = ['bool', 'u8', 'i32', 'f32', 'f64']
  return dtypes.reduce((wide, dtype) => (order.indexOf(dtype) > order.indexOf(wide) ? dtype : wide), 'bool')
}
