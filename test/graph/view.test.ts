import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arange, tensor, zeros } from '../../src/graph/creation.ts'
import { expectShapeError, expectTensor } from './expectTensor.ts'

const { NaN: nan } = Number
const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
])

test('reshape keeps the row-major order', () => {
  expectTensor(x.reshape([3, 2]), [
    [1, 2],
    [3, 4],
    [5, 6],
  ])
  expectTensor(x.reshape([-1]), [1, 2, 3, 4, 5, 6])
  expectTensor(x.reshape([1, -1, 2]), [
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  ])
  expectTensor(zeros([0, 3]).reshape([3, -1]), [[], [], []])
  expectTensor(tensor([5]).reshape([]), 5)
  expectShapeError(() => x.reshape([4, 2]), 'reshape', '[2,3] has 6 elements', '[4,2]')
  expectShapeError(() => x.reshape([-1, 4]), 'reshape', '[-1,4]')
  expectShapeError(() => x.reshape([-1, -1]), 'reshape')
})

test('flatten joins axes', () => {
  expectTensor(x.flatten(), [1, 2, 3, 4, 5, 6])
  assert.deepEqual(zeros([2, 3, 4, 5]).flatten(1, 2).shape, [2, 12, 5])
  assert.deepEqual(zeros([2, 3, 4, 5]).flatten(1).shape, [2, 60])
  assert.deepEqual(tensor(1).flatten().shape, [1])
  expectShapeError(() => x.flatten(1, 0), 'bad-axes')
})

test('transpose exchanges two axes, permute puts all in a new order', () => {
  const turned = [
    [1, 4],
    [2, 5],
    [3, 6],
  ]
  expectTensor(x.T, turned)
  expectTensor(x.transpose(), turned)
  expectTensor(x.permute(1, 0), turned)
  expectTensor(x.unsqueeze(0).permute(2, 0, 1), [[[1, 4]], [[2, 5]], [[3, 6]]])
  assert.deepEqual(zeros([2, 3, 4, 5]).permute(3, 0, -2, 1).shape, [5, 2, 4, 3])
  assert.deepEqual(zeros([2, 3, 4]).transpose(0, 2).shape, [4, 3, 2])
  assert.deepEqual(zeros([2, 3, 4]).T.shape, [4, 3, 2])
  expectShapeError(() => x.permute(0, 0), 'bad-axes', '[0,0]', 'once')
  expectShapeError(() => x.permute(0), 'bad-axes')
})

test('squeeze drops and unsqueeze adds axes of extent 1', () => {
  assert.deepEqual(zeros([1, 2, 1]).squeeze().shape, [2])
  assert.deepEqual(zeros([1, 2, 1]).squeeze(-1).shape, [1, 2])
  assert.deepEqual(x.unsqueeze(-1).shape, [2, 3, 1])
  assert.deepEqual(x.unsqueeze([0, 2]).shape, [1, 2, 1, 3])
  expectShapeError(() => x.squeeze(1), 'squeeze', 'axis 1', 'extent 3')
})

test('broadcastTo and expand repeat axes of extent 1', () => {
  expectTensor(tensor([[1], [2]]).broadcastTo([2, 2]), [
    [1, 1],
    [2, 2],
  ])
  expectTensor(tensor([1, 2]).broadcastTo([2, 2]), [
    [1, 2],
    [1, 2],
  ])
  expectTensor(tensor([[1], [2]]).expand([-1, 2]), [
    [1, 1],
    [2, 2],
  ])
  expectShapeError(() => x.broadcastTo([2, 4]), 'shape-mismatch', '3 and 4')
  expectShapeError(() => x.broadcastTo([3]), 'shape-mismatch', 'does not broadcast to [3]')
})

