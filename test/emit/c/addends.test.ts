// Biases and the like, added by the tiles of a product: what becomes one statement, and that results stay the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileGraph } from '../../../src/compiler/compile.ts'
import { eachStatement } from '../../../src/compiler/tidy.ts'
import { nativeAbsence, nativeDevice } from '../../../src/device/native/device.ts'
import { addInProducts } from '../../../src/emit/c/addends.ts'
import { formula, setDevice, setThreads, type Tensor, tensor } from '../../../src/index.ts'
import { uniformAt } from '../../../src/random/threefry.ts'
import { outputsOf, run } from '../../compiler/run.ts'
import { assertSame, runOn } from '../../support/runOn.ts'

setDevice('js')

const numbers = (stream: number, ...shape: number[]): Tensor => {
  const size = shape.reduce((all, extent) => all * extent, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, at) => 2 * uniformAt(29, stream, 0, at) - 1),
    { shape },
  )
}

/** How many products add something, and how many loops there are besides. */
function counts(...results: Tensor[]): { readonly adding: number; readonly loops: number } {
  const outputs = results.map(({ node }) => node)
  const { program } = compileGraph({ outputs, updates: [] }, { contractions: true })
  let [adding, loops] = [0, 0]
  for (const { body } of addInProducts(program))
    eachStatement(body, (statement) => {
      if (statement.kind === 'contraction' && statement.plus) adding++
      if (statement.kind === 'loop' && statement.mode === 'lanes') loops++
    })
  return { adding, loops }
}

const byColumn = formula('z[n,r] = sum(j) x[n,j] * w[r,j] + c[r]')
const byRow = formula('z[r,n] = sum(j) w[r,j] * x[n,j] + c[r]')
const toAll = formula('z[n,r] = y[n,r] + sum(j) x[n,j] * w[r,j]')
const turned = formula('z[n,r] = sum(j) x[n,j] * w[r,j] + y[r,n]')
const scaled = formula('z[n,r] = sum(j) x[n,j] * w[r,j] + 2 * c[r]')

const operands = (n: number, r: number, j: number) => ({ x: numbers(0, n, j), w: numbers(1, r, j) })

test('a bias, and any other matrix, is added by the product', () => {
  const { x, w } = operands(100, 70, 40)
  assert.deepEqual(counts(byColumn({ x, w, c: numbers(2, 70) })), { adding: 1, loops: 0 })
  assert.deepEqual(counts(byRow({ x, w, c: numbers(2, 70) })), { adding: 1, loops: 0 })
  assert.deepEqual(counts(toAll({ x, w, y: numbers(2, 100, 70) })), { adding: 1, loops: 0 })
})

test('what is more than a sum, lies the other way round, or is needed without what is added stays as it is', () => {
  const { x, w } = operands(100, 70, 40)
  const product = formula('z[n,r] = sum(j) x[n,j] * w[r,j]')({ x, w })
  const sum = formula('z[n,r] = p[n,r] + c[r]')({ p: product, c: numbers(2, 70) })
  for (const results of [
    [scaled({ x, w, c: numbers(2, 70) })],
    [turned({ x, w, y: numbers(2, 70, 100) })],
    [product, sum],
  ])
    assert.equal(counts(...results).adding, 0)
})

/** Rows, columns and summands: chunks, last tiles, masked columns, several blocks of the sum, and few columns (dot products). */
const shapes = [
  [100, 70, 40],
  [1024, 192, 64],
  [37, 33, 3000],
  [300, 10, 784],
  [5, 3, 2],
] as const

test('products that add are what loops give, with the same bits for any number of threads', {
  skip: nativeAbsence() ?? false,
}, async () => {
  const device = nativeDevice()
  for (const [n, r, j] of shapes) {
    const { x, w } = operands(n, r, j)
    const [c, y, t] = [numbers(2, r), numbers(3, n, r), numbers(4, r, n)]
    const result = [byColumn({ x, w, c }), byRow({ x, w, c }), toAll({ x, w, y }), turned({ x, w, y: t })]
    const expected = (await run(outputsOf(result))).outputs
    setThreads(1)
    const alone = runOn(device, result)
    for (const at of result.keys()) assertSame(`${n}×${r}×${j}, ${at}`, alone[at], expected[at], 1e-4)
    for (const threads of [2, 3]) {
      setThreads(threads)
      assert.deepEqual(runOn(device, result), alone, `${threads} threads`)
    }
  }
})
