// safetensors: eight bytes that say how long the header is, the header as JSON, then the elements of all tensors, end to end.
// Source: github.com/huggingface/safetensors, "Format". What the format forbids is refused here.
import { bytesPerElement, type Dtype, type TypedArray, typedArray } from '../dtype.ts'
import { DataError } from '../errors.ts'

export interface StoredTensor {
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** Row-major; bool elements are bytes 0 and 1. */
  readonly values: TypedArray
}

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>
  /** Free text, by name. */
  readonly metadata: Readonly<Record<string, string>>
}

const formatNames: Readonly<Record<Dtype, string>> = { f32: 'F32', f64: 'F64', i32: 'I32', u8: 'U8', bool: 'BOOL' }
const dtypes = new Map(Object.entries(formatNames).map(([dtype, name]) => [name, dtype as Dtype]))
const metadataName = '__metadata__'
/** As in the reference implementation: a longer header is no header. */
const longestHeader = 100_000_000

/**
 * A file of tensors by name. Throws DataError `bad-safetensors` where a tensor has not as many elements as its shape says, or
 * is called `__metadata__`.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [[metadataName, metadata]] : []
  let length = 0
  const parts: Uint8Array[] = []
  // Large elements first, so that all lie at multiples of their size.
  const order = [...tensors].sort(([, a], [, b]) => bytesPerElement(b.dtype) - bytesPerElement(a.dtype))
  for (const [name, { dtype, shape, values }] of order) {
    if (name === metadataName) throw malformed(`a tensor cannot be called ${metadataName}`)
    if (values.length !== elementsOf(shape))
      throw malformed(`the tensor ${name} has ${values.length} elements, and its shape [${shape}] asks for others`)
    header.push([name, { dtype: formatNames[dtype], shape, data_offsets: [length, length + values.byteLength] }])
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    length += values.byteLength
  }
  const text = `{${header.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join()}}`
  const json = new TextEncoder().encode(text)
  const start = 8 + Math.ceil(json.length / 8) * 8
  const bytes = new Uint8Array(start + length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true)
  bytes.fill(0x20, 8, start)
  bytes.set(json, 8)
  let at = start
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** The tensors of a file, copied. Throws DataError `bad-safetensors` for whatever the format does not allow. */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  if (bytes.length < 8) throw malformed(`it has ${bytes.length} bytes, and the length of its header alone takes 8`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerLength = view.getBigUint64(0, true)
  if (headerLength > longestHeader) throw malformed(`its header would have ${headerLength} bytes`)
  const start = 8 + Number(headerLength)
  if (start > bytes.length)
    throw malformed(`its header would end at byte ${start}, and the file has ${bytes.length} bytes`)
  const header = parseHeader(bytes.subarray(8, start))
  const data = bytes.subarray(start)
  const tensors = new Map<string, StoredTensor>()
  const places: { readonly name: string; readonly from: number; readonly to: number }[] = []
  let metadata: Readonly<Record<string, string>> = {}
  for (const [name, entry] of Object.entries(header)) {
    if (name === metadataName) {
      metadata = readMetadata(entry)
      continue
    }
    const { dtype, shape, from, to } = readEntry(name, entry)
    if (to > data.length)
      throw malformed(`the tensor ${name} would end at byte ${to} of ${data.length} bytes of elements`)
    places.push({ name, from, to })
    tensors.set(name, { dtype, shape, values: elements(name, dtype, data.subarray(from, to)) })
  }
  checkCover(places, data.length)
  return { tensors, metadata }
}

function parseHeader(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw malformed('its header is not UTF-8')
  }
  if (!text.startsWith('{')) throw malformed('its header does not begin with {')
  let header: unknown
  try {
    header = JSON.parse(text)
  } catch (error) {
    throw malformed(`its header is not JSON (${error instanceof Error ? error.message : error})`)
  }
  if (!isRecord(header)) throw malformed('its header is not a JSON object')
  const twice = repeatedName(text)
  if (twice !== null) throw malformed(`its header names ${twice} twice`)
  return header
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A name that occurs twice among those of the outermost object: JSON.parse would silently keep the last. */
function repeatedName(json: string): string | null {
  const seen = new Set<string>()
  let depth = 0
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (depth === 1 && token.endsWith(':')) {
      const name = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string
      if (seen.has(name)) return name
      seen.add(name)
    }
  }
  return null
}

function readMetadata(entry: unknown): Readonly<Record<string, string>> {
  if (!isRecord(entry) || Object.values(entry).some((value) => typeof value !== 'string'))
    throw malformed(`its ${metadataName} is not an object of strings`)
  return entry as Record<string, string>
}

function readEntry(name: string, entry: unknown) {
  if (!isRecord(entry)) throw malformed(`the entry of the tensor ${name} is not an object`)
  const { dtype: formatName, shape, data_offsets: offsets, ...rest } = entry
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) throw malformed(`the entry of the tensor ${name} has a field ${unknown}`)
  const dtype = typeof formatName === 'string' ? dtypes.get(formatName) : undefined
  if (dtype === undefined)
    throw malformed(
      `the tensor ${name} has the dtype ${JSON.stringify(formatName)}; those read here are ${[...dtypes.keys()].join(', ')}`,
    )
  if (!isCounts(shape)) throw malformed(`the shape of the tensor ${name} is not a list of whole numbers`)
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1])
    throw malformed(`the data_offsets of the tensor ${name} are not a beginning and an end`)
  const [from, to] = offsets
  const wanted = elementsOf(shape) * bytesPerElement(dtype)
  if (to - from !== wanted)
    throw malformed(
      `the tensor ${name} of shape [${shape}] takes ${wanted} bytes, and its data_offsets span ${to - from}`,
    )
  return { dtype, shape, from, to }
}

const isCounts = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((part) => Number.isSafeInteger(part) && part >= 0)

const elementsOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1)

function elements(name: string, dtype: Dtype, bytes: Uint8Array): TypedArray {
  if (dtype === 'bool' && bytes.some((value) => value > 1))
    throw malformed(`the tensor ${name} is bool, and has bytes other than 0 and 1`)
  // A copy lies where its dtype wants it. (`slice` would not copy a Buffer.)
  const copy = new Uint8Array(bytes)
  return typedArray(dtype, copy.length / bytesPerElement(dtype), copy.buffer, 0)
}

/** Every byte of elements must belong to exactly one tensor. */
function checkCover(
  places: readonly { readonly name: string; readonly from: number; readonly to: number }[],
  length: number,
): void {
  let end = 0
  for (const { name, from, to } of [...places].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from < end) throw malformed(`the elements of the tensor ${name} begin inside those of another`)
    if (from > end) throw malformed(`bytes ${end} … ${from} of the elements belong to no tensor`)
    end = to
  }
  if (end !== length) throw malformed(`bytes ${end} … ${length} of the elements belong to no tensor`)
}

const malformed = (what: string): DataError =>
  new DataError('bad-safetensors', `this is no safetensors file that can be used: ${what}`)
