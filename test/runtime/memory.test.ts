import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { compile, grad, parameter, type Tensor, tensor } from './support.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Megabytes of the heap and of array buffers, after a collection. */
async function megabytes(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 2 ** 20
}

test('10,000 un-compiled training steps hold memory flat', async () => {
  const w = parameter('w', [1, 2, 3, 4])
  const x = tensor([0.5, -1, 2, 1])
  const step = async (): Promise<void> => {
    const loss = x.mul(w).tanh().sum()
    const gradient = grad(loss, w)
    w.assign(w.sub(gradient.mul(0.001)))
    await w.data()
  }
  for (let warm = 0; warm < 500; warm++) await step()
  const before = await megabytes()
  for (let count = 0; count < 10_000; count++) await step()
  const after = await megabytes()
  assert.ok(after - before < 4, `${before.toFixed(1)} MB before, ${after.toFixed(1)} MB after`)
})

test('10,000 compiled steps in one turn of the event loop hold memory flat', async () => {
  const w = parameter('w', [1, 2, 3, 4])
  const step = compile((x: Tensor) => {
    const loss = x.mul(w).tanh().sum()
    w.assign(w.sub(grad(loss, w).mul(0.001)))
    return {
      loss,
      many: x
        .reshape([4, 1])
        .expand([4, 1000])
        .mul(w.reshape([4, 1])),
    }
  })
  const x = tensor([0.5, -1, 2, 1])
  for (let warm = 0; warm < 500; warm++) step(x)
  const before = await megabytes()
  for (let count = 0; count < 10_000; count++) step(x)
  const after = await megabytes()
  assert.ok(after - before < 4, `${before.toFixed(1)} MB before, ${after.toFixed(1)} MB after`)
})
