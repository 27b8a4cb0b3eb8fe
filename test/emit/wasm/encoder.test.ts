import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wasmFeatures } from '../../../src/device/wasm/features.ts'
import type { FunctionBuilder, FunctionType, WasmModule } from '../../../src/emit/wasm/encoder.ts'
import { wasmModule } from '../../../src/emit/wasm/encoder.ts'
import { EinfoldError } from '../../../src/errors.ts'
import { functionBodies, wabtAssemble, wabtValidate } from './wabtModule.ts'

type Exports = Record<string, (...args: (number | bigint)[]) => number | bigint>

function instantiate(m: WasmModule, imports: WebAssembly.Imports = {}): Exports {
  const bytes = m.encode()
  wabtValidate(bytes)
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports as unknown as Exports
}

/** Runs one function of a module that has one page of memory and nothing else. */
function run(type: FunctionType, write: (f: FunctionBuilder) => void, ...args: (number | bigint)[]): number | bigint {
  const m = wasmModule({ check: true })
  m.memory({ minimumPages: 1 })
  const f = m.func('run', type)
  write(f)
  m.export('run', f)
  return instantiate(m).run(...args)
}

/** The body our builder writes is the one wabt assembles from the text. */
function expectBody(type: FunctionType, write: (f: FunctionBuilder) => void, text: string): void {
  const m = wasmModule({ check: true })
  m.memory({ minimumPages: 1 })
  write(m.func('f', type))
  const { params = [], results = [] } = type
  const source = `(module (memory 1) (func (param ${params.join(' ')}) (result ${results.join(' ')}) ${text}))`
  assert.deepEqual(functionBodies(m.encode()), functionBodies(wabtAssemble(source)), text)
}

const i32 = { results: ['i32'] } as const

test('constants have the bytes wabt gives them', () => {
  const ints = [0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, -8192, -8193, 2 ** 31 - 1, -(2 ** 31)]
  for (const n of ints) expectBody(i32, (f) => f.i32Const(n), `i32.const ${n}`)
  const longs = [...ints.map(BigInt), 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, 123456789012345n]
  for (const n of longs) expectBody({ results: ['i64'] }, (f) => f.i64Const(n), `i64.const ${n}`)
  for (const x of [0, 1.5, -3.25e-20]) expectBody({ results: ['f32'] }, (f) => f.f32Const(x), `f32.const ${x}`)
  expectBody({ results: ['f32'] }, (f) => f.f32Const(Number.NEGATIVE_INFINITY), 'f32.const -inf')
  for (const x of [0, 1.1, -3.25e-200]) expectBody({ results: ['f64'] }, (f) => f.f64Const(x), `f64.const ${x}`)
  const v128 = { results: ['v128'] } as const
  expectBody(v128, (f) => f.v128Const(Float32Array.of(1, 2, 3, -4)), 'v128.const f32x4 1 2 3 -4')
  expectBody(v128, (f) => f.v128Const(Float64Array.of(1.5, -4)), 'v128.const f64x2 1.5 -4')
  expectBody(v128, (f) => f.v128Const(Int32Array.of(1, -2, 3, 4)), 'v128.const i32x4 1 -2 3 4')
  expectBody(v128, (f) => f.v128Const(new Uint8Array(16).fill(7)), `v128.const i8x16${' 7'.repeat(16)}`)
})

