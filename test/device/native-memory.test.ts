import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nativeAbsence } from '../../src/device/native/device.ts'
import { loadKoffi } from '../../src/device/native/koffi.ts'
import { nativeMemory } from '../../src/device/native/memory.ts'

test('buffers never overlap, are zero, begin at multiples of 64 and have room for a vector past their ends', {
  skip: nativeAbsence() ?? false,
}, () => {
  const library = loadKoffi()!
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 200 }), (sizes) => {
      const allocate = nativeMemory(library)
      const made = sizes.map((bytes) => ({ bytes, ...allocate(bytes) }))
      for (const { bytes, buffer, offset, address } of made) {
        assert.equal(address % 64n, 0n)
        assert.equal(library.address(buffer) + BigInt(offset), address)
        assert.ok(offset + bytes + 64 <= buffer.byteLength)
        const own = new Uint8Array(buffer, offset, bytes)
        assert.ok(own.every((value) => value === 0))
        own.fill(1)
      }
    }),
  )
})

test('results of a few numbers share buffers, and those of many do not', { skip: nativeAbsence() ?? false }, () => {
  const buffersOf = (bytes: number, shares = true): number => {
    const allocate = nativeMemory(loadKoffi()!, shares)
    return new Set(Array.from({ length: 640 }, () => allocate(bytes).buffer)).size
  }
  assert.equal(buffersOf(4), 10)
  assert.equal(buffersOf(64), 10)
  assert.equal(buffersOf(65), 640)
  assert.equal(buffersOf(4, false), 640)
})
