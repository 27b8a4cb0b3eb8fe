import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grad } from '../../src/autodiff/index.ts'
import { printProgram } from '../../src/compiler/print.ts'
import { zeros } from '../../src/graph/index.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import { multiHeadAttention } from '../../src/nn/index.ts'
import { compile } from '../../src/runtime/compile.ts'
import { expectClose, expectGradients, random, scramble } from './expect.ts'
import type { Block } from './reference.ts'
import { block, blockOf, element, sumOver } from './reference.ts'

/** torch.nn.MultiheadAttention, a loop an index. */
function reference(
  inputs: readonly [query: Block, key: Block, value: Block],
  weights: Readonly<Record<string, Block>>,
  heads: number,
  causal: boolean,
): Block {
  const [batch, time, features] = inputs[0].shape
  const others = inputs[1].shape[1]
  const size = features / heads
  const projected = inputs.map((x, part) =>
    block(x.shape, ([b, t, i]) => {
      const row = part * features + i
      const sum = sumOver([features], ([j]) => element(weights.inProjWeight, [row, j]) * element(x, [b, t, j]))
      return sum + weights.inProjBias.values[row]
    }),
  )
  const [q, k, v] = projected
  const seen = block([batch, time, features], ([b, t, i]) => {
    const head = Math.floor(i / size)
    const powers = Array.from({ length: others }, (_, u) => {
      if (causal && u > t) return 0
      const score = sumOver([size], ([d]) => element(q, [b, t, head * size + d]) * element(k, [b, u, head * size + d]))
      return Math.exp(score / Math.sqrt(size))
    })
    const total = powers.reduce((sum, power) => sum + power, 0)
    return powers.reduce((sum, power, u) => sum + (power / total) * element(v, [b, u, i]), 0)
  })
  return block([batch, time, features], ([b, t, i]) => {
    const sum = sumOver([features], ([j]) => element(weights['outProj.weight'], [i, j]) * element(seen, [b, t, j]))
    return sum + weights['outProj.bias'].values[i]
  })
}

for (const causal of [false, true]) {
  test(`attention of two heads${causal ? ', each place seeing those before it,' : ''} is that of the loops, and so are its gradients`, async () => {
    const layer = multiHeadAttention(6, 2, { causal, dtype: 'f64' })
    scramble(layer)
    const weights: Record<string, Block> = {}
    for (const [name, parameter] of layer.namedParameters()) weights[name] = await blockOf(parameter)
    assert.deepEqual(Object.keys(weights), ['inProjWeight', 'inProjBias', 'outProj.weight', 'outProj.bias'])
    const x = random([2, 4, 6])
    const image = await blockOf(x)
    await expectClose(layer(x), reference([image, image, image], weights, 2, causal))
    await expectGradients(layer, x)
  })
}

test('attention to another sequence reads its keys and values', async () => {
  const layer = multiHeadAttention(4, 4, { dtype: 'f64' })
  const weights: Record<string, Block> = {}
  for (const [name, parameter] of layer.namedParameters()) weights[name] = await blockOf(parameter)
  const [query, key, value] = [random([2, 3, 4]), random([2, 5, 4]), random([2, 5, 4])]
  const blocks = [await blockOf(query), await blockOf(key), await blockOf(value)] as const
  await expectClose(layer(query, key, value), reference(blocks, weights, 4, false))
  await expectGradients(layer, key, (x) => layer(query, x, value))
})

test('attention without biases is that of biases of 0, and so are its gradients', async () => {
  const [layer, biased] = [false, true].map((bias) => multiHeadAttention(6, 3, { bias, dtype: 'f64' }))
  scramble(layer)
  for (const [name, parameter] of biased.namedParameters()) {
    const own = layer.namedParameters().find(([known]) => known === name)
    parameter.assign(own ? own[1] : zeros(parameter.shape))
  }
  const [x, other] = [random([2, 4, 6]), random([2, 3, 6])]
  await expectClose(layer(x), await blockOf(biased(x)))
  await expectClose(layer(x, other), await blockOf(biased(x, other)))
  await expectGradients(layer, x)
  await expectGradients(layer, x, (query) => layer(query, other))
})

test('the weights of query, key and value get their gradients from one product of a sequence, or from a third each', () => {
  const layer = multiHeadAttention(4, 2, { dtype: 'f64' })
  const [x, other] = [random([2, 3, 4]), random([2, 5, 4])]
  const expectRows = (call: () => Tensor, rows: readonly number[]): void => {
    const step = compile(() => grad(call().sum(), layer.parameters()[0]))
    step()
    const text = printProgram(step.programs[0].program)
    const found = [...text.matchAll(/\[r<(\d+),j<4\] = sum\(n</g)].map(([, extent]) => Number(extent))
    assert.deepEqual(found, rows, text)
  }
  expectRows(() => layer(x), [12])
  expectRows(() => layer(x, x, x), [12])
  expectRows(() => layer(x, other), [4, 4, 4])
})

test('heads must divide the features, and keys go with values', () => {
  assert.throws(() => multiHeadAttention(6, 4), { code: 'bad-option', message: /4 heads do not divide 6 features/ })
  const layer = multiHeadAttention(4, 2)
  assert.throws(() => layer(zeros([1, 3, 4]), zeros([1, 3, 4]), zeros([1, 2, 4])), { code: 'shape-mismatch' })
  assert.throws(() => layer(zeros([1, 3, 5])), { code: 'wrong-extent', message: /4 features on axis 2$/ })
})