test('control, variables, shuffles and bulk memory have the bytes wabt gives them', () => {
  const one = { params: ['i32'], results: ['i32'] } as const
  expectBody(
    one,
    (f) => f.get(f.params[0]).tee(f.params[0]).set(f.params[0]).get(f.params[0]),
    'local.get 0 local.tee 0 local.set 0 local.get 0',
  )
  expectBody(
    one,
    (f) => f.block((out) => f.get(f.params[0]).brIf(out).br(out)).i32Const(1),
    '(block local.get 0 br_if 0 br 0) i32.const 1',
  )
  expectBody(
    one,
    (f) => f.block((out) => f.loop((next) => f.get(f.params[0]).brIf(next).br(out))).i32Const(1),
    '(block (loop local.get 0 br_if 0 br 1)) i32.const 1',
  )
  expectBody(
    one,
    (f) =>
      f.get(f.params[0]).if(
        i32,
        () => f.i32Const(1),
        () => f.i32Const(2),
      ),
    'local.get 0 if (result i32) i32.const 1 else i32.const 2 end',
  )
  expectBody(
    one,
    (f) =>
      f
        .get(f.params[0])
        .if(() => f.i32Const(3).return())
        .i32Const(4),
    'local.get 0 if i32.const 3 return end i32.const 4',
  )
  expectBody(
    one,
    (f) => f.get(f.params[0]).block({ params: ['i32'], results: ['i32'] }, () => f.op('i32.eqz')),
    'local.get 0 block (param i32) (result i32) i32.eqz end',
  )
  expectBody(
    one,
    (f) => f.block((b) => f.block((a) => f.get(f.params[0]).brTable([a, b, a], b))).unreachable(),
    '(block (block local.get 0 br_table 0 1 0 1)) unreachable',
  )
  expectBody(
    one,
    (f) => f.i32Const(1).i32Const(2).get(f.params[0]).select().i32Const(9).drop(),
    'i32.const 1 i32.const 2 local.get 0 select i32.const 9 drop',
  )
  expectBody(i32, (f) => f.i32Const(1).memoryGrow().drop().memorySize(), 'i32.const 1 memory.grow drop memory.size')
  const three = (f: FunctionBuilder) => f.i32Const(0).i32Const(1).i32Const(2)
  expectBody({}, (f) => three(f).memoryFill(), 'i32.const 0 i32.const 1 i32.const 2 memory.fill')
  expectBody({}, (f) => three(f).memoryCopy(), 'i32.const 0 i32.const 1 i32.const 2 memory.copy')
  expectBody({}, (f) => f.atomicFence(), 'atomic.fence')
  const two = { params: ['v128', 'v128'], results: ['v128'] } as const
  const gets = (f: FunctionBuilder) => f.get(f.params[0]).get(f.params[1])
  const bytes = [0, 17, 2, 19, 4, 21, 6, 23, 8, 25, 10, 27, 12, 29, 14, 31]
  expectBody(two, (f) => gets(f).shuffle(bytes), `local.get 0 local.get 1 i8x16.shuffle ${bytes.join(' ')}`)
  expectBody(
    two,
    (f) => gets(f).shuffle32([0, 4, 3, 7]),
    'local.get 0 local.get 1 i8x16.shuffle 0 1 2 3 16 17 18 19 12 13 14 15 28 29 30 31',
  )
  expectBody(
    {},
    (f) => {
      for (const type of ['f32', 'f32', 'v128', 'i32', 'f32'] as const) f.local(type)
    },
    '(local f32 f32 v128 i32 f32)',
  )
})

test('a loop adds up memory', () => {
  const m = wasmModule({ check: true })
  m.importMemory('env', 'memory', { minimumPages: 1 })
  const sum = m.func('sum', { params: ['i32', 'i32'], results: ['f32'] })
  const [from, to] = sum.params
  const total = sum.local('f32')
  sum.loop((next) => {
    sum.get(total).get(from).memory('f32.load').op('f32.add').set(total)
    sum.get(from).i32Const(4).op('i32.add').tee(from).get(to).op('i32.lt_u').brIf(next)
  })
  sum.get(total)
  m.export('sum', sum)
  const memory = new WebAssembly.Memory({ initial: 1 })
  new Float32Array(memory.buffer).set([1, 2, 3, 4.5], 4)
  assert.equal(instantiate(m, { env: { memory } }).sum(16, 32), 10.5)
})

test('functions call imports, each other before they are written, and themselves', () => {
  const m = wasmModule({ check: true })
  const log = m.importFunc('env', 'twice', { params: ['i32'], results: ['i32'] })
  const main = m.func('main', { params: ['i32'], results: ['i32'] })
  const factorial = m.func('factorial', { params: ['i32'], results: ['i32'] })
  main.get(main.params[0]).call(factorial).call(log)
  const [n] = factorial.params
  factorial
    .get(n)
    .op('i32.eqz')
    .if(
      i32,
      () => factorial.i32Const(1),
      () => factorial.get(n).get(n).i32Const(1).op('i32.sub').call(factorial).op('i32.mul'),
    )
  m.export('main', main)
  assert.equal(instantiate(m, { env: { twice: (x: number) => 2 * x } }).main(5), 240)
})

