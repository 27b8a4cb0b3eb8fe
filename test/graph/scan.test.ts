import { test } from 'node:test'
import { tensor, zeros } from '../../src/graph/creation.ts'
import { expectShapeError, expectTensor } from './expectTensor.ts'

test('cumsum and cumprod run along an axis', () => {
  expectTensor(tensor([1, 2, 3, 4, 5]).cumsum(0), [1, 3, 6, 10, 15])
  expectTensor(tensor([1, 2, 0, 4]).cumprod(-1), [1, 2, 0, 0])
  expectTensor(
    tensor([
      [1, 2],
      [3, 4],
    ]).cumsum(0),
    [
      [1, 2],
      [4, 6],
    ],
  )
  expectTensor(tensor([true, true]).cumsum(0), [1, 2], 'i32')
  expectTensor(zeros([0]).cumsum(0), [])
  expectShapeError(() => tensor([1]).cumsum(1), 'axis-out-of-range', 'cumsum')
})
