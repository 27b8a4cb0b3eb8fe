// Matrix products by two vectors of offsets compute what the loops they replace compute.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formula, grad, setDevice, type Tensor, tensor } from '../../src/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'
import { programOf, recipes } from '../support/programs.ts'
import { outputsOf, run, statementsOf } from './run.ts'

setDevice('js')

let drawings = 0
const numbers = (...shape: number[]): Tensor => {
  const stream = drawings++
  const size = shape.reduce((product, extent) => product * extent, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, at) => 2 * uniformAt(9, stream, 0, at) - 1),
    { shape },
  )
}

/** How many contractions there are, once it is sure that they change no result by more than rounding. */
async function contractionsIn(outputs: readonly Tensor[], about: string): Promise<number> {
  const [loops, products] = [outputsOf(outputs, false), outputsOf(outputs, true)]
  const [expected, found] = [await run(loops), await run(products)]
  for (const [at, values] of expected.outputs.entries()) {
    for (const [element, value] of values.entries()) {
      const own = found.outputs[at][element]
      const isClose = Object.is(own, value) || Math.abs(own - value) <= 2e-5 * Math.max(1, Math.abs(value))
      assert.ok(isClose, `${about}, output ${at}, element ${element}: ${own}, and the loops give ${value}`)
    }
  }
  return products.program.kernels.flatMap(({ body }) => statementsOf(body)).filter(({ kind }) => kind === 'contraction')
    .length
}

test('random programs give the same with and without contractions', () =>
  fc.assert(
    fc.asyncProperty(recipes(), async (recipe) => {
      const program = programOf(recipe, 'f32')
      await contractionsIn(
        program.outputs.map(({ tensor }) => tensor),
        program.lines.join('\n'),
      )
    }),
    { numRuns: 40, includeErrorInReport: true },
  ))

test('products in all their forms are contractions', async () => {
  const x = numbers(6, 8)
  const y = numbers(8, 5)
  const b = numbers(3, 6, 8)
  const cases: Record<string, Tensor> = {
    product: x.matmul(y),
    turned: y.T.matmul(x.T),
    'an operand seen through a slice': x.slice(null, [0, 8, 2]).matmul(y.slice([0, 4])),
    'an operand with a bias and an activation': x.add(1).tanh().matmul(y),
    batches: b.matmul(b.transpose(1, 2)),
    'one operand for all batches': b.matmul(y),
    'a result with an epilogue': x.matmul(y).add(y.sum(0)).sigmoid(),
    'two products of the same': x.matmul(y).matmul(y.T),
    'a matrix and its own transpose': x.matmul(x.T),
  }
  for (const [name, result] of Object.entries(cases)) {
    assert.ok((await contractionsIn([result], name)) >= 1, `${name} is a contraction`)
  }
})

test('convolutions of any stride, dilation and padding are contractions, and so are their gradients', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        size: fc.integer({ min: 5, max: 9 }),
        kernel: fc.integer({ min: 1, max: 3 }),
        stride: fc.integer({ min: 1, max: 3 }),
        dilation: fc.integer({ min: 1, max: 2 }),
        padding: fc.integer({ min: 0, max: 2 }),
        channels: fc.integer({ min: 1, max: 3 }),
      }),
      async ({ size, kernel, stride: s, dilation: d, padding: p, channels }) => {
        const x = numbers(4, channels, size, size)
        const w = numbers(4, channels, kernel, kernel)
        const extent = Math.floor((size + 2 * p - d * (kernel - 1) - 1) / s) + 1
        fc.pre(extent >= 2)
        const text = `z[n,k,i<${extent},j<${extent}] = sum(c,u,v) x?[n,c,${s}*i+${d}*u-${p},${s}*j+${d}*v-${p}] * w[k,c,u,v]`
        const z = formula(text)({ x, w } as never)
        const loss = z.square().mean()
        await contractionsIn([z, ...grad(loss, [x, w])], text)
      },
    ),
    { numRuns: 40, includeErrorInReport: true },
  ))

test('a convolution and its gradients by a stride are products, not loops', async () => {
  const x = numbers(4, 3, 12, 12)
  const w = numbers(8, 3, 3, 3)
  const z = formula('z[n,k,i<6,j<6] = sum(c,u,v) x?[n,c,2*i+u-1,2*j+v-1] * w[k,c,u,v]')({ x, w })
  assert.ok((await contractionsIn([z, ...grad(z.square().mean(), [x, w])], 'strided')) >= 3)
})

test('what multiplies no element twice stays a loop', async () => {
  const x = numbers(6, 8)
  for (const result of [x.mul(x).sum(1), x.sum(0), x.mul(2)]) assert.equal(await contractionsIn([result], 'loops'), 0)
})

test('what follows the products of neighbouring positions runs when several of them are done', async () => {
  const [x, dy, moment] = [numbers(8, 3, 6, 6), numbers(8, 4, 5, 5), numbers(4, 5, 5, 3, 2, 2)]
  const gradient = formula('z[o,i,j,c,u,v] = sum(n) x[n,c,i+u,j+v] * dy[n,o,i,j]')({ x, dy })
  const result = gradient.add(moment.mul(0.5))
  assert.equal(await contractionsIn([result], 'a gradient with a moment'), 1)
  const { program } = outputsOf([result], true)
  const scratch = [...program.buffers.values()].filter(({ place }) => place.kind === 'scratch')
  assert.ok(
    scratch.some(({ length }) => length === 4 * 5 * 12),
    'filters of a row of positions',
  )
  const [[{ body }]] = program.kernels.map((kernel) => kernel.body.filter((one) => one.kind === 'loop'))
  assert.deepEqual(
    body.filter(({ kind }) => kind === 'loop').map((one) => one.kind === 'loop' && one.extent),
    [5, 4],
  )
})
