// Recurrent layers and their gradients, of sizes for which parts are made in their places and weights packed once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeviceName } from '../../src/device/device.ts'
import { nativeAbsence } from '../../src/device/native/device.ts'
import type { TypedArray } from '../../src/dtype.ts'
import { compile, grad, setDevice, setThreads } from '../../src/index.ts'
import { gru, type Layer, lstm, rnn } from '../../src/nn/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { numbersFrom } from '../support/manyForms.ts'
import { assertSame } from '../support/runOn.ts'

const [batch, time, features, hidden] = [6, 4, 7, 32]

const layers: Readonly<Record<string, () => Layer>> = {
  'rnn without biases': () => rnn(features, hidden, { bias: false }),
  'lstm of two layers': () => lstm(features, hidden, { layers: 2 }),
  gru: () => gru(features, hidden),
}

/** A layer's outputs, and the gradients of a loss by its input and all parameters. */
async function resultsOf(make: () => Layer, device: DeviceName, threads: number): Promise<readonly TypedArray[]> {
  setDevice(device)
  setThreads(threads)
  manualSeed(7)
  const numbers = numbersFrom()
  const layer = make()
  const [x, weights] = [numbers(batch, time, features), numbers(batch, time, hidden)]
  const step = compile(() => {
    const z = layer(x)
    const gradients = grad(z.square().mul(weights).sum(), [x, ...layer.parameters()])
    return Object.fromEntries([z, ...gradients].map((tensor, at) => [String(at), tensor]))
  })
  return Promise.all(Object.values(step()).map(async (tensor) => (await tensor.data()) as TypedArray))
}

for (const [name, make] of Object.entries(layers)) {
  for (const device of ['wasm', 'native'] as const) {
    const skip = device === 'native' && (nativeAbsence() ?? false)
    test(`${name} on ${device} is what it is on js, with the same bits for two threads`, { skip }, async () => {
      const expected = await resultsOf(make, 'js', 1)
      const one = await resultsOf(make, device, 1)
      for (const [at, values] of expected.entries()) assertSame(`result ${at}`, one[at], values, 1e-4)
      assert.deepEqual(await resultsOf(make, device, 2), one)
    })
  }
}