test('globals, active and passive data, and bulk copies work', () => {
  const m = wasmModule({ check: true })
  const memory = m.memory({ minimumPages: 1, maximumPages: 3 })
  m.export('memory', memory)
  const counter = m.global('i32', 40, { mutable: true })
  const factor = m.global('f64', 0.5)
  m.data(100, Uint8Array.of(1, 2, 3, 4))
  const later = m.passiveData(Uint8Array.of(9, 8, 7, 6, 5))
  const f = m.func('f', { results: ['f64'] })
  f.getGlobal(counter).i32Const(2).op('i32.add').setGlobal(counter)
  f.i32Const(200).i32Const(1).i32Const(3).memoryInit(later)
  f.i32Const(300).i32Const(100).i32Const(4).memoryCopy()
  f.i32Const(400).i32Const(0x55).i32Const(8).memoryFill()
  f.getGlobal(counter).op('f64.convert_i32_s').getGlobal(factor).op('f64.mul')
  m.export('f', f)
  m.export('counter', counter)
  const exports = instantiate(m)
  assert.equal(exports.f(), 21)
  assert.equal((exports.counter as unknown as WebAssembly.Global).value, 42)
  const bytes = new Uint8Array((exports.memory as unknown as WebAssembly.Memory).buffer)
  assert.deepEqual([...bytes.subarray(200, 204)], [8, 7, 6, 0])
  assert.deepEqual([...bytes.subarray(300, 304)], [1, 2, 3, 4])
  assert.deepEqual([...bytes.subarray(400, 408)], Array(8).fill(0x55))
})

test('bytes widen to floats, lanes load and store, vectors compare and blend', () => {
  const widened = run({ results: ['f32'] }, (f) => {
    f.i32Const(8)
      .i32Const(0xc8_07_64_01 | 0)
      .memory('i32.store')
    f.i32Const(8).memory('v128.load32_zero').op('i16x8.extend_low_i8x16_u').op('i32x4.extend_low_i16x8_u')
    f.op('f32x4.convert_i32x4_s').lane('f32x4.extract_lane', 3)
  })
  assert.equal(widened, 0xc8)
  const blended = run({ results: ['f32'] }, (f) => {
    f.i32Const(64)
      .v128Const(Float32Array.of(1, 2, 3, 4))
      .memoryLane('v128.store32_lane', 2, 4)
    const a = f.local('v128')
    f.i32Const(68)
      .memory('v128.load32_splat')
      .tee(a)
      .v128Const(Float32Array.of(10, 20, 30, 40))
    f.get(a)
      .v128Const(Float32Array.of(0, 5, 0, 5))
      .op('f32x4.gt')
      .op('v128.bitselect')
    f.tee(a).lane('f32x4.extract_lane', 0).get(a).lane('f32x4.extract_lane', 1).op('f32.add')
  })
  assert.equal(blended, 23)
})

test('atomics count and compare in shared memory', { skip: !wasmFeatures().threads }, () => {
  const m = wasmModule({ check: true })
  m.importMemory('env', 'memory', { minimumPages: 1, maximumPages: 1, shared: true })
  const f = m.func('f', i32)
  f.i32Const(0).i32Const(5).memory('i32.atomic.rmw.add', 8).drop()
  f.i32Const(0).i32Const(5).i32Const(77).memory('i32.atomic.rmw.cmpxchg', 8).drop()
  f.i32Const(8).i32Const(1).memory('memory.atomic.notify').drop()
  f.atomicFence().i32Const(8).memory('i32.atomic.load')
  m.export('f', f)
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  assert.equal(instantiate(m, { env: { memory } }).f(), 77)
})

test('a function of 100,000 instructions and 1 MB is encoded whole', () => {
  const m = wasmModule()
  const f = m.func('long', { results: ['i32'] })
  const total = f.local('i32')
  for (let i = 0; i < 100_000; i++)
    f.get(total)
      .i32Const(2 ** 30)
      .op('i32.add')
      .set(total)
  f.get(total)
  m.export('long', f)
  const bytes = m.encode()
  assert.ok(bytes.length > 1_000_000)
  const { long } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
  assert.equal((long as () => number)(), (100_000 * 2 ** 30) | 0)
})

test('function names reach the stack trace', () => {
  const m = wasmModule()
  const f = m.func('train step', {}).unreachable()
  m.export('f', f)
  const { f: fail } = instantiate(m)
  assert.throws(fail, (error: Error) => error.stack!.includes('train step'))
})

