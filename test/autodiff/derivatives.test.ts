import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../../src/runtime/evaluate.ts'
import {
  customGradient,
  grad,
  gradcheck,
  hessian,
  jacobian,
  jvp,
  stopGradient,
  valueAndGrad,
  vjp,
} from '../../src/autodiff/index.ts'
import { tensor } from '../../src/graph/creation.ts'
import { sizeOf } from '../../src/graph/node.ts'
import type { Tensor } from '../../src/graph/tensor.ts'

const f64 = (values: number[] | number[][] | number): Tensor => tensor(values as number[], { dtype: 'f64' })

async function expectElements(actual: Tensor, shape: readonly number[], expected: readonly number[]): Promise<void> {
  assert.deepEqual(actual.shape, shape)
  const found = await actual.data()
  assert.equal(found.length, sizeOf(shape))
  for (const [at, value] of expected.entries()) {
    assert.ok(Math.abs(found[at] - value) < 1e-12 * (1 + Math.abs(value)), `element ${at}: ${found[at]}, not ${value}`)
  }
}

test('grad(loss, wrt) has the form of wrt', async () => {
  const x = f64([1, 2, 3])
  const w = f64([4, 5, 6])
  const loss = x.mul(w).sum()
  await expectElements(grad(loss, x), [3], [4, 5, 6])
  const [byX, byW] = grad(loss, [x, w])
  await expectElements(byX, [3], [4, 5, 6])
  await expectElements(byW, [3], [1, 2, 3])
  const named = grad(loss, { w, x })
  assert.deepEqual(Object.keys(named), ['w', 'x'])
  await expectElements(named.w, [3], [1, 2, 3])
})

test('grad(loss, wrt) is zero by a tensor that the loss does not depend on, and by intermediate tensors what flows there', async () => {
  const x = f64([1, 2])
  const y = x.square()
  const loss = y.mul(y).sum()
  await expectElements(grad(loss, f64([7, 8, 9])), [3], [0, 0, 0])
  const [byY, byX] = grad(loss, [y, x])
  await expectElements(byY, [2], [2, 8])
  await expectElements(byX, [2], [4, 32])
})

test('grad(loss, wrt) keeps the dtype of each tensor', async () => {
  const x = tensor([1, 2])
  const gradient = grad(x.cast('f64').square().sum(), x)
  assert.equal(gradient.dtype, 'f32')
  await expectElements(gradient, [2], [2, 4])
})

test('what has no gradient is refused with the reason', () => {
  const x = f64([1, 2])
  assert.throws(() => grad(x, x), {
    code: 'loss-not-scalar',
    message:
      'grad: the loss has shape [2], and only a scalar has a gradient; reduce it with sum() or mean(), or use vjp or jacobian',
  })
  const counts = tensor([1, 2], { dtype: 'i32' })
  assert.throws(() => grad(x.sum(), { counts }), {
    code: 'not-differentiable',
    message: 'grad: by counts is i32, and derivatives need f32 or f64; cast it first',
  })
  assert.throws(() => grad(counts.sum(), x), { code: 'not-differentiable' })
  assert.throws(() => jvp((a: Tensor) => a, [x], [f64([1])]), { code: 'shape-mismatch' })
  assert.throws(() => vjp((a: Tensor) => a, [x]).pullback(f64([1])), { code: 'shape-mismatch' })
})

test('valueAndGrad tells equal arguments apart', async () => {
  const x = f64([1, 2])
  const { value, gradients } = valueAndGrad((a: Tensor, b: Tensor) => a.mul(b.square()).sum())(x, x)
  assert.equal(await value.item(), 9)
  await expectElements(gradients[0], [2], [1, 4])
  await expectElements(gradients[1], [2], [2, 8])
})

test('vjp and jvp multiply with the Jacobian from either side', async () => {
  const x = f64([0.5, -1])
  const w = f64([
    [1, 2],
    [3, 4],
    [5, 6],
  ])
  const apply = (a: Tensor, b: Tensor): Tensor => b.matmul(a)
  const { value, pullback } = vjp(apply, [x, w])
  await expectElements(value, [3], [-1.5, -2.5, -3.5])
  const [byX, byW] = pullback(f64([1, 0, -1]))
  await expectElements(byX, [2], [-4, -4])
  await expectElements(byW, [3, 2], [0.5, -1, 0, 0, -0.5, 1])
  const along = jvp(
    apply,
    [x, w],
    [
      f64([1, 1]),
      f64([
        [0, 0],
        [1, 0],
        [0, 0],
      ]),
    ],
  )
  await expectElements(along.tangent, [3], [3, 7.5, 11])
})

test('jacobian is the same in both modes', async () => {
  const x = f64([0.5, -1, 2])
  const functions: ((a: Tensor) => Tensor)[] = [
    (a) => a.softmax(0),
    (a) => a.logSoftmax(0),
    (a) => a.logSumExp(),
    (a) => a.max(),
    (a) => a.prod(),
    (a) => a.cumsum(0).square(),
    (a) => a.sort(),
    (a) => a.reshape([3, 1]).mul(a).reshape([9]),
    (a) =>
      a
        .flip(0)
        .pad([[1, 2]])
        .relu(),
    (a) => a.take(tensor([2, 2, 0], { dtype: 'i32' })).exp(),
  ]
  for (const [at, apply] of functions.entries()) {
    const reverse = jacobian(apply, x, { mode: 'reverse' })
    const forward = jacobian(apply, x, { mode: 'forward' })
    assert.deepEqual(forward.shape, [...apply(x).shape, 3], `function ${at}`)
    await expectElements(forward, reverse.shape, [...(await reverse.data())])
    const report = await gradcheck(apply, [x])
    assert.ok(report.ok, `function ${at}: ${report}`)
  }
})

