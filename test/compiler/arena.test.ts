import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Life, planArena } from '../../src/compiler/arena.ts'

const life = (bytes: number, from: number, to: number): Life => ({ bytes, from, to })

/** Life after life: where each begins. */
const expectPlan = (lives: readonly Life[], offsets: readonly number[], bytes: number) =>
  assert.deepEqual(planArena(lives), { offsets, bytes })

test('buffers that are alive one after another share a place, others do not', () => {
  expectPlan([], [], 0)
  expectPlan([life(64, 0, 1), life(64, 2, 3)], [0, 0], 64)
  expectPlan([life(64, 0, 1), life(64, 1, 3)], [0, 64], 128)
  expectPlan([life(4, 0, 9), life(8, 0, 9)], [64, 0], 128)
  expectPlan([life(256, 0, 0), life(64, 1, 2), life(64, 1, 1), life(128, 2, 2)], [0, 128, 0, 0], 256)
})

const lives = fc.array(
  fc.tuple(fc.nat(500), fc.nat(20), fc.nat(6)).map(([bytes, from, length]) => life(bytes, from, from + length)),
  { maxLength: 30 },
)

test('whatever the lives, buffers alive together do not overlap, and each begins at a multiple of 64 bytes', () => {
  fc.assert(
    fc.property(lives, (lives) => {
      const { offsets, bytes } = planArena(lives)
      for (const [at, one] of lives.entries()) {
        assert.equal(offsets[at] % 64, 0)
        assert.ok(offsets[at] + one.bytes <= bytes)
        for (const [other, two] of lives.slice(0, at).entries()) {
          const together = one.from <= two.to && two.from <= one.to
          const apart = offsets[at] + one.bytes <= offsets[other] || offsets[other] + two.bytes <= offsets[at]
          assert.ok(!together || apart, `${at} and ${other}`)
        }
      }
    }),
  )
})

test('the arena is never larger than all buffers side by side, nor smaller than those alive at once', () => {
  fc.assert(
    fc.property(lives, (lives) => {
      const aligned = ({ bytes }: Life) => Math.ceil(Math.max(1, bytes) / 64) * 64
      const sum = (some: readonly Life[]) => some.reduce((total, one) => total + aligned(one), 0)
      const { bytes } = planArena(lives)
      assert.ok(bytes <= sum(lives))
      for (let time = 0; time < 30; time++) {
        assert.ok(bytes >= sum(lives.filter(({ from, to }) => from <= time && time <= to)))
      }
    }),
  )
})
