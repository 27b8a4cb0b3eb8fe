import { test } from 'node:test'
import { tensor, zeros } from '../../src/graph/creation.ts'
import { expectShapeError, expectTensor } from './expectTensor.ts'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number

test('sort orders the last axis, argsort says from where', () => {
  const x = tensor([
    [3, 1, 2],
    [0, -1, 5],
  ])
  expectTensor(x.sort(), [
    [1, 2, 3],
    [-1, 0, 5],
  ])
  expectTensor(
    x.argsort(),
    [
      [1, 2, 0],
      [1, 0, 2],
    ],
    'i32',
  )
  expectTensor(x.sort({ descending: true }).at(0), [3, 2, 1])
  expectTensor(x.sort({ axis: 0 }), [
    [0, -1, 2],
    [3, 1, 5],
  ])
  expectTensor(x.argsort({ axis: 0 }), [
    [1, 1, 0],
    [0, 0, 1],
  ])
})

test('equal elements keep their order in both directions', () => {
  const x = tensor([1, 0, 1, 0, 1])
  expectTensor(x.argsort(), [1, 3, 0, 2, 4])
  expectTensor(x.argsort({ descending: true }), [0, 2, 4, 1, 3])
  expectTensor(zeros([6]).argsort(), [0, 1, 2, 3, 4, 5])
})

test('NaN counts as the largest number', () => {
  const x = tensor([nan, inf, -inf, nan, 0])
  expectTensor(x.sort(), [-inf, 0, inf, nan, nan])
  expectTensor(x.argsort(), [2, 4, 1, 0, 3])
  expectTensor(x.argsort({ descending: true }), [0, 3, 1, 4, 2])
})

test('integers, bytes and conditions sort in their own dtype', () => {
  const large = 2 ** 31 - 1
  expectTensor(tensor([large, large - 1, -large - 1], { dtype: 'i32' }).sort(), [-large - 1, large - 1, large], 'i32')
  expectTensor(tensor([large, large - 1, -large - 1], { dtype: 'i32' }).argsort({ descending: true }), [0, 1, 2])
  expectTensor(tensor([9, 255, 0], { dtype: 'u8' }).sort(), [0, 9, 255], 'u8')
  expectTensor(tensor([true, false, true]).sort(), [0, 1, 1], 'bool')
})

test('one element and none are sorted', () => {
  expectTensor(tensor([4]).sort(), [4])
  expectTensor(tensor(4).sort(), 4)
  expectTensor(zeros([2, 0]).sort(), [[], []])
})

test('topk gives the largest or smallest and where they were', () => {
  const { values, indices } = tensor([1, 5, 3, 5]).topk(3)
  expectTensor(values, [5, 5, 3])
  expectTensor(indices, [1, 3, 2], 'i32')
  expectTensor(tensor([[4, 2, 8]]).topk(2, { largest: false }).values, [[2, 4]])
  expectTensor(tensor([1]).topk(0).values, [])
  expectShapeError(() => tensor([1, 2]).topk(3), 'bad-count', '3 elements', 'it has 2')
})
