import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Dtype, typedArray } from '../../src/dtype.ts'
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../../src/io/index.ts'

const stored = (dtype: Dtype, shape: number[], values: number[]): StoredTensor => {
  const array = typedArray(dtype, values.length)
  array.set(values)
  return { dtype, shape, values: array }
}

/** A file with this header and so many bytes of elements. */
function file(header: unknown, elements: number | number[] = 0, length?: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const data = typeof elements === 'number' ? new Uint8Array(elements) : Uint8Array.from(elements)
  const bytes = new Uint8Array(8 + json.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? json.length), true)
  bytes.set(json, 8)
  bytes.set(data, 8 + json.length)
  return bytes
}

test('what is written is read again: names, dtypes, shapes, elements and metadata', () => {
  const tensors = new Map([
    ['0.weight', stored('f32', [2, 3], [1, -2.5, 3, Number.NaN, -0, 1 / 0])],
    ['labels "quoted" ü', stored('i32', [2], [-1, 2147483647])],
    ['mask', stored('bool', [3], [0, 1, 1])],
    ['bytes', stored('u8', [1, 1], [255])],
    ['scalar', stored('f64', [], [Math.PI])],
    ['none', stored('f32', [0, 4], [])],
  ])
  const read = decodeSafetensors(encodeSafetensors(tensors, { by: 'a test' }))
  assert.deepEqual(new Map([...read.tensors].sort()), new Map([...tensors].sort()))
  assert.deepEqual(read.metadata, { by: 'a test' })
  assert.deepEqual(decodeSafetensors(encodeSafetensors(new Map())), { tensors: new Map(), metadata: {} })
})

test('elements lie at multiples of their size, as readers that map files want it', () => {
  const bytes = encodeSafetensors(
    new Map([
      ['b', stored('u8', [3], [1, 2, 3])],
      ['d', stored('f64', [1], [1])],
    ]),
  )
  const start = Number(new DataView(bytes.buffer).getBigUint64(0, true)) + 8
  assert.equal(start % 8, 0)
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)))
  assert.deepEqual(header.d, { dtype: 'F64', shape: [1], data_offsets: [0, 8] })
  assert.deepEqual(header.b, { dtype: 'U8', shape: [3], data_offsets: [8, 11] })
})

const f32 = (from: number, to: number, shape = [(to - from) / 4]) => ({ dtype: 'F32', shape, data_offsets: [from, to] })

test('files as other programs write them are read', () => {
  const { tensors } = decodeSafetensors(
    file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}    ', [0, 0, 128, 63]),
  )
  assert.deepEqual(tensors.get('a'), stored('f32', [1], [1]))
  const moved = new Uint8Array(100)
  moved.set(file({ a: f32(0, 4) }, 4), 3)
  assert.equal(decodeSafetensors(moved.subarray(3, 3 + file({ a: f32(0, 4) }, 4).length)).tensors.size, 1)
})

test('malformed files are refused, and the error says what is wrong', () => {
  const expectRefused = (bytes: Uint8Array, message: RegExp) =>
    assert.throws(() => decodeSafetensors(bytes), { name: 'DataError', code: 'bad-safetensors', message })
  expectRefused(new Uint8Array(7), /has 7 bytes/)
  expectRefused(file({}, 0, 1e9), /header would have 1000000000 bytes/)
  expectRefused(file({}, 0, 3), /header would end at byte 11, and the file has 10/)
  expectRefused(file('[]'), /does not begin with \{/)
  expectRefused(file(' {}'), /does not begin with \{/)
  expectRefused(file('{"a":'), /not JSON/)
  expectRefused(file('{}', 0, 0), /does not begin with \{/)
  expectRefused(file('{"\u00ff"'.replace('\u00ff', 'x')), /not JSON/)
  expectRefused(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff), /not UTF-8/)
  expectRefused(file({ a: 3 }), /entry of the tensor a is not an object/)
  expectRefused(file({ __metadata__: { a: 1 } }), /__metadata__ is not an object of strings/)
  expectRefused(file({ a: { ...f32(0, 4), dtype: 'BF16' } }, 4), /dtype "BF16".*F32, F64, I32, U8, BOOL/)
  expectRefused(file({ a: { ...f32(0, 4), more: 1 } }, 4), /field more/)
  expectRefused(file({ a: f32(0, 4, [-1]) }, 4), /shape of the tensor a/)
  expectRefused(file({ a: f32(0, 4, [0.5]) }, 4), /shape of the tensor a/)
  expectRefused(file({ a: { ...f32(0, 4), data_offsets: [0] } }, 4), /data_offsets of the tensor a/)
  expectRefused(file({ a: { ...f32(0, 4), data_offsets: [4, 0] } }, 4), /data_offsets of the tensor a/)
  expectRefused(file({ a: f32(0, 4, [2]) }, 4), /takes 8 bytes, and its data_offsets span 4/)
  expectRefused(file({ a: f32(0, 8) }, 4), /would end at byte 8 of 4/)
  expectRefused(file({ a: f32(0, 8), b: f32(4, 12) }, 12), /b begin inside those of another/)
  expectRefused(file({ a: f32(0, 4), b: f32(8, 12) }, 12), /bytes 4 … 8 of the elements belong to no tensor/)
  expectRefused(file({ a: f32(0, 4) }, 5), /bytes 4 … 5 of the elements belong to no tensor/)
  expectRefused(file({ a: { dtype: 'BOOL', shape: [2], data_offsets: [0, 2] } }, [1, 2]), /other than 0 and 1/)
  const entry = JSON.stringify(f32(0, 4))
  expectRefused(file(`{"a":${entry},"\\u0061":${entry}}`, 4), /names a twice/)
})

test('any change of a byte is either refused or still a file of tensors', () => {
  const whole = encodeSafetensors(
    new Map([
      ['a', stored('f32', [2], [1, 2])],
      ['b', stored('bool', [2], [0, 1])],
    ]),
    { k: 'v' },
  )
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, value, length) => {
      const bytes = whole.slice()
      bytes[at] = value
      for (const candidate of [bytes, whole.subarray(0, length)]) {
        try {
          for (const { shape, values } of decodeSafetensors(candidate).tensors.values())
            assert.equal(
              values.length,
              shape.reduce((product, extent) => product * extent, 1),
            )
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'bad-safetensors', String(error))
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('tensors that cannot be written are refused', () => {
  const refused = { code: 'bad-safetensors' }
  assert.throws(() => encodeSafetensors(new Map([['a', stored('f32', [3], [1])]])), refused)
  assert.throws(() => encodeSafetensors(new Map([['__metadata__', stored('f32', [1], [1])]])), refused)
})
