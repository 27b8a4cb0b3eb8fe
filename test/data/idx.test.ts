import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { type IdxArray, readIdx, writeIdx } from '../../src/data/idx.ts'
import { DataError } from '../../src/errors.ts'

const expectRead = (bytes: readonly number[], array: IdxArray): void =>
  assert.deepEqual(readIdx(Uint8Array.from(bytes)), array)

test('every IDX element type is read big-endian', () => {
  expectRead([0, 0, 8, 1, 0, 0, 0, 2, 7, 255], { dtype: 'u8', shape: [2], data: Uint8Array.of(7, 255) })
  expectRead([0, 0, 9, 1, 0, 0, 0, 2, 7, 255], { dtype: 'i32', shape: [2], data: Int32Array.of(7, -1) })
  expectRead([0, 0, 11, 1, 0, 0, 0, 1, 0xff, 0xfe], { dtype: 'i32', shape: [1], data: Int32Array.of(-2) })
  expectRead([0, 0, 12, 1, 0, 0, 0, 1, 1, 2, 3, 4], { dtype: 'i32', shape: [1], data: Int32Array.of(0x01020304) })
  expectRead([0, 0, 13, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0], { dtype: 'f32', shape: [1], data: Float32Array.of(1.5) })
  expectRead([0, 0, 14, 0, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0], { dtype: 'f64', shape: [], data: Float64Array.of(-1.5) })
})

test('shapes are outermost first, and an axis of no extent makes an empty array', () => {
  const two = [0, 0, 0, 2]
  expectRead([0, 0, 8, 2, ...two, 0, 0, 0, 1, 5, 6], { dtype: 'u8', shape: [2, 1], data: Uint8Array.of(5, 6) })
  expectRead([0, 0, 8, 2, ...two, 0, 0, 0, 0], { dtype: 'u8', shape: [2, 0], data: new Uint8Array() })
})

test('malformed files are refused with a code and a text that names the file', () => {
  const expectError = (bytes: readonly number[] | Uint8Array, code: string, text: RegExp): void =>
    assert.throws(
      () => readIdx(Uint8Array.from(bytes), 'labels.idx'),
      (error) => {
        assert.ok(error instanceof DataError)
        assert.equal(error.code, code)
        assert.match(error.message, text)
        assert.match(error.message, /labels\.idx/)
        return true
      },
    )
  const good = [0, 0, 8, 1, 0, 0, 0, 2, 7, 9]
  const packed = gzipSync(Uint8Array.from(good))
  const bomb = gzipSync(Buffer.concat([Uint8Array.from(good), Buffer.alloc(8_000_000)]))
  const widest = [255, 255, 255, 255]
  expectError([], 'idx-truncated', /has 0 bytes/)
  expectError([0, 0, 8], 'idx-truncated', /has 3 bytes/)
  expectError([0x89, 0x50, 0x4e, 0x47], 'idx-bad-magic', /89 50 4e 47; an IDX file starts with 00 00/)
  expectError([0, 0, 10, 1, 0, 0, 0, 0], 'idx-bad-type', /type code 10/)
  expectError([0, 0, 8, 3, 0, 0, 0, 1], 'idx-truncated', /3 dimensions take 16 bytes/)
  expectError(good.slice(0, -1), 'idx-truncated', /shape \[2\], 10 bytes with the header, but holds only 9/)
  expectError([...good, 1], 'idx-trailing-bytes', /holds 11/)
  expectError([0, 0, 14, 2, ...widest, ...widest, 1], 'idx-truncated', /announces 64-bit floats/)
  expectError([0, 0, 8, 255, ...Array(255).fill(widest).flat(), 1], 'idx-truncated', /Infinity bytes/)
  expectError(packed.subarray(0, -3), 'bad-gzip', /unexpected end of file/)
  expectError([...packed, 1, 2, 3], 'bad-gzip', /not whole gzip data|goes on for 3 bytes/)
  expectError([...packed, 0, 0, 0], 'bad-gzip', /goes on for 3 bytes/)
  expectError([0x1f, 0x8b, 1, 2, 3], 'bad-gzip', /fetch it again/)
  expectError(bomb, 'gzip-too-long', /more than the 10 bytes/)
})

const arrays: fc.Arbitrary<IdxArray> = fc
  .tuple(
    fc.constantFrom('u8', 'i32', 'f32', 'f64'),
    fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
    fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 20 }),
  )
  .map(([dtype, shape, values]): IdxArray => {
    const length = shape.reduce((product, extent) => product * extent, 1)
    const source = { length }
    const value = (_: unknown, i: number): number => values[i % values.length]
    if (dtype === 'u8') return { dtype, shape, data: Uint8Array.from(source, value) }
    if (dtype === 'i32') return { dtype, shape, data: Int32Array.from(source, value) }
    if (dtype === 'f32') return { dtype, shape, data: Float32Array.from(source, value) }
    return { dtype: 'f64', shape, data: Float64Array.from(source, value) }
  })

test('what writeIdx writes, readIdx reads back, packed or not, at any alignment', () => {
  fc.assert(
    fc.property(arrays, fc.boolean(), fc.integer({ min: 0, max: 7 }), (array, packed, shift) => {
      const bytes = packed ? gzipSync(writeIdx(array)) : writeIdx(array)
      const shifted = new Uint8Array(bytes.length + shift).subarray(shift)
      shifted.set(bytes)
      assert.deepEqual(readIdx(shifted), array)
    }),
  )
})

test('a file damaged at random is read or refused with a DataError, never anything else', () => {
  const damage = fc.record({
    packed: fc.boolean(),
    flips: fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 255 })), { maxLength: 6 }),
    cut: fc.nat(12),
    tail: fc.uint8Array({ maxLength: 6 }),
  })
  fc.assert(
    fc.property(arrays, damage, (array, { packed, flips, cut, tail }) => {
      const whole = packed ? gzipSync(writeIdx(array)) : writeIdx(array)
      const bytes = Uint8Array.from([...whole.subarray(0, Math.max(0, whole.length - cut)), ...tail])
      for (const [at, bits] of flips) if (at < bytes.length) bytes[at] ^= bits
      try {
        const { shape, data } = readIdx(bytes)
        assert.equal(
          data.length,
          shape.reduce((product, extent) => product * extent, 1),
        )
      } catch (error) {
        assert.ok(error instanceof DataError, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})

test('writeIdx refuses a shape that the data or the format do not fit', () => {
  const expectError = (shape: number[], text: RegExp): void =>
    assert.throws(() => writeIdx({ dtype: 'u8', shape, data: new Uint8Array(4) }), {
      code: 'idx-bad-shape',
      message: text,
    })
  expectError([3], /4 elements do not fill the shape \[3\]/)
  expectError([-4, -1], /below 2\^32/)
  expectError([2 ** 32], /below 2\^32/)
  expectError(Array(256).fill(1), /up to 255 dimensions/)
})
