// Programs large enough that threads share the work.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeviceName } from '../../src/device/device.ts'
import { nativeAbsence } from '../../src/device/native/device.ts'
import { compile, grad, setDevice, setThreads, tensor } from '../../src/index.ts'
import {
  batchNorm,
  conv2d,
  crossEntropy,
  dropout,
  flatten,
  linear,
  maxPool2d,
  relu,
  sequential,
} from '../../src/nn/index.ts'
import { adam } from '../../src/optim/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { manyForms, numbersFrom } from '../support/manyForms.ts'

const skip = nativeAbsence() ?? false

async function results(device: DeviceName, counts: readonly number[]): Promise<Record<string, ArrayLike<number>>[]> {
  setDevice(device)
  const step = compile(manyForms())
  const all: Record<string, ArrayLike<number>>[] = []
  for (const count of counts) {
    setThreads(count)
    const found = Object.entries(step()).map(async ([name, values]) => [name, await values.data()] as const)
    all.push(Object.fromEntries(await Promise.all(found)))
  }
  return all
}

test('work of all kinds gives the same bits for any number of threads, and what the device js gives', {
  skip,
}, async () => {
  const [expected] = await results('js', [1])
  const [one, ...others] = await results('native', [1, 2, 3, 7])
  for (const other of others) assert.deepEqual(other, one)
  for (const [name, values] of Object.entries(expected)) {
    for (let at = 0; at < values.length; at++) {
      const off = Math.abs(one[name][at] - values[at])
      assert.ok(
        off <= 1e-4 * Math.max(1, Math.abs(values[at])),
        `${name}, element ${at}: ${one[name][at]}, not ${values[at]}`,
      )
    }
  }
})

/** The parameters of a small network after a few steps on the same numbers. */
async function trained(threads: number): Promise<unknown> {
  setDevice('native')
  setThreads(threads)
  manualSeed(3)
  const numbers = numbersFrom()
  const net = sequential(
    conv2d(3, 8, 3, { padding: 1 }),
    batchNorm(8),
    relu(),
    maxPool2d(2),
    dropout(0.2),
    flatten(),
    linear(8 * 8 * 8, 10),
  )
  const optimizer = adam({ lr: 1e-2 })
  optimizer.bind(net)
  const x = numbers(32, 3, 16, 16)
  const y = tensor(
    Array.from({ length: 32 }, (_, at) => at % 10),
    { dtype: 'i32' },
  )
  const step = compile(() => {
    const loss = crossEntropy(net(x), y)
    optimizer.update(grad(loss, net.parameters()))
    return loss
  })
  const losses: number[] = []
  for (let turn = 0; turn < 5; turn++) losses.push(await step().item())
  assert.ok(losses[4] < losses[0], `it learns: ${losses}`)
  return { losses, parameters: await Promise.all(net.parameters().map((parameter) => parameter.data())) }
}

test('training gives the same bits with one thread and with two', { skip }, async () => {
  assert.deepEqual(await trained(2), await trained(1))
})
