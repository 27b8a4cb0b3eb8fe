import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  arange,
  eye,
  fromArray,
  full,
  linspace,
  ones,
  onesLike,
  scalar,
  tensor,
  zeros,
} from '../../src/graph/creation.ts'
import { operandsOf } from '../../src/graph/node.ts'
import { expectClose, expectShapeError, expectTensor } from './expectTensor.ts'

test('tensor takes nested arrays of any depth', () => {
  expectTensor(tensor(5), 5, 'f32')
  expectTensor(tensor([]), [], 'f32')
  expectTensor(tensor([1, 2, 3]), [1, 2, 3], 'f32')
  expectTensor(tensor([[1], [2]], { dtype: 'i32' }), [[1], [2]], 'i32')
  expectTensor(tensor([[[1, 2]], [[3, 4]]], { dtype: 'f64' }), [[[1, 2]], [[3, 4]]], 'f64')
  expectTensor(tensor([true, false]), [1, 0], 'bool')
  expectTensor(tensor([2, 0], { dtype: 'bool' }), [1, 0], 'bool')
})

test('tensor takes typed arrays with their dtype, and shapes them', () => {
  expectTensor(tensor(new Float32Array([1, 2])), [1, 2], 'f32')
  expectTensor(tensor(new Float64Array([1, 2])), [1, 2], 'f64')
  expectTensor(tensor(new Uint8Array([1, 2])), [1, 2], 'u8')
  expectTensor(tensor(new Int16Array([-1, 2])), [-1, 2], 'i32')
  expectTensor(tensor(new Uint32Array([2 ** 32 - 1])), [2 ** 32 - 1], 'f64')
  expectTensor(tensor(new Float32Array([0, 0.5]), { dtype: 'bool' }), [0, 1], 'bool')
  expectTensor(tensor([1, 2, 3, 4], { shape: [2, 2] }), [
    [1, 2],
    [3, 4],
  ])
})

test('tensor copies a typed array, fromArray does not', () => {
  const values = Float32Array.from({ length: 20 }, (_, at) => at)
  const copied = tensor(values)
  const shared = fromArray(values, [20])
  values[0] = 7
  expectTensor(copied.at(0), 0)
  expectTensor(shared.at(0), 7)
})

test('fromArray takes bytes as conditions', () =>
  expectTensor(fromArray(new Uint8Array([1, 0]), [2], 'bool'), [1, 0], 'bool'))

test('a ragged array is refused with the path of the row', () => {
  const ragged = (values: unknown, ...parts: string[]) =>
    expectShapeError(() => tensor(values as number[]), 'ragged-array', ...parts)
  ragged([[1, 2], [3]], '[1] is an array of 1', '[0] is an array of 2')
  ragged(
    [
      [[1], [2]],
      [[3], [4, 5]],
    ],
    '[1][1] is an array of 2',
    '[0][0] is an array of 1',
  )
  ragged([[1], 2], '[1] is a number')
  ragged([1, [2]], '[1] is an array of 1', 'a number')
  expectShapeError(() => tensor([1, 'two'] as unknown as number[]), 'bad-element', '[1] is two')
})

test('numbers that do not fill a shape are refused', () => {
  expectShapeError(() => tensor([1, 2, 3], { shape: [2, 2] }), 'bad-shape', '3 numbers', '[2,2]', '4 elements')
  expectShapeError(() => fromArray(new Float32Array(3), [2, 2]), 'bad-shape', '3 numbers')
  expectShapeError(() => fromArray(new Float32Array(3), [3], 'i32'), 'dtype-mismatch', 'Float32Array')
  expectShapeError(() => zeros([2, -1]), 'bad-shape', '[2,-1]')
  expectShapeError(() => zeros([1.5]), 'bad-shape', '[1.5]')
})

test('zeros, ones, full, eye and arange are formulas of their indices alone', () => {
  for (const made of [zeros([9, 9]), ones([9, 9]), full([9, 9], 3), eye(9), arange(9)]) {
    assert.equal(made.node.kind, 'comprehension')
    assert.deepEqual(operandsOf(made.node), [])
  }
  expectTensor(zeros([2, 1]), [[0], [0]], 'f32')
  expectTensor(ones([2], { dtype: 'u8' }), [1, 1], 'u8')
  expectTensor(full([2], 2.5, { dtype: 'f64' }), [2.5, 2.5], 'f64')
  expectTensor(full([1], 2, { dtype: 'bool' }), [1], 'bool')
  expectTensor(onesLike(zeros([2], { dtype: 'i32' })), [1, 1], 'i32')
  expectTensor(scalar(2), 2, 'f32')
})

test('eye has its ones where column = row + diagonal', () => {
  expectTensor(eye(2), [
    [1, 0],
    [0, 1],
  ])
  expectTensor(eye(2, 3, { diagonal: 1, dtype: 'i32' }), [
    [0, 1, 0],
    [0, 0, 1],
  ])
  expectTensor(eye(2, 2, { diagonal: -1 }), [
    [0, 0],
    [1, 0],
  ])
})

test('arange stops before its stop', () => {
  expectTensor(arange(3), [0, 1, 2], 'i32')
  expectTensor(arange(3, { dtype: 'f32' }), [0, 1, 2], 'f32')
  expectTensor(arange(2, 5), [2, 3, 4], 'i32')
  expectTensor(arange(5, 0, -2), [5, 3, 1], 'i32')
  expectTensor(arange(0, 1, 0.25), [0, 0.25, 0.5, 0.75], 'f32')
  expectTensor(arange(0), [], 'i32')
  expectTensor(arange(3, 1), [], 'i32')
  expectShapeError(() => arange(0, 1, 0), 'bad-range')
  expectShapeError(() => arange(Number.POSITIVE_INFINITY), 'bad-range')
})

test('linspace has both ends', () => {
  expectClose(linspace(0, 1, 5), [0, 0.25, 0.5, 0.75, 1])
  expectTensor(linspace(0.1, 0.7, 4).at(-1), 0.7)
  expectTensor(linspace(2, 3, 1), [2])
  expectTensor(linspace(2, 3, 0), [])
})

test('equal formulas are one node', () => {
  assert.equal(zeros([2, 3]).node, zeros([2, 3]).node)
  const x = tensor([1, 2, 3])
  assert.equal(x.add(1).node, x.add(1).node)
  assert.notEqual(x.add(1).node, x.add(2).node)
})
