import { test } from 'node:test'
import { tensor, zeros } from '../../src/graph/creation.ts'
import { expectShapeError, expectTensor } from './expectTensor.ts'

const i32 = { dtype: 'i32' } as const
const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
])

test('gather takes the place on one axis from the index', () => {
  expectTensor(x.gather(1, tensor([[2], [0]], i32)), [[3], [4]])
  expectTensor(x.gather(0, tensor([[1, 0, 1]], { dtype: 'u8' })), [[4, 2, 6]])
  expectTensor(x.gather(-1, tensor([[0, 0, 1, 2]], i32)), [[1, 1, 2, 3]])
})

test('take takes slices, or elements of the flattened tensor', () => {
  expectTensor(x.take(tensor([1, 1, 0], i32), 0), [
    [4, 5, 6],
    [4, 5, 6],
    [1, 2, 3],
  ])
  expectTensor(x.take(tensor([[2, 0]], i32), 1), [[[3, 1]], [[6, 4]]])
  expectTensor(x.take(tensor(1, i32), 1), [2, 5])
  expectTensor(x.take(tensor([5, 0], i32)), [6, 1])
})

test('oneHot has its 1 at the element', () => {
  expectTensor(tensor([2, 0], i32).oneHot(3), [
    [0, 0, 1],
    [1, 0, 0],
  ])
  expectTensor(tensor(1, { dtype: 'u8' }).oneHot(2, 'i32'), [0, 1], 'i32')
  expectTensor(tensor([7], i32).oneHot(2), [[0, 0]])
})

test('indices that do not fit are refused', () => {
  expectShapeError(() => x.take(tensor([0.5]), 0), 'index-dtype', 'f32', 'i32')
  expectShapeError(() => x.gather(0, tensor([0], i32)), 'shape-mismatch', '[1]', '[2,3]', 'rank')
  expectShapeError(() => x.gather(0, zeros([1, 4], i32)), 'shape-mismatch')
  expectShapeError(() => zeros([0]).take(tensor([0], i32)), 'index-out-of-range', 'no elements')
})
