// Exported WebAssembly modules, loaded by their own JavaScript and compared with the library.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import type { TypedArray } from '../../src/dtype.ts'
import { exportWasm, type Forward, type InputOptions } from '../../src/export/index.ts'
import { type Tensor, tensor } from '../../src/index.ts'
import { batchNorm, conv2d, dropout, flatten, linear, lstm, maxPool2d, relu, sequential } from '../../src/nn/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'

type Predict = (values: ArrayLike<number>) => TypedArray
type Load = (bytes: BufferSource) => Promise<Predict>

async function loaded(forward: Forward, options: InputOptions): Promise<Predict> {
  const { wasm, javascript } = await exportWasm(forward, options)
  return (await importOf(javascript))(wasm)
}

async function importOf(javascript: string): Promise<Load> {
  return ((await import(`data:text/javascript,${encodeURIComponent(javascript)}`)) as { load: Load }).load
}

const numbers = (shape: readonly number[], stream = 0): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => 2 * uniformAt(1, stream, 0, at) - 1),
    { shape },
  )

async function expectSame(forward: Forward, input: readonly number[]): Promise<void> {
  const predict = await loaded(forward, { input })
  for (const stream of [1, 2]) {
    const x = numbers(input, stream)
    const expected = await forward(x).data()
    const found = predict(await x.data())
    assert.equal(found.length, expected.length)
    for (const [at, value] of found.entries()) {
      const close = Math.abs(value - expected[at]) <= 2e-5 * Math.max(1, Math.abs(expected[at]))
      assert.ok(close, `element ${at} is ${value}, and the library gives ${expected[at]}`)
    }
  }
}

test('networks give the same results as modules', async () => {
  const convolutional = sequential(
    conv2d(1, 6, 3, { padding: 1 }),
    batchNorm(6),
    relu(),
    maxPool2d(2),
    dropout(0.5),
    flatten(),
    linear(6 * 16, 10),
  )
  await expectSame(convolutional.eval(), [3, 1, 8, 8])
  const recurrent = lstm(4, 6)
  await expectSame((x) => recurrent(x), [2, 5, 4])
  await expectSame((x) => x.argmax(-1), [7, 9])
  await expectSame((x) => x.matmul(numbers([300, 200], 5)).tanh(), [70, 300])
})

test('inputs of a wrong length are refused', async () => {
  const predict = await loaded(linear(3, 2), { input: [1, 3] })
  assert.throws(() => predict([1, 2]), { name: 'RangeError', message: /takes 3 numbers; it was given 2/ })
  assert.equal(predict([1, 2, 3]).length, 2)
})

test('the JavaScript needs nothing but the language and WebAssembly', async () => {
  const { wasm, javascript } = await exportWasm(linear(3, 2), { input: [1, 3] })
  // A context of its own has neither Node's globals nor a browser's.
  const alone = runInNewContext(`${javascript.replace(/^export /m, '')}; load`) as Load
  const x = [1, 2, 3]
  assert.deepEqual(Array.from((await alone(wasm.buffer))(x)), Array.from((await (await importOf(javascript))(wasm))(x)))
})

test('two loaded networks do not meet', async () => {
  const [one, two] = [await loaded(linear(3, 2), { input: [1, 3] }), await loaded(linear(3, 2), { input: [1, 3] })]
  const first = one([1, 2, 3])
  assert.notDeepEqual(two([1, 2, 3]), first)
  assert.deepEqual(one([1, 2, 3]), first)
})

test('functions of doubles are refused', async () => {
  await assert.rejects(
    exportWasm((x) => x.exp(), { input: [3], dtype: 'f64' }),
    { code: 'export-doubles', message: /exp/ },
  )
})