test('hessian is the Jacobian of the gradient', async () => {
  const x = f64([1, 2, 3])
  await expectElements(
    hessian((a) => a.mul(a).mul(a).sum(), x),
    [3, 3],
    [6, 0, 0, 0, 12, 0, 0, 0, 18],
  )
  await expectElements(
    hessian((a) => a.prod(), f64([2, 0, 3])),
    [3, 3],
    [0, 3, 0, 3, 0, 2, 0, 2, 0],
  )
  assert.throws(() => hessian((a) => a.square(), x), { code: 'loss-not-scalar' })
})

test('the derivative of a product is exact with zeros among the factors, short or long', async () => {
  const long = Array.from({ length: 80 }, (_, at) => 1 + 0.01 * at)
  const others = (values: readonly number[], without: number): number =>
    values.reduce((product, value, at) => (at === without ? product : product * value), 1)
  for (const zeros of [[], [3], [3, 5]]) {
    for (const values of [long, long.slice(0, 8)]) {
      const factors = values.map((value, at) => (zeros.includes(at) ? 0 : value))
      const x = f64(factors)
      const gradient = await grad(x.prod(), x).data()
      for (const [at, value] of gradient.entries()) {
        const expected = others(factors, at)
        assert.ok(Math.abs(value - expected) <= 1e-12 * expected, `zeros at ${zeros}: element ${at} is ${value}`)
      }
    }
  }
})

test('equal maxima: the first of a reduction gets all, the two of maximum get half each', async () => {
  const x = f64([1, 3, 3, 2])
  await expectElements(grad(x.max(), x), [4], [0, 1, 0, 0])
  const y = f64([1, 3, 4, 2])
  await expectElements(grad(x.maximum(y).sum(), x), [4], [0.5, 0.5, 0, 0.5])
  const kinks = f64([0, -1, 2])
  await expectElements(grad(kinks.relu().sum(), kinks), [3], [0, 0, 1])
  await expectElements(grad(kinks.abs().sum(), kinks), [3], [0, -1, 1])
  await expectElements(grad(kinks.clamp(-1, 2).sum(), kinks), [3], [1, 1, 1])
  await expectElements(grad(kinks.pow(2).sum(), kinks), [3], [0, -2, 4])
})

test('stopGradient is a constant to every derivative', async () => {
  const x = f64([1, 2])
  const apply = (a: Tensor): Tensor => a.mul(stopGradient(a.square()))
  await expectElements(grad(apply(x).sum(), x), [2], [1, 4])
  await expectElements(jvp(apply, [x], [f64([1, 1])]).tangent, [2], [1, 4])
  await expectElements(stopGradient(x), [2], [1, 2])
})

test('customGradient holds in reverse mode, forward mode and second derivatives', async () => {
  const x = f64([0.4, 1.6])
  const roundThrough = customGradient(
    (a: Tensor) => a.round(),
    (adjoint) => [adjoint],
  )
  await expectElements(roundThrough(x), [2], [0, 2])
  await expectElements(grad(roundThrough(x).sum(), x), [2], [1, 1])
  await expectElements(jvp((a: Tensor) => roundThrough(a), [x], [f64([3, 5])]).tangent, [2], [3, 5])
  for (const mode of ['forward', 'reverse'] as const) {
    await expectElements(
      jacobian((a) => roundThrough(a).mul(a), x, { mode }),
      [2, 2],
      [0.4, 0, 0, 3.6],
    )
  }
  const cube = customGradient(
    (a: Tensor) => a.pow(3),
    (adjoint, _, a) => [adjoint.mul(a.square()).mul(3)],
  )
  await expectElements(
    hessian((a) => cube(a).sum(), x),
    [2, 2],
    [2.4, 0, 0, 9.6],
  )
})

test('customGradient refuses adjoints that do not fit', () => {
  const x = f64([1, 2])
  const none = customGradient(
    (a: Tensor) => a.exp(),
    () => [],
  )
  assert.throws(() => grad(none(x).sum(), x), {
    code: 'custom-gradient-shape',
    message: 'customGradient: 1 inputs need as many adjoints; vjp returned 0',
  })
  const summed = customGradient(
    (a: Tensor) => a.exp(),
    (adjoint) => [adjoint.sum()],
  )
  assert.throws(() => grad(summed(x).sum(), x), {
    code: 'custom-gradient-shape',
    message: 'customGradient: vjp returned an adjoint of shape [] for input 0, whose shape is [2]',
  })
})

test('a graph thousands of nodes deep has gradients', async () => {
  const x = f64([1, 2])
  let y = x
  for (let step = 0; step < 3000; step++) y = y.mul(0.999).add(x.mul(step % 3))
  const gradient = grad(y.sum(), x)
  assert.deepEqual(gradient.shape, [2])
  assert.equal(
    jvp(
      (a: Tensor) => {
        let b = a
        for (let step = 0; step < 3000; step++) b = b.mul(0.999)
        return b
      },
      [x],
      [x],
    ).tangent.rank,
    1,
  )
})
