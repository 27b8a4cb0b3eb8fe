import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tensor } from '../../src/graph/creation.ts'
import { crossEntropy } from '../../src/graph/functions.ts'
import type { Node } from '../../src/graph/node.ts'
import * as operations from '../../src/graph/operations/softmax.ts'
import { wrap } from '../../src/graph/tensor.ts'
import { expectClose, expectShapeError, valuesOf } from './expectTensor.ts'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const f64 = { dtype: 'f64' } as const
const x = tensor(
  [
    [1, 2, 3],
    [-1, 0, 4],
  ],
  f64,
)
const e = Math.exp
const totals = [e(1) + e(2) + e(3), e(-1) + e(0) + e(4)]
const shares = [
  [e(1) / totals[0], e(2) / totals[0], e(3) / totals[0]],
  [e(-1) / totals[1], e(0) / totals[1], e(4) / totals[1]],
]

test('logSumExp, softmax and logSoftmax compute what their names say', () => {
  expectClose(x.logSumExp(1), totals.map(Math.log), 1e-12)
  expectClose(x.logSumExp(), Math.log(totals[0] + totals[1]), 1e-12)
  expectClose(x.logSumExp(1, true), [[Math.log(totals[0])], [Math.log(totals[1])]], 1e-12)
  expectClose(x.softmax(), shares, 1e-12)
  expectClose(
    x.logSoftmax(),
    shares.map((row) => row.map(Math.log)),
    1e-12,
  )
  expectClose(x.T.softmax(0).T, shares, 1e-12)
  expectClose(x.softmax([0, 1]).sum(), 1, 1e-12)
})

test('large numbers do not overflow, and infinities are kept', () => {
  expectClose(tensor([1000, 1000]).logSumExp(), 1000 + Math.log(2))
  expectClose(tensor([1000, 1000]).softmax(), [0.5, 0.5])
  expectClose(tensor([0, 1000]).logSoftmax(), [-1000, 0])
  expectClose(tensor([-inf, -inf]).logSumExp(), -inf)
  expectClose(tensor([inf, 1]).logSumExp(), inf)
  expectClose(tensor([nan, 1]).logSumExp(), nan)
  expectClose(tensor([-inf, 0]).softmax(), [0, 1])
})

test('crossEntropy is the negative logarithm of the softmax at the class', () => {
  const classes = tensor([2, 0], { dtype: 'i32' })
  const expected = [-Math.log(shares[0][2]), -Math.log(shares[1][0])]
  expectClose(crossEntropy(x, classes), expected, 1e-12)
  expectClose(crossEntropy(x.T, classes.cast('u8'), 0), expected, 1e-12)
  expectClose(crossEntropy(tensor([[1e4, 0]]), tensor([1], { dtype: 'i32' })), [1e4])
  expectClose(crossEntropy(x.unsqueeze(0), classes.unsqueeze(0)), [expected], 1e-12)
  expectShapeError(() => crossEntropy(x, tensor([1, 2, 0], { dtype: 'i32' })), 'shape-mismatch', '[2,3]', '[2]', '[3]')
  expectShapeError(() => crossEntropy(x, tensor([1, 2])), 'index-dtype', 'f32')
})

/** The gradient of sum(weights * f(x)) by central differences, against the rule's. */
function expectRule(rule: Node, input: Node, weights: Node, f: (x: Node) => Node): void {
  assert.ok(rule.kind === 'rule')
  const [adjoint] = rule.vjp(weights)
  assert.ok(adjoint !== null)
  const value = (values: Float64Array) => {
    const moved = tensor(values, { shape: input.shape })
    const [total] = [valuesOf(wrap(f(moved.node)).mul(wrap(weights)).sum())]
    return total as number
  }
  const at = Float64Array.from([valuesOf(wrap(input))].flat(9) as number[])
  const h = 1e-5
  const slopes = Array.from(
    at,
    (_, which) => (value(at.with(which, at[which] + h)) - value(at.with(which, at[which] - h))) / (2 * h),
  )
  expectClose(wrap(adjoint).flatten(), slopes, 1e-8)
}

test('each rule gives the derivative of its plain form', () => {
  const full = tensor([0.3, -1, 2, 0.7, 0.1, -0.4], { shape: [2, 3], dtype: 'f64' }).node
  const row = tensor([0.3, -1], f64).node
  const classes = tensor([2, 0], { dtype: 'i32' }).node
  expectRule(operations.softmax(x.node, 1), x.node, full, (node) => operations.plainSoftmax(node, [1]))
  expectRule(operations.logSoftmax(x.node, 1), x.node, full, (node) => operations.plainLogSoftmax(node, [1]))
  expectRule(operations.logSumExp(x.node, { axis: 1 }), x.node, row, (node) => operations.plainLogSumExp(node, [1]))
  expectRule(operations.crossEntropy(x.node, classes), x.node, row, (node) =>
    operations.plainCrossEntropy(node, classes, 1),
  )
  const column = tensor([1, -2, 0.5], f64).node
  expectRule(operations.logSumExp(x.node, { axis: 0 }), x.node, column, (node) => operations.plainLogSumExp(node, [0]))
  expectRule(operations.softmax(x.node, 0), x.node, full, (node) => operations.plainSoftmax(node, [0]))
})
