import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readCifar10 } from '../../src/data/cifar.ts'
import { DataError } from '../../src/errors.ts'

const record = (label: number, value: (i: number) => number): Uint8Array =>
  Uint8Array.from({ length: 3073 }, (_, i) => (i === 0 ? label : value(i - 1)))

test('readCifar10 splits records into labels and NCHW pixels', () => {
  const bytes = Uint8Array.from([...record(3, (i) => i % 251), ...record(9, (i) => i % 13)])
  const { images, labels } = readCifar10(bytes)
  assert.deepEqual(labels, Uint8Array.of(3, 9))
  assert.equal(images.length, 2 * 3072)
  assert.ok(images.every((pixel, i) => pixel === (i < 3072 ? i % 251 : (i - 3072) % 13)))
})

test('readCifar10 refuses what is not whole records of known labels', () => {
  const expectError = (bytes: Uint8Array, code: string, text: RegExp): void =>
    assert.throws(() => readCifar10(bytes, 'a.bin'), { name: 'DataError', code, message: text })
  expectError(new Uint8Array(), 'cifar-empty', /a\.bin has no bytes/)
  expectError(new Uint8Array(3074), 'cifar-truncated', /1 records of 3073 and 1 more/)
  expectError(
    record(10, () => 0),
    'cifar-bad-label',
    /record 0 has label 10/,
  )
})

test('readCifar10 throws nothing but DataError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(2), (start, records) => {
      const bytes = new Uint8Array(records * 3073)
      bytes.set(start.subarray(0, bytes.length))
      try {
        assert.equal(readCifar10(bytes).labels.length, records)
      } catch (error) {
        assert.ok(error instanceof DataError, String(error))
      }
    }),
  )
})
