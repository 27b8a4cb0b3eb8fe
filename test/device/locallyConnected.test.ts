// Locally connected layers and their gradients on all devices: their tensors have another axis last in memory there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeviceName } from '../../src/device/device.ts'
import { nativeAbsence } from '../../src/device/native/device.ts'
import type { TypedArray } from '../../src/dtype.ts'
import { compile, grad, setDevice, setThreads } from '../../src/index.ts'
import {
  batchNorm,
  conv2d,
  dropout2d,
  flatten,
  type Layer,
  linear,
  locallyConnected,
  maxPool2d,
  relu,
  sequential,
} from '../../src/nn/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { numbersFrom } from '../support/manyForms.ts'
import { assertSame } from '../support/runOn.ts'

interface Case {
  readonly batch: number
  readonly channels: number
  readonly make: () => Layer
}

const cases: Readonly<Record<string, Case>> = {
  'a network with norms, pooling and dropout': {
    batch: 16,
    channels: 3,
    make: () =>
      sequential(
        ...[locallyConnected(3, [10, 10], 6, 3), batchNorm(6), relu(), locallyConnected(6, [8, 8], 8, 3), relu()],
        ...[maxPool2d(2), dropout2d(0.25), locallyConnected(8, [3, 3], 12, 2), relu(), flatten(), linear(48, 5)],
      ),
  },
  'a layer of strides between convolutions': {
    batch: 9,
    channels: 2,
    make: () =>
      sequential(conv2d(2, 4, 3), relu(), locallyConnected(4, [8, 8], 5, 2, { stride: 2 }), relu(), conv2d(5, 3, 3)),
  },
  'two layers of few samples': {
    batch: 2,
    channels: 4,
    make: () => sequential(locallyConnected(4, [10, 10], 7, [1, 3]), locallyConnected(7, [10, 8], 4, [2, 3])),
  },
}

/** A layer's outputs, and the gradients of a loss by its input and all parameters. */
async function resultsOf({ batch, channels, make }: Case, device: DeviceName, threads: number): Promise<TypedArray[]> {
  setDevice(device)
  setThreads(threads)
  manualSeed(5)
  const numbers = numbersFrom()
  const net = make()
  const x = numbers(batch, channels, 10, 10)
  const step = compile(() => {
    const z = net(x)
    const gradients = grad(z.square().mul(z.add(1)).sum(), [x, ...net.parameters()])
    return Object.fromEntries([z, ...gradients].map((tensor, at) => [String(at), tensor]))
  })
  return Promise.all(Object.values(step()).map(async (tensor) => (await tensor.data()) as TypedArray))
}

for (const [name, one] of Object.entries(cases)) {
  for (const device of ['wasm', 'native'] as const) {
    const skip = device === 'native' && (nativeAbsence() ?? false)
    test(`${name} gives on ${device} what it gives on js, with the same bits for any number of threads`, {
      skip,
    }, async () => {
      const expected = await resultsOf(one, 'js', 1)
      const alone = await resultsOf(one, device, 1)
      for (const [at, values] of expected.entries()) assertSame(`result ${at}`, alone[at], values, 1e-3)
      for (const threads of [2, 3]) assert.deepEqual(await resultsOf(one, device, threads), alone)
    })
  }
}
