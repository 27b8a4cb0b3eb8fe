import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ones, tensor, zeros } from '../../src/graph/index.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import { compile } from '../../src/index.ts'
import type { Layer } from '../../src/nn/index.ts'
import {
  conv2d,
  defineLayer,
  dropout,
  embedding,
  flatten,
  gelu,
  layer,
  linear,
  parameter,
  relu,
  sequential,
  sigmoid,
  silu,
  sin,
  softmax,
  softplus,
  tanh,
  xavierUniform,
} from '../../src/nn/index.ts'
import { expectClose, expectGradients, random } from './expect.ts'
import { block, blockOf, element, sumOver } from './reference.ts'

test('linear multiplies the last axis by its weight, whatever comes before', async () => {
  for (const [shape, bias] of [
    [[4, 3], true],
    [[3], true],
    [[2, 4, 3], false],
    [[0, 3], true],
  ] as const) {
    const net = linear(3, 5, { bias, dtype: 'f64' })
    const [w, t] = await Promise.all(net.parameters().map(blockOf))
    const x = random(shape)
    const image = await blockOf(x)
    const z = block([...shape.slice(0, -1), 5], (at) => {
      const sum = sumOver([3], ([j]) => element(w, [at.at(-1)!, j]) * element(image, [...at.slice(0, -1), j]))
      return sum + (bias ? t.values[at.at(-1)!] : 0)
    })
    await expectClose(net(x), z)
    if (x.size > 0) await expectGradients(net, x)
  }
  assert.throws(() => linear(3, 5)(zeros([4, 2])), {
    code: 'wrong-extent',
    message: 'linear(3 → 5): the input has shape [4,2]; it must have 3 features on axis 1',
  })
})

test('embedding gives the row of each number', async () => {
  const net = embedding(4, 3, { dtype: 'f64' })
  const w = await blockOf(net.parameters()[0])
  const x = tensor([3, 0, 0, 2, 1, 3], { shape: [2, 3], dtype: 'i32' })
  const rows = [3, 0, 0, 2, 1, 3]
  await expectClose(
    net(x),
    block([2, 3, 3], ([b, t, i]) => element(w, [rows[3 * b + t], i])),
  )
  await expectGradients(net, x)
  assert.throws(() => net(zeros([2])), { code: 'index-dtype', message: /is f32; it must be i32 or u8/ })
})

test('activations are their functions, and their gradients are right', async () => {
  const softplusOf = (x: number): number => Math.log1p(Math.exp(x))
  const expectActivation = async (net: Layer, of: (x: number) => number): Promise<void> => {
    const x = random([3, 4]).mul(3)
    const image = await blockOf(x)
    const z = block([3, 4], (at) => of(element(image, at)))
    await expectClose(net(x), z)
    await expectClose(net.formula!({ x: x.flatten() } as never), { shape: [12], values: z.values })
    await expectGradients(net, x)
  }
  await expectActivation(tanh(), Math.tanh)
  await expectActivation(relu(), (x) => Math.max(x, 0))
  await expectActivation(sigmoid(), (x) => 1 / (1 + Math.exp(-x)))
  await expectActivation(silu(), (x) => x / (1 + Math.exp(-x)))
  await expectActivation(softplus(), softplusOf)
  await expectActivation(sin(), Math.sin)
  const distribution = (x: number): number =>
    0.5 + sumOver([2000], ([i]) => (Math.exp(-(((x * (i + 0.5)) / 2000) ** 2) / 2) * x) / 2000) / Math.sqrt(2 * Math.PI)
  const x = random([3, 4]).mul(3)
  const image = await blockOf(x)
  await expectClose(
    gelu()(x),
    block([3, 4], (at) => element(image, at) * distribution(element(image, at))),
    1e-5,
  )
  await expectGradients(gelu(), x)
  const total = (b: number): number => sumOver([4], ([j]) => Math.exp(element(image, [b, j])))
  await expectClose(
    softmax()(x),
    block([3, 4], ([b, j]) => Math.exp(element(image, [b, j])) / total(b)),
  )
  await expectGradients(softmax(0), x)
})

