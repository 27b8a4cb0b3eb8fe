// Operands that several kernels multiply by are packed once.
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
    Float32Array.from({ length: size }, (_, at) => 2 * uniformAt(17, stream, 0, at) - 1),
    { shape },
  )
}

const target = { widths: [16, 4, 1], fused: true, maxThreads: 2, cache: usualCache, bf16: null }

/** How many products pack what they multiply by, and how many kernels do it for others. */
function packings(tensors: readonly Tensor[]): { readonly own: number; readonly kept: number } {
  const { program } = compileGraph({ outputs: tensors.map(({ node }) => node), updates: [] }, { contractions: true })
  const text = emitC(program, target)
  const called = text.slice(text.indexOf('static void program('))
  const functions = text.slice(0, text.indexOf('static void program(')).split(/\nstatic /)
  const calls = (name: string) => called.split(`${name}(`).length - 1
  const count = (pattern: RegExp) =>
    functions.reduce((sum, body) => {
      const kernel = /\b(kernel\d+)\(/.exec(body)?.[1]
      return kernel && pattern.test(body) ? sum + calls(kernel) : sum
    }, 0)
  return { own: count(/product\d+\([^;]*NULL/), kept: count(/\bpack\d+\(/) }
}

/** A recurrence of so many steps: tanh of a product by the same weights. */
function recurrence(steps: number, units = 52): { readonly last: Tensor; readonly weight: Tensor } {
  const weight = numbers(1, units, units)
  let state = numbers(0, 20, units)
  for (let step = 0; step < steps; step++) state = state.matmul(weight).tanh()
  return { last: state, weight }
}

test('the weights of a recurrence are packed by its first step', () => {
  assert.deepEqual(packings([recurrence(4).last]), { own: 0, kept: 1 })
})

test('what one product alone multiplies by is packed as it comes', () => {
  assert.deepEqual(packings([recurrence(1).last]), { own: 1, kept: 0 })
})

test('products of many rows, for which packing is little, pack for themselves', () => {
  const weight = numbers(1, 52, 52)
  const [x, y] = [numbers(2, 800, 52), numbers(3, 800, 52)]
  assert.deepEqual(packings([x.matmul(weight), y.matmul(weight)]), { own: 2, kept: 0 })
})

test('operands that are too large together are not all kept', () => {
  const weights = [1, 2, 3].map((stream) => numbers(stream, 1024, 1024))
  const [x, y] = [numbers(4, 20, 1024), numbers(5, 20, 1024)]
  assert.deepEqual(packings(weights.flatMap((weight) => [x.matmul(weight), y.matmul(weight)])), { own: 2, kept: 2 })
})

test('results with kept operands are those of loops, for any number of threads', {
  skip: nativeAbsence() ?? false,
}, async () => {
  const { last, weight } = recurrence(5, 72)
  const outputs = [last.sum(), last, weight.matmul(last.transpose(0, 1))]
  const expected = (await run(outputsOf(outputs))).outputs
  const found = [1, 2].map((threads) => {
    setThreads(threads)
    return runOn(nativeDevice(), outputs)
  })
  for (const [at, values] of expected.entries()) {
    assertSame(`output ${at}`, found[0][at], values, 1e-4)
    assert.deepEqual(found[1][at], found[0][at])
  }
})
