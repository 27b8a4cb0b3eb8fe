// What the device computes for each operation, against the definition of its nodes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arange, concat, crossEntropy, einsum, type Tensor, tensor, where } from '../../src/index.ts'
import { normal, permutation, randint, truncatedNormal } from '../../src/random/index.ts'
import { interpret } from '../support/interpret.ts'

function expectSame(name: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(actual.length, expected.length, name)
  for (const [at, value] of Array.from(expected).entries()) {
    const close = Object.is(actual[at], value) || Math.abs(actual[at] - value) <= 4e-6 * Math.max(1, Math.abs(value))
    assert.ok(close, `${name}: element ${at} is ${actual[at]}, expected ${value}`)
  }
}

test('the device computes what the nodes of each operation mean', async () => {
  const x = normal([5, 9], { seed: 1 })
  const bytes = tensor([3, 200, 0], { dtype: 'u8' })
  const cases: Record<string, Tensor> = {
    softmax: x.softmax(),
    logSoftmax: x.logSoftmax(0),
    logSumExp: x.logSumExp(0, true),
    crossEntropy: crossEntropy(x, randint(0, 9, [5], { seed: 3 })),
    variance: x.variance(1),
    norm: x.norm(0, { ord: 3 }),
    argmax: x.argmax(),
    any: x.gt(1).any(0),
    where: where(x.gt(0).logicalOr(x.lt(-1)), x, x.square()),
    cumsum: x.cumsum(1),
    cumprod: x.cumprod(1),
    concat: concat([x, x.flip(), x.roll(3, 1)]),
    pad: x
      .pad([[1, 2], 3], -1)
      .tile([2, 1])
      .repeat(2, 1),
    slice: x.slice([null, null, -2], [1, -1]).T.reshape([-1]),
    bytes: bytes.pad(1, 9).sum(),
    einsum: einsum('ij,kj,i->k', x, x, x.select(1, 0)),
    matmul: x.unsqueeze(0).matmul(x.T),
    take: x.take(bytes.clamp(0, 4), 0),
    oneHot: arange(5).oneHot(5).sum(0),
    sort: x.sort(),
    argsort: x.argsort({ descending: true, axis: 0 }),
    nan: tensor([Number.NaN, 3, -1 / 0, Number.NaN, 1 / 0]).sort(),
    topk: x.topk(4).values,
    permutation: permutation(20, { seed: 1 }),
    truncatedNormal: truncatedNormal([50], { seed: 2 }),
  }
  // The interpreter goes first: numbers leave the host when a device first uses them.
  const expected = Object.values(cases).map(({ node }) => interpret(node))
  for (const [at, [name, made]] of Object.entries(cases).entries()) expectSame(name, await made.data(), expected[at])
})
