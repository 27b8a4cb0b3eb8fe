// The native device against the interpreter of nodes, and what it refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Buffer, Kernel, Program, Statement, Value } from '../../src/compiler/ir.ts'
import type { Storage } from '../../src/device/device.ts'
import { nativeAbsence, nativeDevice } from '../../src/device/native/device.ts'
import { indexOf } from '../../src/index/index.ts'
import { assertAgreement } from '../support/agreement.ts'

const skip = nativeAbsence() ?? false

test(
  'random programs in f32 give what the interpreter gives, the same bits with one and with two threads',
  {
    skip,
  },
  () => assertAgreement('native', 'f32', 6, { together: 8, threads: [1, 2] }),
)

test(
  'random programs in f64 give what the interpreter gives, the same bits with one and with two threads',
  {
    skip,
  },
  () => assertAgreement('native', 'f64', 4, { together: 8, threads: [1, 2] }),
)

const float3 = (name: string, place: Buffer['place']): [string, Buffer] => [
  name,
  { name, dtype: 'f32', length: 3, place },
]

/** to = 2 from, over three floats. */
const doubles = (from: string, to: string): Kernel => {
  const load: Value = { kind: 'load', type: 'f32', buffer: from, offset: indexOf('i0'), guard: null }
  const two: Value = { kind: 'constant', type: 'f32', value: 2 }
  const value: Value = { kind: 'operation', type: 'f32', op: 'mul', args: [two, load] }
  const store: Statement = { kind: 'store', buffer: to, offset: indexOf('i0'), value, add: false }
  const body: Statement[] = [{ kind: 'loop', index: 'i0', start: 0, extent: 3, mode: 'lanes', body: [store] }]
  return { name: 'doubles', formulas: [`${to} = 2 ${from}`], reads: [from], writes: [to], body }
}

const doubling: Program = {
  buffers: new Map([float3('x0', { kind: 'external' }), float3('y1', { kind: 'external' })]),
  external: ['x0', 'y1'],
  kernels: [doubles('x0', 'y1')],
  arenaBytes: 0,
  unsharedBytes: 0,
}

const refused = (message: RegExp) => ({ name: 'DeviceError', code: 'wrong-buffer', message })

test('buffers of other lengths or dtypes, freed or missing ones are refused before the call', { skip }, () => {
  const device = nativeDevice()
  const run = (...external: Storage[]) => device.load(doubling).run(external)
  const x = device.allocate('f32', 3)
  const y = device.allocate('f32', 3)
  device.write(x, Float32Array.of(1, 2, 3))
  run(x, y)
  assert.deepEqual(device.read(y), Float32Array.of(2, 4, 6))

  assert.throws(() => run(x, device.allocate('f32', 2)), refused(/buffer y1 holds 3 elements of f32.*given 2 of f32/))
  assert.throws(() => run(device.allocate('i32', 3), y), refused(/buffer x0 .*given 3 of i32/))
  assert.throws(() => run(x), refused(/buffer y1 .*given nothing/))
  assert.throws(() => run({ dtype: 'f32', length: 3 }, y), refused(/buffer x0 .*another device/))
  device.free(x)
  assert.throws(() => run(x, y), refused(/buffer x0 .*freed/))
})

test('memory begins at multiples of 64 bytes, for vectors of any width', { skip }, () => {
  const device = nativeDevice()
  const storages = [1, 3, 17, 1000].map((length) => device.allocate('f32', length) as Storage & { address: bigint })
  for (const { address } of storages) assert.equal(address % 64n, 0n)
})

test('programs share one arena, as large as the largest needs it', { skip }, () => {
  const device = nativeDevice()
  const through = (byteOffset: number): Program => ({
    ...doubling,
    buffers: new Map([...doubling.buffers, float3('t2', { kind: 'arena', byteOffset })]),
    kernels: [doubles('x0', 't2'), doubles('t2', 'y1')],
    arenaBytes: byteOffset + 64,
  })
  const x = device.allocate('f32', 3)
  const y = device.allocate('f32', 3)
  device.write(x, Float32Array.of(1, 2, 3))
  const small = device.load(through(0))
  const large = device.load(through(1 << 20))
  for (const program of [small, large, small]) {
    device.write(y, new Float32Array(3))
    program.run([x, y])
    assert.deepEqual(device.read(y), Float32Array.of(4, 8, 12))
  }
})
