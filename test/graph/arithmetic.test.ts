import { test } from 'node:test'
import { tensor } from '../../src/graph/creation.ts'
import { where } from '../../src/graph/functions.ts'
import { expectClose, expectShapeError, expectTensor } from './expectTensor.ts'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const i32 = { dtype: 'i32' } as const
const u8 = { dtype: 'u8' } as const
const f64 = { dtype: 'f64' } as const

test('arithmetic is done element by element', () => {
  const x = tensor([6, -7])
  const y = tensor([4, 2])
  expectTensor(x.add(y), [10, -5])
  expectTensor(x.sub(y), [2, -9])
  expectTensor(x.mul(y), [24, -14])
  expectTensor(x.div(y), [1.5, -3.5])
  expectTensor(x.pow(y), [1296, 49])
  expectTensor(x.mod(y), [2, 1])
  expectTensor(x.neg(), [-6, 7])
  expectTensor(x.square(), [36, 49])
  expectTensor(x.maximum(y), [6, 2])
  expectTensor(x.minimum(0), [0, -7])
  expectClose(x.atan2(y), [Math.atan2(6, 4), Math.atan2(-7, 2)])
})

test('operands broadcast from the last axis', () => {
  const rows = tensor([[1, 2, 3]])
  const columns = tensor([[10], [20]])
  const both = [
    [11, 12, 13],
    [21, 22, 23],
  ]
  expectTensor(rows.add(columns), both)
  expectTensor(columns.add(tensor([1, 2, 3])), both)
  expectTensor(tensor(1).add(tensor([[2]])), [[3]])
  expectTensor(tensor([]).add(tensor([[1], [2]])), [[], []])
  expectShapeError(
    () => tensor([1, 2]).add(tensor([1, 2, 3])),
    'shape-mismatch',
    'add: shapes [2] and [3]',
    'axis -1',
    '2 and 3',
    'equal, or one of them 1',
  )
})

test('dtypes promote; a literal takes the float type of its partner', () => {
  const int = tensor([3], i32)
  expectTensor(int.add(tensor([2], u8)), [5], 'i32')
  expectTensor(int.add(2), [5], 'i32')
  expectTensor(int.add(0.5), [3.5], 'f32')
  expectTensor(int.div(2), [1.5], 'f32')
  expectTensor(int.mul(tensor([0.1], f64)), [3 * 0.1], 'f64')
  expectTensor(tensor([0], f64).add(0.1), [0.1], 'f64')
  expectTensor(tensor([200], u8).add(tensor([100], u8)), [300], 'i32')
  expectTensor(tensor([true]).add(tensor([true])), [2], 'i32')
  expectTensor(int.exp().gt(20), [1], 'bool')
})

test('the scalar functions are those of mathematics', () => {
  const x = tensor([-1.5, 0, 0.5], f64)
  const each = (f: (x: number) => number) => [-1.5, 0, 0.5].map(f)
  expectClose(x.exp(), each(Math.exp))
  expectClose(x.expm1(), each(Math.expm1))
  expectClose(x.abs().log1p(), [Math.log1p(1.5), 0, Math.log1p(0.5)])
  expectClose(x.square().sqrt(), [1.5, 0, 0.5])
  expectClose(x.sin(), each(Math.sin))
  expectClose(x.cos(), each(Math.cos))
  expectClose(x.tan(), each(Math.tan))
  expectClose(x.tanh(), each(Math.tanh))
  expectClose(
    x.sigmoid(),
    each((v) => 1 / (1 + Math.exp(-v))),
  )
  expectClose(
    x.softplus(),
    each((v) => Math.log(1 + Math.exp(v))),
  )
  expectClose(
    x.silu(),
    each((v) => v / (1 + Math.exp(-v))),
  )
  expectClose(x.erf(), [-0.9661051464753108, 0, 0.5204998778130465])
  expectClose(x.gelu(), [-0.10021080202825212, 0, 0.34573123063700656])
  expectTensor(x.relu(), [0, 0, 0.5])
  expectTensor(x.sign(), [-1, 0, 1])
  expectTensor(x.floor(), [-2, 0, 0])
  expectTensor(x.ceil(), [-1, 0, 1])
  expectTensor(tensor([-1.5, -0.5, 0.5, 1.5, 2.5]).round(), [-2, 0, 0, 2, 2])
  expectTensor(x.stopGradient(), [-1.5, 0, 0.5])
  expectClose(tensor([Math.E, 1]).log(), [1, 0])
})

test('clamp holds values between bounds', () => {
  const x = tensor([-2, 0, 2])
  expectTensor(x.clamp(-1, 1), [-1, 0, 1])
  expectTensor(x.clamp(-1), [-1, 0, 2])
  expectTensor(x.clamp(undefined, 1), [-2, 0, 1])
  expectTensor(x.clamp(tensor([0, 1, 2]), 5), [0, 1, 2])
})

test('comparisons give conditions', () => {
  const x = tensor([1, 2, nan])
  expectTensor(x.eq(2), [0, 1, 0], 'bool')
  expectTensor(x.ne(2), [1, 0, 1], 'bool')
  expectTensor(x.lt(2), [1, 0, 0], 'bool')
  expectTensor(x.le(2), [1, 1, 0], 'bool')
  expectTensor(x.gt(1), [0, 1, 0], 'bool')
  expectTensor(x.ge(tensor([[1], [2]])), [
    [1, 1, 0],
    [0, 1, 0],
  ])
  expectTensor(x.isNaN(), [0, 0, 1], 'bool')
  expectTensor(tensor([1, inf, -inf, nan]).isFinite(), [1, 0, 0, 0], 'bool')
})

test('conditions combine, and any number but 0 is true', () => {
  const x = tensor([0, 1, 2])
  const y = tensor([true, true, false])
  expectTensor(x.logicalAnd(y), [0, 1, 0], 'bool')
  expectTensor(x.logicalOr(y), [1, 1, 1], 'bool')
  expectTensor(x.logicalNot(), [1, 0, 0], 'bool')
  expectTensor(where(x, 10, y), [1, 10, 10])
  expectTensor(where(x.gt(0), x, tensor([[7], [8]])), [
    [7, 1, 2],
    [8, 1, 2],
  ])
})

test('cast cuts towards 0 and takes all but 0 as true', () => {
  const x = tensor([-1.7, 0, 0.3, 2.9])
  expectTensor(x.cast('i32'), [-1, 0, 0, 2], 'i32')
  expectTensor(x.toBool(), [1, 0, 1, 1], 'bool')
  expectTensor(x.toBool().toF32(), [1, 0, 1, 1], 'f32')
  expectTensor(tensor([3, 255], i32).cast('u8'), [3, 255], 'u8')
  expectTensor(tensor([3], i32).toF32().toF64(), [3], 'f64')
})
