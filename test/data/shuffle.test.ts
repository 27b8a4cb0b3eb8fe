import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { batches, permutation } from '../../src/data/shuffle.ts'

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 })

test('permutation holds each row once and depends on seed and epoch alone', () => {
  fc.assert(
    fc.property(fc.nat(300), seeds, fc.nat(50), (n, seed, epoch) => {
      const rows = permutation(n, seed, epoch)
      assert.deepEqual(
        rows.toSorted(),
        Int32Array.from({ length: n }, (_, i) => i),
      )
      assert.deepEqual(permutation(n, seed, epoch), rows)
    }),
  )
  assert.notDeepEqual(permutation(100, 1, 0), permutation(100, 1, 1))
  assert.notDeepEqual(permutation(100, 1, 0), permutation(100, 2, 0))
})

test('permutation gives every order of four rows equally often', () => {
  const counts = new Map<string, number>()
  for (let seed = 0; seed < 24_000; seed++) {
    const order = permutation(4, seed).join()
    counts.set(order, (counts.get(order) ?? 0) + 1)
  }
  assert.equal(counts.size, 24)
  // A count has mean 1000 and standard deviation 31.
  for (const [order, count] of counts) assert.ok(Math.abs(count - 1000) < 160, `${order} came ${count} times`)
})

test('permutation stays as it is from version to version', () => {
  assert.deepEqual([...permutation(10, 0)], [2, 4, 9, 1, 6, 5, 8, 0, 7, 3])
  assert.deepEqual([...permutation(10, 0, 1)], [3, 4, 7, 9, 2, 0, 6, 8, 1, 5])
})

test('batches cover each row once, in order without a seed and in the order of the permutation with one', () => {
  fc.assert(
    fc.property(fc.nat(200), fc.integer({ min: 1, max: 50 }), seeds, fc.nat(5), (n, size, seed, epoch) => {
      const all = [...batches(n, size, { seed, epoch })]
      assert.deepEqual(Int32Array.from(all.flatMap((rows) => [...rows])), permutation(n, seed, epoch))
      assert.ok(all.every((rows, i) => rows.length === size || (i === all.length - 1 && rows.length === n % size)))
      assert.deepEqual([...batches(n, size, { seed, epoch, dropLast: true })], all.slice(0, Math.floor(n / size)))
    }),
  )
  assert.deepEqual([...batches(5, 2)], [Int32Array.of(0, 1), Int32Array.of(2, 3), Int32Array.of(4)])
})

test('batches and permutation refuse sizes that are no counts', () => {
  assert.throws(() => batches(5, 0), { code: 'bad-batch-size' })
  assert.throws(() => batches(5, 1.5), { code: 'bad-batch-size' })
  assert.throws(() => batches(-1, 2, { seed: 0 }), { code: 'bad-count' })
  assert.throws(() => batches(1.5, 2), { code: 'bad-count' })
  assert.throws(() => permutation(2 ** 31, 0), { code: 'bad-count' })
})
