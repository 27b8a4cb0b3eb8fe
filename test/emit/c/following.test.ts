// What the loops after a product read and write is asked for while the product multiplies.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileGraph } from '../../../src/compiler/compile.ts'
import { nativeAbsence, nativeDevice } from '../../../src/device/native/device.ts'
import { emitC } from '../../../src/emit/c/emit.ts'
import { usualCache } from '../../../src/emit/c/tiles.ts'
import { inputNode } from '../../../src/graph/build.ts'
import { formula, setDevice, setThreads, Tensor, tensor } from '../../../src/index.ts'
import { uniformAt } from '../../../src/random/threefry.ts'
import { outputsOf, run } from '../../compiler/run.ts'
import { assertSame, runOn } from '../../support/runOn.ts'

setDevice('js')

type Make = (stream: number, ...shape: number[]) => Tensor

const numbers: Make = (stream, ...shape) => {
  const size = shape.reduce((product, extent) => product * extent, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, at) => 2 * uniformAt(23, stream, 0, at) - 1),
    { shape },
  )
}

const input: Make = (position, ...shape) => new Tensor(inputNode(position, shape, 'f32'))

/** A product in parts of its rows, whose results meet another matrix. */
const difference = (make: Make, rows: number, summands: number, columns: number): Tensor =>
  make(0, rows, summands)
    .matmul(make(1, summands, columns))
    .tanh()
    .sub(make(2, rows, columns))

const target = { widths: [16, 4, 1], fused: true, maxThreads: 2, cache: usualCache, bf16: null }

const textOf = (result: Tensor): string =>
  emitC(compileGraph({ outputs: [result.node], updates: [] }, { contractions: true }).program, target)

test('tiles ask for what is read and written after them, as much as a round of the loop needs', () => {
  const text = textOf(difference(input, 1000, 64, 784))
  assert.match(text, /product\d+\(.*, 0, 1, q\d \+ 39200 \* i\d, q\d \+ 39200 \* i\d\);/)
  // 39,200 numbers in 100 tiles of 64 steps.
  assert.match(text, /__builtin_prefetch\(next0\); next0 \+= 7;/)
  assert.match(text, /__builtin_prefetch\(next1, 1\); next1 \+= 7;/)
})

test('what is small is near, and products of few summands are too short to wait for anything', () => {
  assert.doesNotMatch(textOf(difference(input, 500, 64, 500)), /next0/)
  assert.doesNotMatch(textOf(difference(input, 1000, 4, 784)), /next0/)
})

test('what is read with gaps is left to itself', () => {
  const gaps = formula('z[i,j] = y[i,2*j] + sum(k) a[i,k] * b[k,j]')
  assert.doesNotMatch(
    textOf(gaps({ a: input(0, 1000, 64), b: input(1, 64, 784), y: input(2, 1000, 1568) })),
    /__builtin_prefetch\(next0\);/,
  )
})

test('results are those of loops, for any number of threads', { skip: nativeAbsence() ?? false }, async () => {
  const outputs = [difference(numbers, 1000, 30, 300)]
  const [expected] = (await run(outputsOf(outputs))).outputs
  const [one, two] = [1, 2].map((threads) => {
    setThreads(threads)
    return runOn(nativeDevice(), outputs)[0]
  })
  assertSame('a difference', one, expected, 1e-4)
  assert.deepEqual(two, one)
})
