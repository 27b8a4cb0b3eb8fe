import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { threefry2x32, uniformAt } from '../../src/random/threefry.ts'

const hex = (word: number): string => word.toString(16).padStart(8, '0')

test('threefry2x32 gives the known answers published with Random123', () => {
  const expectWords = (key: [number, number], counter: [number, number], out: [string, string]) =>
    assert.deepEqual(threefry2x32(...key, ...counter).map(hex), out)
  expectWords([0, 0], [0, 0], ['6b200159', '99ba4efe'])
  expectWords([0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], ['1cb996fc', 'bb002be7'])
  expectWords([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3], ['c4923a9c', '483df7a0'])
})

test('uniformAt is the upper 24 bits of the first word', () => {
  const word = fc.integer({ min: 0, max: 0xffffffff })
  fc.assert(
    fc.property(word, word, word, word, (seed, stream, step, index) => {
      const value = uniformAt(seed, stream, step, index)
      assert.equal(value * 2 ** 24, threefry2x32(seed, stream, step, index)[0] >>> 8)
      assert.equal(Math.fround(value), value)
      assert.ok(value >= 0 && value < 1)
    }),
  )
})

test('uniformAt fills [0, 1) evenly along each of its four arguments', () => {
  for (const along of [0, 1, 2, 3]) {
    const counts = new Array<number>(16).fill(0)
    for (let i = 0; i < 16_000; i++) {
      const at: [number, number, number, number] = [7, 7, 7, 7]
      at[along] = i
      counts[Math.floor(uniformAt(...at) * 16)]++
    }
    // A count has mean 1000 and standard deviation 31.
    for (const count of counts) assert.ok(Math.abs(count - 1000) < 160, `argument ${along}: counts ${counts}`)
  }
})
