import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grad } from '../../src/autodiff/index.ts'
import { ones } from '../../src/graph/index.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import { compile } from '../../src/index.ts'
import { dropout, dropout2d } from '../../src/nn/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { random } from './expect.ts'

const maskOf = async (z: Tensor): Promise<string> => (await z.data()).map((value) => (value === 0 ? 0 : 1)).join('')

test('dropout sets the share p of the elements to 0, and scales the rest so that the mean stays', async () => {
  const z = await dropout(0.3)(ones([100, 100])).data()
  const kept = z.filter((value) => value !== 0)
  assert(Math.abs(kept.length / z.length - 0.7) < 0.02, `${kept.length} of ${z.length} are kept`)
  assert(kept.every((value) => Math.abs(value - 1 / 0.7) < 1e-6))
})

test('dropout2d drops whole channels', async () => {
  const z = (await dropout2d(0.5)(ones([8, 16, 2, 3])).array()) as number[][][][]
  const channels = z.flat().map((channel) => new Set(channel.flat()))
  assert(channels.every((values) => values.size === 1))
  assert.deepEqual([...new Set(channels.flatMap((values) => [...values]))].sort(), [0, 2])
  assert.throws(() => dropout2d()(ones([8, 16])), { code: 'wrong-rank' })
})

test('every call draws another mask, a compiled step at every run', async () => {
  const layer = dropout()
  const x = ones([64])
  const eager = [await maskOf(layer(x)), await maskOf(layer(x))]
  const step = compile((input: Tensor) => layer(input))
  const compiled = [await maskOf(step(x)), await maskOf(step(x)), await maskOf(step(x))]
  assert.equal(step.programs.length, 1)
  assert.equal(new Set([...eager, ...compiled]).size, 5)
})

test('the same seed gives the same masks, to two layers different ones', async () => {
  const masks = async (): Promise<string[]> => {
    manualSeed(5)
    const layers = [dropout(), dropout()]
    const x = ones([64])
    return Promise.all(layers.map((layer) => maskOf(layer(x))))
  }
  const [first, second] = [await masks(), await masks()]
  assert.deepEqual(first, second)
  assert.notEqual(first[0], first[1])
})

test('the gradient passes where the element passed', async () => {
  const layer = dropout(0.25)
  const x = random([40])
  const z = layer(x)
  const [values, mask] = await Promise.all([grad(z.sum(), x).data(), z.data()])
  for (const [at, value] of values.entries()) assert.equal(value, mask[at] === 0 ? 0 : 1 / 0.75)
})

test('out of training, and with p = 0, x itself comes out', () => {
  const x = ones([4])
  assert.equal(dropout().eval()(x), x)
  assert.equal(dropout(0)(x), x)
  assert.throws(() => dropout(1), {
    code: 'bad-option',
    message: 'dropout(1): p is 1; it must be 0 or more and less than 1',
  })
})
