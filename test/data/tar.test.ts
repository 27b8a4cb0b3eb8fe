import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readTar } from '../../src/data/tar.ts'
import { DataError } from '../../src/errors.ts'
import { makeTar } from './makeTar.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const archive = makeTar([
  ['set/', bytes('')],
  ['set/one.txt', bytes('one')],
  ['set/long.bin', new Uint8Array(1025).fill(7)],
  ['set/empty', bytes('')],
])

test('readTar gives the plain files of an archive in order', () => {
  const files = [...readTar(archive)]
  assert.deepEqual(
    files.map((file) => [file.name, file.data.length]),
    [
      ['set/one.txt', 3],
      ['set/long.bin', 1025],
      ['set/empty', 0],
    ],
  )
  assert.equal(new TextDecoder().decode(files[0].data), 'one')
  assert.ok(files[1].data.every((byte) => byte === 7))
})

test('readTar refuses damaged archives and says where', () => {
  const expectError = (damaged: Uint8Array, text: RegExp): void =>
    assert.throws(() => [...readTar(damaged, 'a.tar')], { name: 'DataError', code: 'bad-tar', message: text })
  expectError(archive.subarray(0, 600), /a\.tar: a header is cut short at byte 512/)
  expectError(archive.subarray(0, 1024 + 512 + 1024), /a file of 1025 bytes is cut short at byte 1536/)
  const wrongName = Uint8Array.from(archive)
  wrongName[512] ^= 1
  expectError(wrongName, /wrong checksum at byte 512/)
  expectError(bytes('no archive'.repeat(100)), /wrong checksum at byte 0/)
})

test('an archive damaged at random throws nothing but DataError', () => {
  const flips = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(flips, fc.nat(archive.length), (changes, end) => {
      const damaged = Uint8Array.from(archive.subarray(0, end))
      for (const [at, byte] of changes) if (at < end) damaged[at] = byte
      try {
        for (const { data } of readTar(damaged)) assert.ok(data.length <= end)
      } catch (error) {
        assert.ok(error instanceof DataError, String(error))
      }
    }),
  )
})
