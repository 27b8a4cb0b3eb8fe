// Where every position has a product of its own, samples lie side by side.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formula, grad, setDevice, type Tensor } from '../../src/index.ts'
import {
  batchNorm,
  conv2d,
  flatten,
  linear,
  locallyConnected,
  maxPool2d,
  relu,
  sequential,
} from '../../src/nn/index.ts'
import { assertSame } from '../support/runOn.ts'
import { numbers, outputsOf, run } from './run.ts'

setDevice('js')

/** The formulas of all kernels, once it is sure that the results are those of plain loops. */
async function formulasOf(tensors: readonly Tensor[]): Promise<string[]> {
  const compiled = outputsOf(tensors, true)
  const expected = (await run(outputsOf(tensors))).outputs
  const found = (await run(compiled)).outputs
  for (const [at, values] of expected.entries()) assertSame(`output ${at}`, found[at], values, 2e-4)
  return compiled.program.kernels.flatMap(({ formulas }) => formulas)
}

const own = formula('z[n,o,i,j] = sum(c,u,v) x[n,c,i+u,j+v] * w[o,i,j,c,u,v]')

test('a product for each position has samples last, and so have its images', async () => {
  const formulas = await formulasOf([own({ x: numbers(9, 2, 6, 6), w: numbers(8, 5, 5, 2, 2, 2) }).sum(0)])
  assert.match(formulas[0], /^z\[i1<2,i2<6,i3<6,i0<9\] = x\[i0,i1,i2,i3\]/)
  assert.match(formulas[1], /^z\[o<8,i<5,j<5,n<9\] = sum\(.*\) x\[c,i\+u,j\+v,n\]/)
})

test('what lies between such layers has samples last too, and sums run along them', async () => {
  const net = sequential(
    ...[locallyConnected(2, [9, 9], 8, 2), batchNorm(8), relu(), maxPool2d(2)],
    ...[locallyConnected(8, [4, 4], 9, 3), relu(), flatten(), linear(36, 3)],
  )
  const x = numbers(8, 2, 9, 9)
  const z = net(x)
  const formulas = await formulasOf([z, ...grad(z.square().sum(), [x, ...net.parameters()])])
  assert.ok(formulas.some((text) => /sum\(i<8,j<8,n<8\)/.test(text)))
  assert.ok(formulas.some((text) => /^z\[c<8,i<4,j<4,n<8\] = argmax\(u<2,v<2\) x\[c,2\*i\+u,2\*j\+v,n\]/.test(text)))
  // A dense layer sees rows of samples.
  assert.ok(formulas.some((text) => /^z\[i<8,j<9,k<2,l<2\] = relu\(x\[j,k,l,i\]\)/.test(text)))
})

test('convolutions beside such layers keep their images', async () => {
  const net = sequential(conv2d(2, 4, 3), relu(), locallyConnected(4, [8, 8], 5, 2), relu(), conv2d(5, 3, 3))
  const formulas = await formulasOf([net(numbers(8, 2, 10, 10))])
  assert.ok(formulas.some((text) => /^z\[n<8,k<4,i<8,j<8\] = sum/.test(text)))
  assert.ok(formulas.some((text) => /^z\[o<5,i<7,j<7,n<8\] = sum/.test(text)))
  assert.ok(formulas.some((text) => /^z\[n<8,k<3,i<5,j<5\] = sum/.test(text)))
})

test('few samples, and images that few filters read, stay as they are', async () => {
  const few = own({ x: numbers(4, 2, 6, 6), w: numbers(3, 5, 5, 2, 2, 2) })
  assert.match((await formulasOf([few]))[0], /^z\[n<4,o<3,i<5,j<5\]/)
  const little = own({ x: numbers(9, 2, 6, 6), w: numbers(2, 5, 5, 2, 2, 2) })
  assert.match((await formulasOf([little]))[0], /^z\[n<9,o<2,i<5,j<5\]/)
})

test('batches of products whose columns lie side by side stay as they are', async () => {
  const [q, k] = [numbers(2, 8, 3, 4), numbers(2, 9, 3, 4)]
  const z = formula('z[b,h,i,j] = sum(d) q[b,i,h,d] * k[b,j,h,d]')({ q, k })
  assert.match((await formulasOf([z]))[0], /^z\[b<2,h<3,i<8,j<9\]/)
  assert.equal((await formulasOf([z])).length, 1)
})

test('products in their own order, and what is read in two orders, are right', async () => {
  const [x, w] = [numbers(9, 2, 6, 6), numbers(8, 5, 5, 2, 2, 2)]
  const z = own({ x, w })
  const turned = formula('y[n,o,i,j] = x[n,o,i,j] + x[o,n,j,i]')
  const square = own({ x: numbers(8, 2, 6, 6), w })
  await formulasOf([z, z.relu(), z.reshape([9, 200]).mul(2), z.sum([0]), z.argmax(0)])
  await formulasOf([turned({ x: square })])
})
