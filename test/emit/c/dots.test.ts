// Products of few columns over many neighbouring summands.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileGraph } from '../../../src/compiler/compile.ts'
import { nativeAbsence, nativeDevice } from '../../../src/device/native/device.ts'
import { emitC } from '../../../src/emit/c/emit.ts'
import { usualCache } from '../../../src/emit/c/tiles.ts'
import { formula, setDevice, setThreads, type Tensor, tensor } from '../../../src/index.ts'
import { uniformAt } from '../../../src/random/threefry.ts'
import { outputsOf, run } from '../../compiler/run.ts'
import { assertSame, runOn } from '../../support/runOn.ts'

setDevice('js')

const numbers = (stream: number, ...shape: number[]): Tensor => {
  const size = shape.reduce((product, extent) => product * extent, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, at) => 2 * uniformAt(13, stream, 0, at) - 1),
    { shape },
  )
}

/** Rows of x times rows of w: with a bias, so that something follows. */
const dense = formula('z[b,i] = c[i] + sum(j) w[i,j] * x[b,j]')
const turned = formula('z[i,b] = sum(j) w[i,j] * x[b,j]')

/** Rows, columns, summands. */
const shapes = [
  [60, 16, 4096],
  [60, 10, 4096],
  [61, 10, 1003],
  [5, 1, 777],
  [101, 3, 512],
  [7, 13, 2050],
] as const

const target = { widths: [16, 4, 1], fused: true, maxThreads: 2, cache: usualCache, bf16: null }

test('a dense layer of few units multiplies and adds in lanes of summands, in either order of its axes', () => {
  for (const layer of [
    dense({ x: numbers(0, 60, 4096), w: numbers(1, 10, 4096), c: numbers(2, 10) }),
    turned({ x: numbers(0, 60, 4096), w: numbers(1, 10, 4096) }),
  ]) {
    const { program } = compileGraph({ outputs: [layer.node], updates: [] }, { contractions: true })
    assert.match(emitC(program, target), /void dots\d+\(/)
  }
})

test('what has its columns next to each other, or many of them, or few summands, does not', () => {
  const others = [
    numbers(0, 60, 4096).matmul(numbers(1, 4096, 10)),
    dense({ x: numbers(0, 60, 4096), w: numbers(1, 64, 4096), c: numbers(2, 64) }),
    dense({ x: numbers(0, 60, 40), w: numbers(1, 10, 40), c: numbers(2, 10) }),
  ]
  for (const other of others) {
    const { program } = compileGraph({ outputs: [other.node], updates: [] }, { contractions: true })
    assert.doesNotMatch(emitC(program, target), /void dots\d+\(/)
  }
})

/** The gradient by its filters of a convolution: an image's positions are a run of summands. */
const filters = formula('z[k,u,v] = sum(n,i,j) x[n,i+u,j+v] * dy[n,k,i,j]')

test('summands that lie next to each other in several runs are summed in lanes, too', {
  skip: nativeAbsence() ?? false,
}, async () => {
  const device = nativeDevice()
  // The last vector of a run is full, or it is not.
  for (const side of [28, 22]) {
    const tensors = [filters({ x: numbers(0, 9, side + 4, side + 4), dy: numbers(1, 9, 16, side, side) })]
    const { program } = outputsOf(tensors, true)
    assert.match(emitC(program, target), /void dots\d+\(/)
    const expected = (await run(outputsOf(tensors))).outputs
    setThreads(1)
    const alone = runOn(device, tensors)
    assertSame(`${side}×${side}`, alone[0], expected[0], 1e-4)
    setThreads(2)
    assert.deepEqual(runOn(device, tensors), alone)
  }
})

test('sums in lanes are what loops give, with the same bits for any number of threads', {
  skip: nativeAbsence() ?? false,
}, async () => {
  const device = nativeDevice()
  for (const [rows, columns, summands] of shapes) {
    const [x, w, c] = [numbers(0, rows, summands), numbers(1, columns, summands), numbers(2, columns)]
    const tensors = [dense({ x, w, c }), turned({ x, w })]
    const expected = (await run(outputsOf(tensors))).outputs
    setThreads(1)
    const alone = runOn(device, tensors)
    for (const [at, values] of expected.entries()) assertSame(`${rows}×${columns}×${summands}`, alone[at], values, 1e-4)
    for (const threads of [2, 3]) {
      setThreads(threads)
      assert.deepEqual(runOn(device, tensors), alone, `${threads} threads`)
    }
  }
})