test('slice takes start:stop:step as Python does', () => {
  const y = arange(6)
  const expectSlice = (spec: readonly [number | null, (number | null)?, (number | null)?], expected: number[]) =>
    expectTensor(y.slice(spec), expected)
  expectSlice([1, 3], [1, 2])
  expectSlice([4], [4, 5])
  expectSlice([null, 2], [0, 1])
  expectSlice([-2], [4, 5])
  expectSlice([null, -4], [0, 1])
  expectSlice([null, null, 2], [0, 2, 4])
  expectSlice([1, null, 3], [1, 4])
  expectSlice([null, null, -1], [5, 4, 3, 2, 1, 0])
  expectSlice([4, 1, -2], [4, 2])
  expectSlice([1, null, -1], [1, 0])
  expectSlice([-100, 100], [0, 1, 2, 3, 4, 5])
  expectSlice([100, -100, -4], [5, 1])
  expectSlice([3, 3], [])
  expectSlice([5, 2], [])
  expectSlice([9, 12], [])
})

test('slice takes the axes in order; a number drops its axis', () => {
  expectTensor(x.slice(null, [0, 2]), [
    [1, 2],
    [4, 5],
  ])
  expectTensor(x.slice(1), [4, 5, 6])
  expectTensor(x.slice([null, null, -1], -1), [6, 3])
  expectTensor(x.at(1, 0), 4)
  expectTensor(x.at(-1), [4, 5, 6])
  expectTensor(x.select(1, -1), [3, 6])
  assert.equal(x.slice(null, [0, 3]).node, x.node)
  expectShapeError(() => x.at(2), 'index-out-of-range', 'no element 2 on axis 0', '-2 to 1')
  expectShapeError(() => x.select(1, 3), 'index-out-of-range', 'axis 1')
  expectShapeError(() => x.at(0, 0, 0), 'bad-slice', '3 slices')
  expectShapeError(() => x.slice([0, 1, 0]), 'bad-slice', 'step')
  expectShapeError(() => x.slice([0.5]), 'bad-slice', '0.5')
})

test('pad puts a value around', () => {
  expectTensor(tensor([1, 2]).pad(1), [0, 1, 2, 0])
  expectTensor(tensor([1, 2]).pad([[0, 2]], -1), [1, 2, -1, -1])
  expectTensor(tensor([1]).pad([[2, 0]], nan), [nan, nan, 1])
  expectTensor(tensor([[1]]).pad([[1, 0], 1], 9), [
    [9, 9, 9],
    [9, 1, 9],
  ])
  expectTensor(tensor([true]).pad(1, 1), [1, 1, 1], 'bool')
  expectTensor(tensor([3], { dtype: 'u8' }).pad(1, 255), [255, 3, 255], 'u8')
  expectShapeError(() => x.pad([1]), 'bad-padding', '1 widths for the 2 axes')
  expectShapeError(() => x.pad(-1), 'bad-count', '-1')
})

test('flip reverses, roll moves on and wraps', () => {
  expectTensor(x.flip(), [
    [6, 5, 4],
    [3, 2, 1],
  ])
  expectTensor(x.flip(1), [
    [3, 2, 1],
    [6, 5, 4],
  ])
  expectTensor(x.roll(1), [
    [6, 1, 2],
    [3, 4, 5],
  ])
  expectTensor(x.roll(1, 1), [
    [3, 1, 2],
    [6, 4, 5],
  ])
  expectTensor(x.roll(-4, 1), [
    [2, 3, 1],
    [5, 6, 4],
  ])
  expectTensor(zeros([0]).roll(3), [])
})

test('repeat repeats elements, tile the whole', () => {
  expectTensor(tensor([1, 2]).repeat(2), [1, 1, 2, 2])
  expectTensor(x.repeat(2, 1).at(0), [1, 1, 2, 2, 3, 3])
  expectTensor(tensor([1]).repeat(0), [])
  expectTensor(tensor([1, 2]).tile(2), [1, 2, 1, 2])
  expectTensor(tensor([1, 2]).tile([2, 1]), [
    [1, 2],
    [1, 2],
  ])
  expectTensor(tensor([[1], [2]]).tile(2), [
    [1, 1],
    [2, 2],
  ])
  expectTensor(tensor([[1], [2]]).tile([2, 1]), [[1], [2], [1], [2]])
  expectTensor(tensor([1, 2]).tile(0), [])
})
