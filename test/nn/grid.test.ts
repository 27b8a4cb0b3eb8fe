import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zeros } from '../../src/graph/index.ts'
import { neuralGrid } from '../../src/nn/index.ts'
import { expectClose, expectGradients, random, scramble } from './expect.ts'
import { block, blockOf, element, sumOver } from './reference.ts'

test('a unit of a grid sees itself and its two neighbours, through weights that belong to them', async () => {
  for (const [activation, h] of [
    ['tanh', Math.tanh],
    ['sin', Math.sin],
    ['none', (x: number) => x],
  ] as const) {
    const layer = neuralGrid(6, { activation, dtype: 'f64' })
    scramble(layer)
    const [w, c] = await Promise.all(layer.parameters().map(blockOf))
    const x = random([3, 6])
    const image = await blockOf(x)
    const z = block([3, 6], ([b, p]) => {
      const sum = sumOver([3], ([q]) => element(w, [p + q - 1]) * element(image, [b, p + q - 1]))
      return h(c.values[p] + sum)
    })
    await expectClose(layer(x), z)
    await expectGradients(layer, x)
  }
})

test('with two axes of units the window is 3×3', async () => {
  const layer = neuralGrid([3, 4], { dtype: 'f64' })
  scramble(layer)
  const [w, c] = await Promise.all(layer.parameters().map(blockOf))
  const x = random([2, 3, 4])
  const image = await blockOf(x)
  const z = block([2, 3, 4], ([b, p, r]) => {
    const sum = sumOver([3, 3], ([q, s]) => {
      const at = [p + q - 1, r + s - 1]
      return element(w, at) * element(image, [b, ...at])
    })
    return Math.tanh(element(c, [p, r]) + sum)
  })
  await expectClose(layer(x), z)
  await expectGradients(layer, x)
})

test('a whole grid is its layers one after the other', async () => {
  const grid = neuralGrid({ height: 5, layers: 3 }, { dtype: 'f64' })
  assert.deepEqual(
    grid.namedParameters().map(([name]) => name),
    ['0.w', '0.c', '1.w', '1.c', '2.w', '2.c'],
  )
  const x = random([2, 5])
  await expectClose(grid(x), await blockOf(grid.layers.reduce((value, layer) => layer(value), x)))
  const plane = neuralGrid({ height: 3, width: 4, layers: 2 })
  assert.deepEqual(plane(zeros([2, 3, 4])).shape, [2, 3, 4])
})

test("a grid's weights begin Xavier uniform in ±1 (fans 3 and 3), its biases at 0", async () => {
  const [w, c] = await Promise.all(
    neuralGrid(4000)
      .parameters()
      .map((parameter) => parameter.data()),
  )
  assert(Math.max(...w) <= 1 && Math.max(...w) > 0.99, `the largest weight is ${Math.max(...w)}`)
  assert(Math.min(...w) >= -1 && Math.min(...w) < -0.99)
  assert(c.every((value) => value === 0))
})

test('a grid takes inputs of its own size', () => {
  assert.throws(() => neuralGrid(6)(zeros([2, 5])), {
    code: 'wrong-extent',
    message: 'neuralGrid(6, tanh): the input has shape [2,5]; it must have 6 units on axis 1',
  })
  assert.throws(() => neuralGrid({ height: 3, layers: 0 }), { code: 'bad-option', message: /layers is 0/ })
})
