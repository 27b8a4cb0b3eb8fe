import { test } from 'node:test'
import { tensor, zeros } from '../../src/graph/creation.ts'
import { expectClose, expectShapeError, expectTensor } from './expectTensor.ts'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const x = tensor([
  [1, 2, 3],
  [6, 5, 4],
])

test('reductions go over all axes, one, or several', () => {
  expectTensor(x.sum(), 21)
  expectTensor(x.sum(0), [7, 7, 7])
  expectTensor(x.sum(-1), [6, 15])
  expectTensor(x.sum([0, 1]), 21)
  expectTensor(x.sum(0, true), [[7, 7, 7]])
  expectTensor(x.sum(1, true), [[6], [15]])
  expectTensor(x.sum(undefined, true), [[21]])
  expectTensor(x.mean(1), [2, 5])
  expectTensor(x.max(0), [6, 5, 4])
  expectTensor(x.min(), 1)
  expectTensor(x.prod(1), [6, 120])
  expectTensor(tensor(3).sum(), 3)
})

test('argmax and argmin give the first winner, along an axis or in row-major order', () => {
  expectTensor(x.argmax(), 3, 'i32')
  expectTensor(x.argmax(1), [2, 0], 'i32')
  expectTensor(x.argmin(0), [0, 0, 0], 'i32')
  expectTensor(x.argmin(0, true), [[0, 0, 0]], 'i32')
  expectTensor(tensor([1, 3, 3]).argmax(), 1)
  expectTensor(tensor([[1], [3]]).argmax(-1), [0, 0])
  expectTensor(tensor(3).argmax(), 0, 'i32')
})

test('any and all take any number but 0 as true', () => {
  const y = tensor([
    [0, 2],
    [1, 3],
  ])
  expectTensor(y.any(0), [1, 1], 'bool')
  expectTensor(y.all(0), [0, 1], 'bool')
  expectTensor(y.all(), 0, 'bool')
})

test('integers and conditions are added up as i32, and averaged as f32', () => {
  expectTensor(tensor([200, 100], { dtype: 'u8' }).sum(), 300, 'i32')
  expectTensor(tensor([true, true, false]).sum(), 2, 'i32')
  expectTensor(tensor(true).sum(), 1, 'i32')
  expectTensor(tensor([1, 2], { dtype: 'i32' }).mean(), 1.5, 'f32')
  expectTensor(tensor([1, 2], { dtype: 'u8' }).max(), 2, 'u8')
})

test('reductions of nothing give the neutral element', () => {
  expectTensor(zeros([0]).sum(), 0)
  expectTensor(zeros([2, 0]).prod(1), [1, 1])
  expectTensor(zeros([0]).max(), -inf)
  expectTensor(zeros([0]).min(), inf)
  expectTensor(zeros([0]).mean(), nan)
  expectTensor(zeros([0, 2]).sum(1), [])
})

test('variance divides by n less the correction', () => {
  expectClose(x.variance(), 17.5 / 6)
  expectClose(x.variance(undefined, { correction: 1 }), 3.5)
  expectClose(x.variance(1), [2 / 3, 2 / 3])
  expectClose(x.std(1, { correction: 1, keepDims: true }), [[1], [1]])
  expectClose(x.variance(0), [6.25, 2.25, 0.25])
  expectClose(tensor([1, 2], { dtype: 'i32' }).variance(), 0.25)
})

test('norm is Euclidean unless another order is named', () => {
  const y = tensor([
    [3, -4],
    [0, 0],
  ])
  expectTensor(y.norm(), 5)
  expectTensor(y.norm(1), [5, 0])
  expectTensor(y.norm(1, { ord: 1, keepDims: true }), [[7], [0]])
  expectTensor(y.norm(1, { ord: inf }), [4, 0])
  expectTensor(y.norm(1, { ord: -inf }), [3, 0])
  expectTensor(y.norm(1, { ord: 0 }), [2, 0])
  expectClose(y.norm(1, { ord: 3 }), [(27 + 64) ** (1 / 3), 0])
})

test('an axis that is not there, or named twice, is refused', () => {
  expectShapeError(() => x.sum(2), 'axis-out-of-range', 'no axis 2', '-2 … 1')
  expectShapeError(() => x.sum([0, -2]), 'repeated-axis', 'twice')
  expectShapeError(() => tensor(1).sum(0), 'axis-out-of-range', 'rank 0 has no axes')
})
