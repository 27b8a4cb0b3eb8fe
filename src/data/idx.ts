// IDX, the file format of MNIST: two zero bytes, a type code, the number of dimensions, each dimension as a big-endian
// 32-bit number, then the elements, big-endian. Source: yann.lecun.com/exdb/mnist, "The IDX file format".
import type { Dtype } from '../dtype.ts'
import { DataError } from '../errors.ts'
import { gunzip, isGzip } from './gzip.ts'

/** What an IDX file holds: `shape` is outermost first, `data` is row by row. */
export type IdxArray = { readonly shape: readonly number[] } & (
  | { readonly dtype: 'u8'; readonly data: Uint8Array }
  | { readonly dtype: 'i32'; readonly data: Int32Array }
  | { readonly dtype: 'f32'; readonly data: Float32Array }
  | { readonly dtype: 'f64'; readonly data: Float64Array }
)

interface ElementType {
  readonly about: string
  readonly bytes: number
  read(view: DataView, offset: number, shape: number[], length: number): IdxArray
}

const elementTypes: ReadonlyMap<number, ElementType> = new Map([
  [
    0x08,
    {
      about: 'unsigned bytes',
      bytes: 1,
      read: (view, offset, shape, length) => ({
        dtype: 'u8',
        shape,
        data: new Uint8Array(view.buffer, view.byteOffset + offset, length).slice(),
      }),
    },
  ],
  [0x09, integers('signed bytes', 1, (view, at) => view.getInt8(at))],
  [0x0b, integers('16-bit integers', 2, (view, at) => view.getInt16(at))],
  [0x0c, integers('32-bit integers', 4, (view, at) => view.getInt32(at))],
  [
    0x0d,
    {
      about: '32-bit floats',
      bytes: 4,
      read: (view, offset, shape, length) => ({
        dtype: 'f32',
        shape,
        data: Float32Array.from({ length }, (_, i) => view.getFloat32(offset + 4 * i)),
      }),
    },
  ],
  [
    0x0e,
    {
      about: '64-bit floats',
      bytes: 8,
      read: (view, offset, shape, length) => ({
        dtype: 'f64',
        shape,
        data: Float64Array.from({ length }, (_, i) => view.getFloat64(offset + 8 * i)),
      }),
    },
  ],
])

function integers(about: string, bytes: number, get: (view: DataView, at: number) => number): ElementType {
  return {
    about,
    bytes,
    read: (view, offset, shape, length) => ({
      dtype: 'i32',
      shape,
      data: Int32Array.from({ length }, (_, i) => get(view, offset + bytes * i)),
    }),
  }
}

/**
 * Reads an IDX file, plain or gzip'd (told apart by the first two bytes). Signed bytes and 16-bit integers become i32.
 * `source` names the file in errors. Nothing larger than the file announces and holds is allocated.
 * Throws DataError: `bad-gzip`, `gzip-too-long`, `idx-bad-magic`, `idx-bad-type`, `idx-truncated`, `idx-trailing-bytes`.
 */
export function readIdx(bytes: Uint8Array, source = 'IDX data'): IdxArray {
  if (!isGzip(bytes)) return decode(bytes, source)
  return decode(
    gunzip(bytes, source, (start) => {
      const { offset, length, type } = header(start, source)
      return offset + length * type.bytes
    }),
    source,
  )
}

function decode(bytes: Uint8Array, source: string): IdxArray {
  const { type, shape, offset, length } = header(bytes, source)
  const expected = offset + length * type.bytes
  const announced = `${source} announces ${type.about} of shape [${shape}], ${expected} bytes with the header,`
  if (bytes.length < expected)
    throw new DataError('idx-truncated', `${announced} but holds only ${bytes.length}: part of the file is missing`)
  if (bytes.length > expected)
    throw new DataError('idx-trailing-bytes', `${announced} but holds ${bytes.length}: it is damaged, or no IDX file`)
  return type.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset, shape, length)
}

interface Header {
  readonly type: ElementType
  readonly shape: number[]
  /** Where the elements start. */
  readonly offset: number
  /** How many elements there are: a float, which may be beyond what an array can hold. */
  readonly length: number
}

function header(bytes: Uint8Array, source: string): Header {
  if (bytes.length < 4)
    throw new DataError('idx-truncated', `${source} has ${bytes.length} bytes; an IDX file starts with 4 of header`)
  if (bytes[0] !== 0 || bytes[1] !== 0) {
    const found = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    throw new DataError('idx-bad-magic', `${source} starts with the bytes ${found}; an IDX file starts with 00 00`)
  }
  const type = elementTypes.get(bytes[2])
  if (!type)
    throw new DataError('idx-bad-type', `${source} has type code ${bytes[2]}; IDX knows 8, 9, 11, 12, 13 and 14`)
  const rank = bytes[3]
  const offset = 4 + 4 * rank
  if (bytes.length < offset)
    throw new DataError('idx-truncated', `${source} ends within its header: ${rank} dimensions take ${offset} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const length = shape.includes(0) ? 0 : shape.reduce((product, extent) => product * extent, 1)
  return { type, shape, offset, length }
}

const typeCodes: Partial<Record<Dtype, number>> = { u8: 0x08, i32: 0x0c, f32: 0x0d, f64: 0x0e }

/**
 * The bytes of an IDX file (not compressed) that `readIdx` reads back as the same array.
 * Throws DataError `idx-bad-shape` when shape and data do not fit, or the format cannot hold the shape.
 */
export function writeIdx(array: IdxArray): Uint8Array {
  const { dtype, shape, data } = array
  if (shape.length > 255 || !shape.every((extent) => Number.isInteger(extent) && extent >= 0 && extent < 2 ** 32))
    throw new DataError('idx-bad-shape', `IDX holds up to 255 dimensions below 2^32, not [${shape}]`)
  const length = shape.reduce((product, extent) => product * extent, 1)
  if (data.length !== length)
    throw new DataError(
      'idx-bad-shape',
      `${data.length} elements do not fill the shape [${shape}], which has ${length}`,
    )
  const offset = 4 + 4 * shape.length
  const bytes = new Uint8Array(offset + length * data.BYTES_PER_ELEMENT)
  const view = new DataView(bytes.buffer)
  bytes[2] = typeCodes[dtype]!
  bytes[3] = shape.length
  for (const [axis, extent] of shape.entries()) view.setUint32(4 + 4 * axis, extent)
  if (dtype === 'u8') bytes.set(data, offset)
  else if (dtype === 'i32') for (let i = 0; i < length; i++) view.setInt32(offset + 4 * i, data[i])
  else if (dtype === 'f32') for (let i = 0; i < length; i++) view.setFloat32(offset + 4 * i, data[i])
  else for (let i = 0; i < length; i++) view.setFloat64(offset + 8 * i, data[i])
  return bytes
}
