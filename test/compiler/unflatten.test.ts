// Products are made in the shape that they are seen under.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formula, grad, setDevice, type Tensor } from '../../src/index.ts'
import { assertSame } from '../support/runOn.ts'
import { numbers, outputsOf, run, statementsOf } from './run.ts'

setDevice('js')

/** The kernels with and without products, once it is sure that the results are those of plain loops. */
async function kernelsOf(tensors: readonly Tensor[]): Promise<{ products: number; others: number }> {
  const compiled = outputsOf(tensors, true)
  const expected = (await run(outputsOf(tensors))).outputs
  const found = (await run(compiled)).outputs
  for (const [at, values] of expected.entries()) assertSame(`output ${at}`, found[at], values, 1e-5)
  const hasProduct = compiled.program.kernels.map(({ body }) =>
    statementsOf(body).some(({ kind }) => kind === 'contraction'),
  )
  const products = hasProduct.filter(Boolean).length
  return { products, others: hasProduct.length - products }
}

test('what follows a product under another shape runs with it', async () => {
  const [x, w] = [numbers(6, 7), numbers(7, 24)]
  const product = x.matmul(w)
  assert.deepEqual(await kernelsOf([product.reshape([6, 2, 3, 4]).tanh()]), { products: 1, others: 0 })
  assert.deepEqual(await kernelsOf([product.reshape([6, 1, 24, 1]).tanh()]), { products: 1, others: 0 })
  assert.deepEqual(await kernelsOf([product.reshape([1, 2, 3, 4, 6]).tanh()]), { products: 1, others: 0 })
})

test('the gradient of images that a dense layer sees as rows is made as images', async () => {
  const [x, w, b] = [numbers(5, 3, 4, 4), numbers(48, 6), numbers(3)]
  const z = formula('z[n,c,i,j] = tanh(x[n,c,i,j] + b[c])')({ x, b })
  const gradient = grad(z.reshape([5, 48]).matmul(w).square().sum(), x)
  assert.deepEqual(await kernelsOf([gradient]), { products: 2, others: 1 })
})

test('a product that is seen in its own shape too, or with axes joined, is made once', async () => {
  const [x, w] = [numbers(6, 7), numbers(7, 24)]
  const product = x.matmul(w)
  assert.equal((await kernelsOf([product, product.reshape([6, 4, 6]).tanh()])).products, 1)
  assert.equal((await kernelsOf([product.reshape([144]).tanh()])).products, 1)
  assert.equal((await kernelsOf([product.reshape([4, 36]).tanh()])).products, 1)
})