/** With the stack check on, writing the function throws, and the message says all the given things. */
function expectStackError(type: FunctionType, write: (f: FunctionBuilder) => void, ...says: string[]): void {
  const m = wasmModule({ check: true })
  m.memory({ minimumPages: 1 })
  const build = () => {
    write(m.func('kernel', type))
    m.encode()
  }
  assert.throws(build, (error: EinfoldError) => {
    assert.ok(error instanceof EinfoldError)
    assert.equal(error.code, 'wasm-stack')
    for (const part of ['kernel', ...says]) assert.ok(error.message.includes(part), `${error.message} lacks ${part}`)
    return true
  })
}

test('the stack check names the function, the instruction and the types', () => {
  expectStackError(
    {},
    (f) => f.i32Const(1).f32Const(2).op('i32.add'),
    'instruction 3 (i32.add)',
    'takes i32',
    '[i32, f32]',
  )
  expectStackError({}, (f) => f.i32Const(1).op('i32.add'), 'i32.add', 'empty')
  expectStackError({}, (f) => f.i32Const(1), 'end', 'leaves [i32]')
  expectStackError({ results: ['f32'] }, (f) => f.i32Const(1), 'end', 'takes f32')
  expectStackError({ results: ['f32'] }, (f) => f.f64Const(1).return(), 'return', 'takes f32')
  expectStackError({}, (f) => f.i32Const(1).block(() => f.drop()), 'drop', 'empty')
  expectStackError(
    i32,
    (f) =>
      f.i32Const(1).if(
        i32,
        () => f.i32Const(1),
        () => f.f32Const(1),
      ),
    'end',
    'takes i32',
  )
  expectStackError({}, (f) => f.i32Const(1).f32Const(1).i32Const(0).select().drop(), 'select', 'takes f32')
  expectStackError({}, (f) => f.set(f.local('v128')), 'local.set', 'v128')
  expectStackError({}, (f) => f.block(i32, (out) => f.br(out)), 'br', 'takes i32')
  expectStackError({}, (f) => f.i32Const(1).memory('f32.store'), 'f32.store', 'takes f32')
})

test('code after a branch may pop what it likes, and must still be well typed', () => {
  const m = wasmModule({ check: true })
  const f = m.func('f', { params: ['i32'], results: ['i32'] })
  f.block(i32, (out) => f.get(f.params[0]).br(out).op('i32.add').select().drop().i32Const(1))
  f.return().drop().unreachable()
  assert.ok(WebAssembly.validate(m.encode()))
  expectStackError({}, (g) => g.unreachable().f32Const(1).op('i32.eqz'), 'i32.eqz', 'takes i32')
})

test('immediates out of range, labels that are closed, and misplaced parts are refused', () => {
  const expectError = (code: string, write: (f: FunctionBuilder, m: WasmModule) => void): void => {
    const m = wasmModule()
    const f = m.func('f')
    assert.throws(() => write(f, m), { code })
  }
  expectError('wasm-immediate', (f) => f.lane('f32x4.extract_lane', 4))
  expectError('wasm-immediate', (f) => f.memoryLane('v128.load64_lane', 2))
  expectError('wasm-immediate', (f) => f.memory('f32.load', -4))
  expectError('wasm-immediate', (f) => f.memory('f32.load', 0, 8))
  expectError('wasm-immediate', (f) => f.memory('f32.load', 0, 3))
  expectError('wasm-immediate', (f) => f.memory('i32.atomic.load', 0, 2))
  expectError('wasm-immediate', (f) => f.shuffle([1, 2, 3]))
  expectError('wasm-immediate', (f) => f.shuffle(Array(16).fill(32)))
  expectError('wasm-immediate', (f) => f.v128Const(Float32Array.of(1)))
  expectError('wasm-label', (f) => {
    let kept: Parameters<FunctionBuilder['br']>[0] | undefined
    f.block((label) => {
      kept = label
    })
    f.br(kept!)
  })
  expectError('wasm-module', (_, m) => m.importFunc('env', 'late', {}))
  expectError('wasm-module', (_, m) => m.memory({ minimumPages: 1, shared: true }))
  expectError('wasm-module', (_, m) => {
    m.memory({ minimumPages: 1 })
    m.memory({ minimumPages: 1 })
  })
})
