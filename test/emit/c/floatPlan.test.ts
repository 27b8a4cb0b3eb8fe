// Products of f32: tiles that read rows as they lie, blocks by the second cache, panels packed as they are read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dense } from '../../../bench/kernels/productShapes.ts'
import { compileGraph } from '../../../src/compiler/compile.ts'
import type { Panel } from '../../../src/compiler/ir.ts'
import { nativeAbsence, nativeDevice } from '../../../src/device/native/device.ts'
import { emitC } from '../../../src/emit/c/emit.ts'
import { floatBlocks, floatTile } from '../../../src/emit/c/floatPlan.ts'
import type { Product } from '../../../src/emit/c/plan.ts'
import { usualCache } from '../../../src/emit/c/tiles.ts'
import { formula, setDevice, setThreads, type Tensor, tensor } from '../../../src/index.ts'
import { uniformAt } from '../../../src/random/threefry.ts'
import { outputsOf, run } from '../../compiler/run.ts'
import { assertSame, runOn } from '../../support/runOn.ts'

setDevice('js')

/** An m × k matrix times a k × n one; `transposed` names operands that lie the other way round. */
function product(m: number, n: number, k: number, transposed = ''): Product {
  const { aRows, aColumns, bRows, bColumns, cRows, cColumns } = dense(m, n, k, transposed)
  const panel = (rows: Int32Array, columns: Int32Array): Panel =>
    ({ buffer: 'x', base: 0, rows, columns, packed: null }) as unknown as Panel
  return {
    m,
    n,
    k,
    a: panel(aRows, aColumns),
    b: panel(bRows, bColumns),
    c: panel(cRows, cColumns),
    add: false,
    plus: null,
  }
}

test('rows that fall into the same sets of the first cache are read few at a time', () => {
  for (const k of [1024, 2048, 4096]) assert.equal(floatTile(product(1000, 1024, k), 16).rows, 6, `${k} apart`)
  assert.ok(floatTile(product(1000, 16, 784), 16).rows > 6)
  assert.ok(floatTile(product(1000, 16, 512), 16).rows > 6, 'every other one')
})

test('rows that are copied first may lie anywhere', () => {
  assert.ok(floatTile(product(1024, 1024, 1024, 'a'), 16).rows > 6)
})

test('a block of b takes most of the second cache and not more, and blocks are about equal', () => {
  const extent = fc.integer({ min: 1, max: 5000 })
  const width = fc.constantFrom(4, 8, 16)
  const cache = fc.constantFrom(262144, 524288, 1048576, 2097152)
  fc.assert(
    fc.property(extent, extent, width, cache, (n, k, width, cache) => {
      const shape = product(7, n, k)
      const tile = floatTile(shape, width)
      const panel = tile.vectors * width
      const { sums, columns } = floatBlocks(shape, tile, width, cache)
      assert.equal(columns % panel, 0)
      assert.ok(sums % 16 === 0 && columns > 0)
      const numbers = Math.min(sums, k) * columns
      assert.ok(numbers * 4 <= cache || columns === panel, `${sums} × ${columns}`)
      // No block is all but empty: as many of the same size would not do with one less.
      const blocks = Math.ceil(n / columns)
      assert.ok(n > (blocks - 1) * columns && blocks * columns - n < panel * blocks)
    }),
  )
})

const numbers = (stream: number, ...shape: number[]): Tensor => {
  const size = shape.reduce((all, extent) => all * extent, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, at) => 2 * uniformAt(17, stream, 0, at) - 1),
    { shape },
  )
}

const target = { widths: [16, 4, 1], fused: true, maxThreads: 2, cache: usualCache, bf16: null }
const codeOf = (result: Tensor): string =>
  emitC(compileGraph({ outputs: [result.node], updates: [] }, { contractions: true }).program, target)

test('what is large is packed by the tiles that read it first, and the rest before them', () => {
  assert.match(codeOf(numbers(0, 20, 512).matmul(numbers(1, 512, 530))), /packingTile\d+\(a, b, space/)
  assert.doesNotMatch(codeOf(numbers(0, 60, 128).matmul(numbers(1, 128, 530))), /packingTile/)
})

test('so is a part of what is large', () => {
  const mixture = formula('z[b,t,h,d] = sum(u) p[b,h,t,u] * v[b,u,h,d]')
  const code = (batch: number) => codeOf(mixture({ p: numbers(0, batch, 8, 64, 64), v: numbers(1, batch, 64, 8, 32) }))
  assert.match(code(16), /packingTile\d+\(a, b, space/)
  assert.doesNotMatch(code(8), /packingTile/)
})

test('what only one tile of rows meets is read as it lies', () => {
  const few = codeOf(numbers(0, 6, 128).matmul(numbers(1, 128, 530)))
  assert.match(few, /packingTile/)
  assert.doesNotMatch(few, /storef_16\(out/)
})

test('what lies about as it would be packed is read where it lies, for any number of rows', () => {
  const packs = (columns: number): boolean =>
    / pack\d+\(/.test(codeOf(numbers(0, 100, 80).matmul(numbers(1, 80, columns))))
  assert.deepEqual([32, 64, 40, 256].map(packs), [false, false, true, true])
})

test('products in a loop ask beforehand for what the cache cannot hold', () => {
  const batch = formula('z[b,i,j] = sum(k) x[b,i,k] * y[b,k,j]')
  const asks = (count: number): readonly string[] | null =>
    codeOf(batch({ x: numbers(0, count, 40, 64), y: numbers(1, count, 64, 32) })).match(/__builtin_prefetch\((a0|c)/g)
  assert.equal(asks(4), null)
  assert.deepEqual(new Set(asks(64)), new Set(['__builtin_prefetch(a0', '__builtin_prefetch(c']))
})

test('columns that do not lie next to each other are packed before', () => {
  const byRows = formula('z[i,j] = sum(k) x[i,k] * y[j,k]')
  assert.doesNotMatch(codeOf(byRows({ x: numbers(0, 300, 512), y: numbers(1, 530, 512) })), /packingTile/)
})

/** Rows, columns, summands: panels that are full or not, one block or several, last tiles of few rows. */
const shapes = [
  [6, 512, 512],
  [100, 64, 80],
  [7, 530, 90],
  [16, 784, 25],
  [20, 530, 512],
  [61, 70, 4000],
  [31, 1300, 1030],
] as const

test('large products are what loops give, with the same bits for any number of threads', {
  skip: nativeAbsence() ?? false,
}, async () => {
  const device = nativeDevice()
  for (const [m, n, k] of shapes) {
    const result = [numbers(0, m, k).matmul(numbers(1, k, n))]
    const expected = (await run(outputsOf(result))).outputs
    setThreads(1)
    const alone = runOn(device, result)
    assertSame(`${m}×${n}×${k}`, alone[0], expected[0], 1e-4)
    for (const threads of [2, 3]) {
      setThreads(threads)
      assert.deepEqual(runOn(device, result), alone, `${threads} threads`)
    }
  }
})

test('results whose columns lie apart are written once where all of the packed operand fits the cache', () => {
  const product = (batch: number): Tensor =>
    numbers(0, batch, 16)
      .transpose(0, 1)
      .matmul(numbers(1, batch, 784))
  assert.match(codeOf(product(1000)), /k0 < 1000; k0 \+= 1000\)/)
  assert.doesNotMatch(codeOf(product(20000)), /k0 \+= 20000\)/)
})
