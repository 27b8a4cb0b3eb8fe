import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arange, tensor, zeros } from '../../src/graph/creation.ts'
import { concat, stack } from '../../src/graph/functions.ts'
import { expectShapeError, expectTensor } from './expectTensor.ts'

test('concat puts tensors one after the other', () => {
  expectTensor(concat([tensor([1, 2]), tensor([3]), tensor([4, 5])]), [1, 2, 3, 4, 5])
  const left = tensor([[1], [2]])
  const right = tensor([
    [3, 4],
    [5, 6],
  ])
  expectTensor(concat([left, right, left], -1), [
    [1, 3, 4, 1],
    [2, 5, 6, 2],
  ])
  expectTensor(concat([right, zeros([0, 2]), right.at(0).unsqueeze(0)]), [
    [3, 4],
    [5, 6],
    [3, 4],
  ])
  expectTensor(concat([tensor([1], { dtype: 'i32' }), tensor([0.5], { dtype: 'f64' })]), [1, 0.5], 'f64')
  expectTensor(concat([tensor([true]), tensor([false])]), [1, 0], 'bool')
})

test('concat and stack refuse shapes that do not fit', () => {
  expectShapeError(
    () => concat([zeros([2, 3]), zeros([3, 3])], 1),
    'shape-mismatch',
    '[2,3]',
    'tensor 1',
    '[3,3]',
    'axis 1',
  )
  expectShapeError(() => concat([zeros([2]), zeros([2, 1])]), 'shape-mismatch')
  expectShapeError(() => concat([]), 'no-operands')
  expectShapeError(() => stack([zeros([2]), zeros([3])]), 'shape-mismatch', 'tensor 1', '[3]')
})

test('stack adds an axis', () => {
  const a = tensor([1, 2])
  const b = tensor([3, 4])
  expectTensor(stack([a, b]), [
    [1, 2],
    [3, 4],
  ])
  expectTensor(stack([a, b], -1), [
    [1, 3],
    [2, 4],
  ])
  expectTensor(stack([tensor(1), tensor(2)]), [1, 2])
})

test('split gives pieces of a size or of sizes, chunk a number of pieces', () => {
  const x = arange(5)
  const expectPieces = (pieces: readonly { shape: readonly number[] }[], sizes: number[]) =>
    assert.deepEqual(
      pieces.map(({ shape }) => shape[0]),
      sizes,
    )
  expectPieces(x.split(2), [2, 2, 1])
  expectPieces(x.split(5), [5])
  expectPieces(x.split([1, 0, 4]), [1, 0, 4])
  expectPieces(x.chunk(2), [3, 2])
  expectPieces(x.chunk(4), [2, 2, 1])
  expectTensor(x.split(2)[1], [2, 3])
  expectTensor(tensor([[1, 2, 3]]).split([1, 2], 1)[1], [[2, 3]])
  expectShapeError(() => x.split([2, 2]), 'bad-split', 'add up to 4', 'extent 5')
  expectShapeError(() => x.split(0), 'bad-count')
})
