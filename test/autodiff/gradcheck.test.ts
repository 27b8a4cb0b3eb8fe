import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../../src/runtime/evaluate.ts'
import { assertGradients, customGradient, formula, gradcheck, stopGradient } from '../../src/autodiff/index.ts'
import { tensor } from '../../src/graph/creation.ts'
import type { Tensor } from '../../src/graph/tensor.ts'

const x = tensor([0.5, -1.25, 2])
const w = tensor([
  [1, -0.5, 0.25],
  [0.75, 2, -1],
])

test('gradcheck accepts right gradients, of functions of several tensors and of formulas', async () => {
  const ofFunction = await gradcheck((a: Tensor, b: Tensor) => b.matmul(a).tanh(), [x, w])
  assert.equal(ofFunction.ok, true)
  assert.deepEqual(Object.keys(ofFunction.perOperand), ['0', '1'])
  assert.equal(ofFunction.perOperand[1].mode, 'jacobian')
  assert.equal(ofFunction.perOperand[1].compared, 12)
  assert.ok(ofFunction.maxError < 1e-8)
  const dense = formula('z[i] = s * sum(j) w[i,j] * x[j]')
  const ofFormula = await gradcheck(dense, { w, x, s: 2 })
  assert.equal(ofFormula.ok, true)
  assert.deepEqual(Object.keys(ofFormula.perOperand), ['w', 'x'])
  assert.match(String(ofFormula), /^right {2}by w: 12 derivatives, largest error/)
})

test('gradcheck works in f64 whatever the operands are, and leaves integers alone', async () => {
  const labels = tensor([2, 0], { dtype: 'i32' })
  const report = await gradcheck(
    ({ logits, classes }: { logits: Tensor; classes: Tensor }) => {
      assert.equal(logits.dtype, 'f64')
      return logits.logSoftmax(1).gather(1, classes.reshape([2, 1]))
    },
    { logits: w, classes: labels },
  )
  assert.deepEqual([report.ok, Object.keys(report.perOperand)], [true, ['logits']])
})

/** The square, with a gradient that is wrong where x is negative. */
const square = customGradient(
  (a: Tensor) => a.square(),
  (adjoint, _, a) => [adjoint.mul(a.abs()).mul(2)],
)

test('gradcheck says where a gradient is wrong, and by how much', async () => {
  const report = await gradcheck((a: Tensor) => square(a), [x])
  assert.equal(report.ok, false)
  const { operand, element, result, analytic, numeric, kink } = report.worst!
  assert.deepEqual([operand, element, result, kink], ['0', [1], [1], null])
  assert.equal(analytic, 2.5)
  assert.ok(Math.abs(numeric + 2.5) < 1e-6)
  assert.match(
    String(report),
    /^WRONG {2}by 0, the most at \[1\], of result \[1\]: 2\.5000000 where differences give -2\.5/,
  )
  await assert.rejects(
    assertGradients((a: Tensor) => square(a), [x]),
    { code: 'gradient-mismatch' },
  )
})

test('gradcheck tries random directions of large operands', async () => {
  const large = tensor(Array.from({ length: 300 }, (_, at) => Math.sin(at)))
  const right = await gradcheck((a: Tensor) => a.square().mul(a), [large], { directions: 3 })
  assert.deepEqual([right.ok, right.perOperand[0].mode, right.perOperand[0].compared], [true, 'directions', 3])
  const wrong = await gradcheck((a: Tensor) => square(a), [large])
  assert.deepEqual([wrong.ok, wrong.worst!.element], [false, null])
})

test('gradcheck of second order differentiates the gradient', async () => {
  /** The cube: its gradient is right, but hides that it depends on x. */
  const cube = customGradient(
    (a: Tensor) => a.pow(3),
    (adjoint, _, a) => [adjoint.mul(stopGradient(a.square())).mul(3)],
  )
  assert.equal((await gradcheck((a: Tensor) => cube(a), [x])).ok, true)
  const second = await gradcheck((a: Tensor) => cube(a), [x], { secondOrder: true })
  assert.deepEqual([second.ok, second.worst!.operand], [false, 'gradient by 0, by 0'])
  const report = await gradcheck((a: Tensor, b: Tensor) => b.matmul(a).tanh(), [x, w], { secondOrder: true })
  assert.equal(report.ok, true)
  assert.deepEqual(Object.keys(report.perOperand), [
    '0',
    '1',
    'gradient by 0, by 0',
    'gradient by 0, by 1',
    'gradient by 1, by 0',
    'gradient by 1, by 1',
  ])
})

test('gradcheck recognises a kink, and jitter moves off it', async () => {
  const kinked = tensor([0, 1, -1])
  const relu = (a: Tensor): Tensor => a.relu()
  const report = await gradcheck(relu, [kinked])
  assert.equal(report.ok, false)
  assert.deepEqual(report.worst!.element, [0])
  assert.deepEqual(report.worst!.kink!.map(Math.round), [0, 1])
  assert.match(String(report), /show a kink: move the operand off it \(jitter\)/)
  assert.equal((await gradcheck(relu, [kinked], { jitter: 0.1 })).ok, true)
})
