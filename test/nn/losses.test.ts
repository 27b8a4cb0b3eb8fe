import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grad } from '../../src/autodiff/index.ts'
import { tensor, zeros } from '../../src/graph/index.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import {
  accuracy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  defineLayer,
  huber,
  l1,
  mse,
} from '../../src/nn/index.ts'
import { expectClose, expectGradients, random } from './expect.ts'
import { block, blockOf, element, sumOver } from './reference.ts'

type Loss = (x: Tensor, y: Tensor, options?: { reduction?: 'mean' | 'sum' | 'none' }) => Tensor

/** Values for each reduction against `each` of an element and its target, and the gradient. */
async function expectLoss(loss: Loss, target: Tensor, each: (x: number, y: number) => number): Promise<void> {
  const x = random([3, 4]).mul(3)
  const [image, wanted] = [await blockOf(x), await blockOf(target)]
  const losses = block([3, 4], (at) => each(element(image, at), element(wanted, at)))
  const total = sumOver([3, 4], (at) => element(losses, at))
  await expectClose(loss(x, target, { reduction: 'none' }), losses)
  await expectClose(loss(x, target, { reduction: 'sum' }), { shape: [], values: [total] })
  await expectClose(loss(x, target), { shape: [], values: [total / 12] })
  await expectGradients(defineLayer({ name: loss.name, forward: (input: Tensor) => loss(input, target) }), x)
}

test('mse, l1 and huber measure distances', async () => {
  await expectLoss(mse, random([3, 4]), (x, y) => (x - y) ** 2)
  await expectLoss(l1, random([3, 4]), (x, y) => Math.abs(x - y))
  await expectLoss(huber, random([3, 4]), (x, y) => (Math.abs(x - y) <= 1 ? 0.5 * (x - y) ** 2 : Math.abs(x - y) - 0.5))
  const x = tensor([0, 2, 5], { dtype: 'f64' })
  await expectClose(huber(x, tensor([0, 0, 0], { dtype: 'f64' }), { delta: 2, reduction: 'none' }), {
    shape: [3],
    values: [0, 2, 8],
  })
})

test('binary cross-entropy is that of the sigmoid, also where the sigmoid is 0 or 1', async () => {
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
  await expectLoss(
    binaryCrossEntropyWithLogits,
    random([3, 4]).abs(),
    (x, y) => -y * Math.log(sigmoid(x)) - (1 - y) * Math.log(1 - sigmoid(x)),
  )
  const x = tensor([-1000, 1000, 0], { dtype: 'f64' })
  const y = tensor([1, 0, 0.5], { dtype: 'f64' })
  await expectClose(binaryCrossEntropyWithLogits(x, y, { reduction: 'none' }), {
    shape: [3],
    values: [1000, 1000, Math.log(2)],
  })
  await expectClose(grad(binaryCrossEntropyWithLogits(x, y, { reduction: 'sum' }), x), {
    shape: [3],
    values: [-1, 1, 0],
  })
})

test('cross-entropy takes class indices, with the classes on axis 1', async () => {
  const x = random([4, 3])
  const image = await blockOf(x)
  const labels = [2, 0, 1, 1]
  const lossOf = (n: number): number => {
    const total = sumOver([3], ([c]) => Math.exp(element(image, [n, c])))
    return Math.log(total) - element(image, [n, labels[n]])
  }
  const classes = tensor(labels, { dtype: 'u8' })
  const each = [0, 1, 2, 3].map(lossOf)
  await expectClose(crossEntropy(x, classes, { reduction: 'none' }), { shape: [4], values: each })
  const mean = each.reduce((sum, loss) => sum + loss, 0) / 4
  await expectClose(crossEntropy(x, classes), { shape: [], values: [mean] })
  const layer = defineLayer({ name: 'crossEntropy', forward: (logits: Tensor) => crossEntropy(logits, classes) })
  await expectGradients(layer, x)
  const maps = random([2, 3, 5])
  const moved = maps.permute(0, 2, 1).reshape([10, 3])
  const places = tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0], { dtype: 'i32' })
  await expectClose(crossEntropy(maps, places.reshape([2, 5])), await blockOf(crossEntropy(moved, places)))
})

test('accuracy is the share of samples whose largest logit is that of their class', async () => {
  const logits = tensor([
    [1, 2, 0],
    [3, 2, 1],
    [0, 1, 5],
    [1, 0, 0],
  ])
  assert.equal(await accuracy(logits, tensor([1, 0, 1, 0], { dtype: 'u8' })).item(), 0.75)
})

test('a loss refuses shapes that only broadcast, and reductions there are none of', () => {
  assert.throws(() => mse(zeros([4, 1]), zeros([4])), {
    code: 'shape-mismatch',
    message: 'mse: shapes [4,1] and [4] differ; they must be equal',
  })
  assert.throws(() => accuracy(zeros([4, 3]), zeros([3])), { code: 'shape-mismatch' })
  assert.throws(() => mse(zeros([4]), zeros([4]), { reduction: 'average' as never }), { code: 'bad-option' })
})
