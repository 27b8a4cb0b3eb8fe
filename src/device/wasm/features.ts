import { wasmModule } from '../../emit/wasm/encoder.ts'

export interface WasmFeatures {
  /** 128-bit vectors. */
  readonly simd: boolean
  /** Relaxed SIMD whose relaxed_madd rounds once; without a fused multiply-add in hardware the plain form is as fast. */
  readonly relaxedSimd: boolean
  /** Shared memory that this page or process may create, and atomic instructions on it. */
  readonly threads: boolean
}

let known: WasmFeatures | undefined

/**
 * What this engine can run. On Node 20 to 22 the first call turns relaxed SIMD on, so it comes before the first module
 * that uses it is compiled; a worker thread has to call it too.
 */
export function wasmFeatures(): WasmFeatures {
  if (known) return known
  const simd = WebAssembly.validate(simdModule())
  known = {
    simd,
    relaxedSimd: simd && (fusesMultiplyAdd() || (enableRelaxedSimd() && fusesMultiplyAdd())),
    threads: canShareMemory() && WebAssembly.validate(atomicsModule()),
  }
  return known
}

function simdModule(): Uint8Array<ArrayBuffer> {
  const m = wasmModule()
  m.func('simd', { results: ['i32'] })
    .i32Const(1)
    .op('i32x4.splat')
    .lane('i32x4.extract_lane', 0)
  return m.encode()
}

/** Runs relaxed_madd on (1 + 2^-12)^2 - (1 + 2^-11), which is 2^-24 when the product is not rounded and 0 when it is. */
function fusesMultiplyAdd(): boolean {
  const m = wasmModule()
  const f = m.func('fuses', { params: ['f32', 'f32'], results: ['f32'] })
  const [x, minus] = f.params
  f.get(x).op('f32x4.splat').get(x).op('f32x4.splat').get(minus).op('f32x4.splat')
  f.op('f32x4.relaxed_madd').lane('f32x4.extract_lane', 0)
  m.export('fuses', f)
  const bytes = m.encode()
  if (!WebAssembly.validate(bytes)) return false
  const { fuses } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
  return (fuses as (x: number, minus: number) => number)(1 + 2 ** -12, -1 - 2 ** -11) === 2 ** -24
}

/** V8's flag, reached without importing node:v8 so that the same file loads in browsers. False where there is none. */
function enableRelaxedSimd(): boolean {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
  const v8 = process?.getBuiltinModule?.('node:v8') as { setFlagsFromString(flag: string): void } | undefined
  v8?.setFlagsFromString('--experimental-wasm-relaxed-simd')
  return v8 !== undefined
}

/** Shared memory takes cross-origin isolation in browsers, and any engine may refuse it. */
function canShareMemory(): boolean {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer instanceof SharedArrayBuffer
  } catch {
    return false
  }
}

function atomicsModule(): Uint8Array<ArrayBuffer> {
  const m = wasmModule()
  m.memory({ minimumPages: 1, maximumPages: 1, shared: true })
  m.func('atomics', { results: ['i32'] })
    .i32Const(0)
    .memory('i32.atomic.load')
    .atomicFence()
  return m.encode()
}
