import assert from 'node:assert/strict'
import { test } from 'node:test'
import { confusion } from '../../src/train/index.ts'

test('counts, accuracy, precision, recall and f1', () => {
  const found = confusion([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 0, 0], ['a', 'b', 'c'])
  assert.deepEqual(found.counts, [
    [2, 1, 0],
    [1, 1, 0],
    [1, 0, 0],
  ])
  assert.equal(found.accuracy, 0.5)
  assert.deepEqual(found.classes, [
    { name: 'a', count: 3, precision: 0.5, recall: 2 / 3, f1: (2 * 0.5 * (2 / 3)) / (0.5 + 2 / 3) },
    { name: 'b', count: 2, precision: 0.5, recall: 0.5, f1: 0.5 },
    { name: 'c', count: 1, precision: 0, recall: 0, f1: 0 },
  ])
})

test('labels without a class, and unequal lengths, are errors', () => {
  assert.throws(() => confusion([0, 3], [0, 0], ['a', 'b']), { code: 'bad-label' })
  assert.throws(() => confusion([0], [0, 1], ['a', 'b']), { code: 'shape-mismatch' })
})
