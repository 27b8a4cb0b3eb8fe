// Products that sum over the rows of both operands, as gradients of weights do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileGraph } from '../../../src/compiler/compile.ts'
import { nativeAbsence, nativeDevice } from '../../../src/device/native/device.ts'
import { emitC } from '../../../src/emit/c/emit.ts'
import { usualCache } from '../../../src/emit/c/tiles.ts'
import { setDevice, setThreads, type Tensor, tensor } from '../../../src/index.ts'
import { uniformAt } from '../../../src/random/threefry.ts'
import { outputsOf, run } from '../../compiler/run.ts'
import { assertSame, runOn } from '../../support/runOn.ts'

setDevice('js')

const numbers = (stream: number, ...shape: number[]): Tensor => {
  const size = shape.reduce((product, extent) => product * extent, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, at) => 2 * uniformAt(19, stream, 0, at) - 1),
    { shape },
  )
}

const product = (rows: number, columns: number, summands: number): Tensor =>
  numbers(0, summands, rows)
    .transpose(0, 1)
    .matmul(numbers(1, summands, columns))

const target = { widths: [16, 4, 1], fused: true, maxThreads: 2, cache: usualCache, bf16: null }

const textOf = (result: Tensor): string =>
  emitC(compileGraph({ outputs: [result.node], updates: [] }, { contractions: true }).program, target)

test('large ones ask for the columns of the next tile, and pack with the first', () => {
  assert.match(textOf(product(301, 269, 1001)), /askingTile\d+\(stage/)
  assert.match(textOf(product(301, 269, 1001)), /packingTile\d+\(stage/)
})

test('rows that are read where they lie, column by column, are asked for too', () => {
  assert.match(textOf(product(784, 64, 1000)), /askingTile\d+\(a/)
})

test('where all rows stay near, panels come from memory once, and all tiles but the first ask for the next one', () => {
  const text = textOf(product(64, 784, 1000))
  // 64 rows are five tiles; the two lines of a panel's row are asked for by one tile each.
  assert.match(text, /p \+ 1 < pTo && i \+ 26 >= iTo/)
  assert.equal(text.match(/__builtin_prefetch\(ahead/g)?.length, 1)
  assert.match(text, /for \(int p = pFrom; p < pTo; p\+\+\) \{\n.*\n *for \(int i = iFrom/)
  // 20 rows are two tiles, of which one asks for both lines.
  assert.equal(textOf(product(20, 800, 1000)).match(/__builtin_prefetch\(ahead/g)?.length, 2)
})

test('small ones, whose operands are near anyway, do neither', () => {
  assert.doesNotMatch(textOf(product(50, 128, 200)), /askingTile|packingTile/)
})

test('they are what loops give, with the same bits for any number of threads', {
  skip: nativeAbsence() ?? false,
}, async () => {
  for (const [rows, columns, summands] of [
    [301, 269, 1001],
    [270, 67, 1000],
    [28, 512, 600],
    [784, 64, 1000],
    [64, 784, 1000],
    [16, 790, 1001],
    [20, 810, 1001],
    [100, 2050, 200],
  ] as const) {
    const outputs = [product(rows, columns, summands)]
    const [expected] = (await run(outputsOf(outputs))).outputs
    const [one, two] = [1, 2].map((threads) => {
      setThreads(threads)
      return runOn(nativeDevice(), outputs)[0]
    })
    assertSame(`${rows}×${columns}`, one, expected, 1e-4)
    assert.deepEqual(two, one)
  }
})
