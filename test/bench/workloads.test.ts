import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workloads } from '../../bench/workloads/index.ts'
import { random, setDevice } from '../../src/index.ts'

setDevice('js')

/** The workloads that the tables of docs/benchmarks.md have. */
const promised = [
  ...['mnist-mlp', 'mnist-autoencoder', 'fashion-conv', 'cifar-conv', 'cifar-spatial'],
  ...['grid-128-b64', 'grid-128-b256', 'grid-512-b64', 'attention', 'lstm'],
  ...['matmul-64', 'matmul-512', 'matmul-1024', 'matmul-2048', 'matmul-skinny'],
  ...['conv3x3', 'conv3x3-backward', 'tanh-chain', 'softmax', 'adam'],
]

test('there is every workload that was promised, once', () => {
  assert.deepEqual(
    workloads.map(({ name }) => name),
    promised,
  )
})

for (const workload of workloads) {
  test(`${workload.name} makes a step on tiny tensors, always the same`, async () => {
    const losses: number[] = []
    for (let time = 0; time < 2; time++) {
      random.manualSeed(1)
      const { step, programs } = workload.prepare('smoke')
      losses.push(await step().item())
      await step().item()
      assert.equal(programs.length, 1, 'the second step needs no new program')
    }
    assert.ok(Number.isFinite(losses[0]), `the loss is ${losses[0]}`)
    assert.equal(losses[0], losses[1])
  })
}

const trained = ['mnist-mlp', 'mnist-autoencoder', 'fashion-conv', 'grid-128-b64', 'attention', 'lstm']

for (const name of trained) {
  test(`${name} learns: its loss falls over ten steps`, async () => {
    random.manualSeed(1)
    const { step } = workloads.find((workload) => workload.name === name)!.prepare('smoke')
    const before = await step().item()
    for (let count = 0; count < 8; count++) step()
    const after = await step().item()
    assert.ok(after < before, `${before} became ${after}`)
  })
}
