import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { compileGraph } from '../../src/compiler/compile.ts'
import type { Device, Executable, Storage } from '../../src/device/device.ts'
import { wasmDevice } from '../../src/device/wasm/device.ts'
import { wasmMemory } from '../../src/device/wasm/memory.ts'
import { threadTeam } from '../../src/device/wasm/team.ts'
import type { MemoryLimits } from '../../src/emit/wasm/encoder.ts'
import { wasmModule } from '../../src/emit/wasm/encoder.ts'
import { type Tensor, tensor } from '../../src/index.ts'

const wave = (...shape: number[]): Tensor => {
  const size = shape.reduce((product, extent) => product * extent, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, at) => Math.sin(at * 1.7) * 3),
    { shape },
  )
}

interface Loaded {
  readonly executable: Executable
  readonly external: readonly Storage[]
  readonly outputs: readonly Storage[]
}

function loadOn(device: Device, tensors: readonly Tensor[]): Loaded {
  const { program, bindings } = compileGraph(
    { outputs: tensors.map(({ node }) => node), updates: [] },
    device.targetOf('highest'),
  )
  const outputs = tensors.map(({ dtype, size }) => device.allocate(dtype, size))
  const external = bindings.map((binding) => {
    if (binding.kind === 'output') return outputs[binding.output]
    assert.ok(binding.node.kind === 'data')
    const host = binding.node.storage!.host!
    const storage = device.allocate(binding.node.dtype, host.length)
    device.write(storage, host)
    return storage
  })
  return { executable: device.load(program), external, outputs }
}

/** Work that is divided in every way: rows, single long rows, pieces with edges, products, and parts one thread does alone. */
function sharedWork(): readonly Tensor[] {
  const image = wave(8, 6, 40, 41)
  const long = wave(100_003)
  const matrix = wave(130, 170)
  const product = matrix.matmul(wave(170, 90))
  const scale = long.sum().tanh()
  const scores = wave(18, 64, 8).matmul(wave(18, 8, 64))
  return [
    long.exp().add(scale),
    image
      .pad([
        [0, 0],
        [0, 0],
        [1, 2],
        [2, 1],
      ])
      .mul(2),
    image.softmax(2),
    image.sum([0, 2, 3]),
    product.tanh(),
    product.softmax(1).sum(0),
    // One loop over the batches, in which a batch's scores and weights are each thread's own.
    scores.softmax(-1).matmul(wave(18, 64, 8)),
    image.argmax(3),
    long.mean(),
  ]
}

test('the same bits come out for every number of threads', async () => {
  const tensors = sharedWork()
  const bits = async (threads: number): Promise<Buffer[]> => {
    const device = wasmDevice({ threads: () => threads })
    const { executable, external, outputs } = loadOn(device, tensors)
    // Workers join when they are ready; the results before are the calling thread's alone.
    for (let run = 0; run < 6; run++) {
      executable.run(external)
      await sleep(run < 5 ? 60 : 0)
    }
    return Promise.all(
      outputs.map(async (output) => {
        const { buffer } = await device.read(output)
        return Buffer.from(buffer)
      }),
    )
  }
  const expected = await bits(1)
  for (const threads of [2, 3]) assert.deepEqual(await bits(threads), expected, `${threads} threads`)
})

/** A program in which thread i adds 1 + i to a word. */
function countingModule(limits: MemoryLimits): WebAssembly.Module {
  const m = wasmModule({ check: true })
  m.importMemory('env', 'memory', limits)
  const f = m.func('run', { params: ['i32', 'i32', 'i32'] })
  const [table, thread] = f.params
  f.get(table).get(thread).i32Const(1).op('i32.add').memory('i32.atomic.rmw.add').drop()
  m.export('run', f)
  return new WebAssembly.Module(m.encode())
}

test('all threads run a program once they have it, and again after their number changed', async () => {
  const space = wasmMemory(true)
  let threads = 2
  const team = threadTeam(space, () => threads)
  const table = space.allocate(4)
  const cells = new Int32Array(space.memory.buffer, table, 1)
  const member = team.join(countingModule(space.limits))
  team.join(countingModule(space.limits))
  const runUntil = async (expected: number): Promise<void> => {
    assert.equal(member.threads(), expected)
    let started = 1
    for (let tries = 0; started === 1 && tries < 1000; tries++) {
      await sleep(5)
      started = member.start(table)
    }
    assert.equal(started, expected)
    // The calling thread would add 1.
    const sum = (expected * (expected + 1)) / 2 - 1
    for (let tries = 0; Atomics.load(cells, 0) !== sum && tries < 1000; tries++) await sleep(5)
    assert.equal(cells[0], sum)
    cells[0] = 0
  }
  await runUntil(2)
  await runUntil(2)
  threads = 3
  await runUntil(3)
  threads = 1
  assert.equal(member.threads(), 1)
  assert.equal(member.start(table), 1)
})

test('small storages stay on the host, are brought in for a run and settle when they are read again and again', () => {
  const device = wasmDevice({ threads: () => 1 })
  const { executable, external, outputs } = loadOn(device, [wave(10).add(1)])
  for (let run = 0; run < 4; run++) {
    for (const storage of external) {
      if (!outputs.includes(storage)) device.write(storage, new Float32Array(10).fill(run))
    }
    executable.run(external)
    assert.deepEqual(device.read(outputs[0]), new Float32Array(10).fill(run + 1))
  }
})

test('memory that is given back is used again, and numbers survive its growth', () => {
  const space = wasmMemory(false)
  const kept = space.storage('f32', 100_000)
  space.view(kept).fill(7)
  const before = space.used
  for (let round = 0; round < 100; round++) {
    const large = space.storage('f64', 1_000_000)
    space.view(large).fill(round)
    assert.equal(space.used, before + 8_000_000)
    space.release(large)
  }
  assert.equal(space.used, before)
  assert.ok(space.memory.buffer.byteLength < 2 ** 25)
  assert.ok(space.view(kept).every((value) => value === 7))
})

test('a loop without a break keeps to its bound: what it makes further is the collector’s', () => {
  const space = wasmMemory(false)
  for (let round = 0; round < 2000; round++) space.storage('f32', 2 ** 18)
  assert.ok(space.memory.buffer.byteLength <= 2 ** 28 * 1.5)
})

test('finalizers free storages that nothing refers to, as soon as a task ends', async () => {
  const space = wasmMemory(false)
  for (let round = 0; round < 600; round++) {
    space.storage('f32', 2 ** 18)
    if (space.pause) await space.pause
  }
  // 600 MB were made; the collector sees their size and runs by itself.
  assert.ok(space.memory.buffer.byteLength < 400 * 2 ** 20, `${space.memory.buffer.byteLength}`)
})

test('more than there is room for is refused with a word on what is in use', () => {
  const space = wasmMemory(false)
  assert.throws(() => space.allocate(5 * 2 ** 30), { code: 'out-of-memory', message: /at most 4294967296/ })
})