test('a layer of your own is a formula with its parameters; what is not given is the input', async () => {
  const net = layer('z[b,i] = tanh(c[i] + s * sum(j) w[i,j] * x[b,j])', {
    w: parameter([2, 3], xavierUniform(), { dtype: 'f64' }),
    c: parameter([2], ones, { dtype: 'f64' }),
    s: 2,
  })
  assert.deepEqual(
    net.namedParameters().map(([name]) => name),
    ['w', 'c'],
  )
  const [w] = await Promise.all(net.parameters().map(blockOf))
  const x = random([4, 3])
  const image = await blockOf(x)
  const sum = (b: number, i: number): number => sumOver([3], ([j]) => element(w, [i, j]) * element(image, [b, j]))
  await expectClose(
    net(x),
    block([4, 2], ([b, i]) => Math.tanh(1 + 2 * sum(b, i))),
  )
  await expectGradients(net, x)
})

test('a layer of your own says which operands are wrong', () => {
  const w = parameter([2, 3])
  assert.throws(() => layer('z[i] = sum(j) w[i,j] * x[j] * s', { w }), {
    code: 'not-one-input',
    message: /2 operands are not given \(x, s\); give all but the one that is the input/,
  })
  assert.throws(() => layer('z[i] = sum(j) w[i,j]', { w }), { code: 'not-one-input', message: /leaves none/ })
  assert.throws(() => layer('z[i] = sum(j) weight[i,j] * x[j]', { wieght: w } as never), {
    code: 'unknown-operand',
    message: /the formula has no operand wieght; did you mean weight\?/,
  })
  // @ts-expect-error a misspelt operand does not compile
  assert.throws(() => layer('z[i] = sum(j) weight[i,j] * x[j]', { wieght: w }))
  // @ts-expect-error nor does one of the wrong rank
  assert.throws(() => layer('z[i] = sum(j) w[j] * x[j,i]', { w })(zeros([3, 3])), { code: 'wrong-rank' })
})

test('sequential runs its layers in order, and names their parameters by place or name', async () => {
  const net = sequential(conv2d(1, 2, 3), tanh(), flatten(), linear(8, 3))
  assert.deepEqual(
    net.namedParameters().map(([name, { shape }]) => `${name} ${shape}`),
    ['0.weight 2,1,3,3', '0.bias 2', '3.weight 3,8', '3.bias 3'],
  )
  assert.equal(net.layers.length, 4)
  const x = random([2, 1, 4, 4], 'f32')
  await expectClose(net(x), await blockOf(net.layers.reduce((value, part) => part(value), x)))
  const named = sequential({ features: linear(2, 3), head: sequential(relu(), linear(3, 1)) })
  assert.deepEqual(
    named.namedParameters().map(([name]) => name),
    ['features.weight', 'features.bias', 'head.1.weight', 'head.1.bias'],
  )
  assert.equal(
    String(named),
    'sequential\n  features: linear(2 → 3)\n  head: sequential\n    0: relu\n    1: linear(3 → 1)',
  )
  assert.throws(() => sequential(linear(2, 3), relu as never), {
    code: 'bad-option',
    message: /part 1 is no layer.*relu\(\)/,
  })
})

test('a parameter used twice counts once', () => {
  const shared = linear(3, 3)
  assert.equal(sequential(shared, tanh(), shared).parameters().length, 2)
})

test('train and eval reach every layer inside, and a compiled step follows them', async () => {
  const net = sequential(linear(4, 4), sequential(dropout(0.5)))
  const inner = net.layers[1] as Layer & { layers: readonly Layer[] }
  assert(net.training && inner.layers[0].training)
  const step = compile((x: Tensor) => net(x))
  const x = ones([1, 4])
  step(x)
  assert.equal(net.eval(), net)
  assert(!net.training && !inner.layers[0].training)
  const [first, second] = [await step(x).data(), await step(x).data()]
  assert.deepEqual(first, second)
  assert.equal(step.programs.length, 2)
  net.train()
  step(x)
  assert.equal(step.programs.length, 2)
})

test('a layer defined by its parts holds what they hold', () => {
  const residual = (inner: Layer) =>
    defineLayer({ name: 'residual', children: { inner }, forward: (x: Tensor) => x.add(inner(x)) })
  const net = residual(linear(3, 3))
  assert.equal(net.name, 'residual')
  assert.equal(net.formula, undefined)
  assert.deepEqual(
    net.namedParameters().map(([name]) => name),
    ['inner.weight', 'inner.bias'],
  )
  assert.deepEqual(net(zeros([2, 3])).shape, [2, 3])
})
