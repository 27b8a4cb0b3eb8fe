import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { allocator } from '../../src/device/wasm/allocator.ts'

test('places never overlap, start at multiples of 64 and stay within what was reached', () => {
  const action = fc.record({ bytes: fc.integer({ min: 0, max: 5000 }), keep: fc.nat(20) })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      let reached = 0
      const places = allocator(100, (end) => {
        reached = Math.max(reached, end)
        return true
      })
      const live: { start: number; end: number }[] = []
      for (const { bytes, keep } of actions) {
        if (keep < live.length) places.free(live.splice(keep, 1)[0].start)
        const start = places.allocate(bytes)!
        const end = start + bytes
        assert.equal(start % 64, 0)
        assert.ok(start >= 100 && end <= reached)
        assert.ok(live.every((other) => end <= other.start || other.end <= start))
        live.push({ start, end })
      }
      for (const { start } of live) places.free(start)
      assert.equal(places.used, 0)
    }),
  )
})

test('what is given back joins its neighbours and is used again', () => {
  let reached = 0
  const places = allocator(0, (end) => {
    reached = Math.max(reached, end)
    return true
  })
  const [a, b, c, d] = [0, 1, 2, 3].map(() => places.allocate(640)!)
  assert.equal(reached, 4 * 640)
  places.free(a)
  places.free(c)
  places.free(b)
  assert.equal(places.allocate(3 * 640), a)
  places.free(d)
  places.free(a)
  assert.equal(places.allocate(4 * 640), a)
  assert.equal(reached, 4 * 640)
})

test('the smallest stretch that is large enough is taken', () => {
  const places = allocator(0, () => true)
  const [large, , small] = [1280, 64, 640, 64].map((bytes) => places.allocate(bytes)!)
  places.free(large)
  places.free(small)
  assert.equal(places.allocate(600), small)
})

test('null when memory cannot reach that far, and nothing is lost by it', () => {
  const places = allocator(0, (end) => end <= 1024)
  assert.equal(places.allocate(1025), null)
  assert.equal(places.allocate(1024), 0)
  assert.equal(places.used, 1024)
})
