import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arange, tensor, zeros } from '../../src/graph/creation.ts'
import { einsum } from '../../src/graph/functions.ts'
import { expectShapeError, expectTensor } from './expectTensor.ts'

const x = tensor([
  [1, 2],
  [3, 4],
])
const y = tensor([
  [5, 6],
  [7, 8],
])
const v = tensor([1, 10])

test('matmul multiplies matrices, rows and columns', () => {
  expectTensor(x.matmul(y), [
    [19, 22],
    [43, 50],
  ])
  expectTensor(x.matmul(v), [21, 43])
  expectTensor(v.matmul(x), [31, 42])
  expectTensor(v.matmul(v), 101)
  expectTensor(x.matmul(x), [
    [7, 10],
    [15, 22],
  ])
  expectTensor(zeros([2, 0]).matmul(zeros([0, 1])), [[0], [0]])
})

test('matmul broadcasts the leading axes', () => {
  const batch = tensor([[[1, 0]], [[0, 1]]])
  expectTensor(batch.matmul(x), [[[1, 2]], [[3, 4]]])
  expectTensor(batch.matmul(v), [[1], [10]])
  assert.deepEqual(zeros([5, 1, 2, 3]).matmul(zeros([4, 3, 6])).shape, [5, 4, 2, 6])
  assert.deepEqual(zeros([3]).matmul(zeros([4, 3, 6])).shape, [4, 6])
})

test('matmul says which extents differ', () => {
  expectShapeError(
    () => zeros([3, 4]).matmul(zeros([5, 6])),
    'shape-mismatch',
    'matmul: inner extents differ: [3,4] by [5,6]; the 4 and the 5 must be equal',
  )
  expectShapeError(() => zeros([2, 3, 4]).matmul(zeros([3, 4, 5])), 'shape-mismatch', 'do not broadcast')
  expectShapeError(() => zeros([2]).matmul(tensor(1)), 'shape-mismatch', 'axis to sum over')
})

test('einsum multiplies, sums, transposes and takes diagonals', () => {
  expectTensor(einsum('ij,jk->ik', x, y), [
    [19, 22],
    [43, 50],
  ])
  expectTensor(einsum('ij->ji', x), [
    [1, 3],
    [2, 4],
  ])
  expectTensor(einsum('ii->i', x), [1, 4])
  expectTensor(einsum('ii', x), 5)
  expectTensor(einsum('ij->j', x), [4, 6])
  expectTensor(einsum('i,j->ij', v, v), [
    [1, 10],
    [10, 100],
  ])
  expectTensor(einsum('ij , ij -> ', x, y), 5 + 12 + 21 + 32)
  expectTensor(einsum(',i', tensor(2), v), [2, 20])
})

test('einsum without an arrow keeps the labels that occur once, in alphabetical order', () => {
  expectTensor(einsum('ij,jk', x, y), [
    [19, 22],
    [43, 50],
  ])
  expectTensor(einsum('ba', x), [
    [1, 3],
    [2, 4],
  ])
  expectTensor(einsum('...j,j', x, v), [21, 43])
})

test('einsum takes more than two operands, two at a time', () => {
  expectTensor(einsum('i,ij,j->', v, x, v), 1 * 21 + 10 * 43)
  expectTensor(einsum('ij,jk,kl->il', x, y, x), [
    [19 + 66, 38 + 88],
    [43 + 150, 86 + 200],
  ])
})

test('the ellipsis stands for axes that broadcast', () => {
  const batch = arange(8, { dtype: 'f32' }).reshape([2, 2, 2])
  expectTensor(einsum('...ij->...ji', batch), [
    [
      [0, 2],
      [1, 3],
    ],
    [
      [4, 6],
      [5, 7],
    ],
  ])
  expectTensor(einsum('...i,i->...', batch, v), [
    [10, 32],
    [54, 76],
  ])
  assert.deepEqual(einsum('...ij,...jk->...ik', zeros([5, 1, 2, 3]), zeros([4, 3, 6])).shape, [5, 4, 2, 6])
  assert.deepEqual(einsum('i...->...i', zeros([2, 3, 4])).shape, [3, 4, 2])
})

test('einsum says what is wrong with an equation', () => {
  expectShapeError(() => einsum('ij,jk->ik', x), 'bad-einsum', '2 operands are written and 1 given')
  expectShapeError(() => einsum('ijk->i', x), 'bad-einsum', "'ijk' has 3 labels", '2 axes')
  expectShapeError(() => einsum('...ijk->i', x), 'bad-einsum', '3 labels')
  expectShapeError(() => einsum('ij->k', x), 'bad-einsum', 'k occurs in no operand')
  expectShapeError(() => einsum('ij->ii', x), 'bad-einsum', 'twice')
  expectShapeError(() => einsum('i2->i', x), 'bad-einsum', "'2' is no label")
  expectShapeError(() => einsum('ij->i->j', x), 'bad-einsum', 'more than one')
  expectShapeError(
    () => einsum('ij,jk->ik', x, zeros([3, 2])),
    'bad-einsum',
    'j has extent 2 in one operand and 3 in another',
  )
})
