import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  convolution,
  convolutionWeights,
  dense,
  locallyConnected,
  offsets,
} from '../../../bench/kernels/productShapes.ts'
import { type ProductOptions, type ProductShape, productModule } from '../../support/productModule.ts'
import { wabtValidate } from './wabtModule.ts'

/** The product by definition, in doubles, and the sum of the magnitudes of each element's terms. */
function reference({ m, n, k, ...at }: ProductShape, a: Float32Array, b: Float32Array) {
  const sums = new Map<number, { value: number; magnitude: number }>()
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      let [value, magnitude] = [0, 0]
      for (let step = 0; step < k; step++) {
        const term = a[at.aRows[row] + at.aColumns[step]] * b[at.bRows[step] + at.bColumns[column]]
        value += term
        magnitude += Math.abs(term)
      }
      sums.set(at.cRows[row] + at.cColumns[column], { value, magnitude })
    }
  }
  return sums
}

function fill(values: Float32Array, seed: number): void {
  let state = seed
  values.forEach((_, at) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    values[at] = state / 2 ** 31 - 1
  })
}

const untouched = -12345

function expectProduct(shape: ProductShape, options: ProductOptions = {}, seed = 1): void {
  const product = productModule(shape, { ...options, check: true })
  wabtValidate(product.bytes)
  fill(product.a, seed)
  fill(product.b, seed + 1)
  product.c.fill(untouched)
  product.pack()
  product.run()
  const wanted = reference(shape, product.a, product.b)
  for (let at = 0; at < product.c.length; at++) {
    const sum = wanted.get(at)
    if (!sum) assert.equal(product.c[at], untouched, `element ${at} is not of the product`)
    else {
      const error = Math.abs(product.c[at] - sum.value)
      assert.ok(error <= sum.magnitude * shape.k * 2 ** -24, `element ${at}: ${product.c[at]}, not ${sum.value}`)
    }
  }
  const once = product.c.slice()
  product.c.fill(untouched)
  const cut = seed % (product.units + 1)
  product.run(cut, product.units)
  product.run(0, cut)
  assert.deepEqual(product.c, once, `the same bits in two parts, at ${cut} of ${product.units}`)
}

const small = {
  m: [1, 2, 3, 4, 5, 6, 7, 12, 13, 19],
  n: [1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 17, 30],
  k: [1, 2, 3, 4, 7, 27],
}

test('small products of all sizes around the tiles agree with the definition', () => {
  for (const m of small.m) for (const n of small.n) expectProduct(dense(m, n, small.k[(m + n) % small.k.length]))
})

test('operands may lie either way round', () => {
  for (const way of ['', 'a', 'b', 'ab']) {
    expectProduct(dense(50, 70, 33, way), { overrides: { aReading: 'pack', bReading: 'pack' } })
    expectProduct(dense(13, 21, 33, way))
  }
})

test('long sums are made in blocks, by every way of reading', () => {
  for (const aReading of ['pack', 'direct'] as const) {
    for (const bReading of ['pack', 'packAll', 'direct'] as const) {
      expectProduct(dense(20, 37, 900), { overrides: { aReading, bReading } })
      expectProduct(dense(20, 37, 75), { overrides: { aReading, bReading, kBlock: 32, aElements: 200 } })
    }
  }
})

const layer = { images: 2, channels: 3, filters: 5, size: 7, kernel: 3 }

test('overlapping windows are matrices as they lie', () => {
  for (const size of [4, 6, 7, 8, 12, 30]) {
    expectProduct(convolution({ ...layer, size }))
    expectProduct(convolutionWeights({ ...layer, size }))
    expectProduct(convolution({ ...layer, filters: 40, size }), { overrides: { bReading: 'pack' } })
  }
  expectProduct(convolutionWeights({ ...layer, size: 28 }))
})

test('results that do not lie next to each other are spread', () => {
  expectProduct(locallyConnected({ ...layer, images: 9 }))
  const shape = dense(20, 30, 300)
  const cColumns = offsets([10, 7], [3, 2])
  expectProduct({ ...shape, cRows: offsets([20, 100]), cColumns })
  expectProduct({ ...shape, cRows: offsets([4, 500], [5, 100]), cColumns }, { overrides: { kBlock: 64 } })
})

test('operands packed beforehand give the same bits as operands packed on the way', () => {
  const shapes = [dense(50, 70, 300), convolution({ ...layer, filters: 20, size: 10 }), dense(3, 200, 40, 'b')]
  for (const shape of shapes) {
    const results = [{}, { packA: true }, { packB: true }, { packA: true, packB: true }].map((options) => {
      expectProduct(shape, options)
      const product = productModule(shape, options)
      fill(product.a, 5)
      fill(product.b, 6)
      product.pack()
      product.run()
      return product.c
    })
    for (const result of results) assert.deepEqual(result, results[0])
  }
})

test('products of random shapes and offsets agree with the definition, fused or not, packed or not, whole or in parts', () => {
  const axes = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 12 })), {
    minLength: 1,
    maxLength: 3,
  })
  const table = axes.map((list) => offsets(...list))
  /** Offsets of which no two are the same: those of a result. */
  const separate = (rows: number, columns: number, order: number, gap: number) => {
    const ranges = order === 0 ? [rows, columns + gap, 1] : [columns, 1, rows + gap]
    return { cRows: offsets([rows, ranges[1]]), cColumns: offsets([columns, ranges[2]]) }
  }
  const reading = <T>(...readings: T[]) => fc.option(fc.constantFrom(...readings), { nil: undefined })
  fc.assert(
    fc.property(
      fc.record({ aRows: table, bColumns: table, steps: axes, moved: axes, order: fc.nat(1), gap: fc.nat(3) }),
      fc.record({
        fma: fc.boolean(),
        packA: fc.boolean(),
        packB: fc.boolean(),
        aReading: reading('pack' as const, 'direct' as const),
        bReading: reading('pack' as const, 'packAll' as const, 'direct' as const),
        aElements: reading(1, 100),
        bColumns: reading(8),
      }),
      fc.nat(1000),
      ({ aRows, bColumns, steps, moved, order, gap }, { fma, packA, packB, ...choices }, seed) => {
        const aColumns = offsets(...steps)
        const extents = steps.map(([extent], axis) => [extent, moved[axis % moved.length][1]] as const)
        const bRows = offsets(...extents)
        const shape = {
          m: aRows.length, n: bColumns.length, k: aColumns.length, aRows, aColumns, bRows, bColumns,
          ...separate(aRows.length, bColumns.length, order, gap),
        } // biome-ignore format: a table
        if (shape.m * shape.n * shape.k > 200000) return
        const overrides = Object.fromEntries(Object.entries(choices).filter(([, choice]) => choice !== undefined))
        expectProduct(shape, { fma, packA, packB, overrides }, seed)
      },
    ),
    { numRuns: 150 },
  )
})
