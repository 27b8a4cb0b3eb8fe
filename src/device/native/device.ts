// Programs as C through the system's compiler, called through koffi: the machine at full speed.
import type { Program } from '../../compiler/ir.ts'
import { workOf } from '../../compiler/work.ts'
import { bytesPerElement, type Dtype, typedArray } from '../../dtype.ts'
import { emitC } from '../../emit/c/emit.ts'
import { DeviceError } from '../../errors.ts'
import { hasBuiltins } from '../../platform.ts'
import type { Device, Executable, Storage } from '../device.ts'
import { type JsStorage, jsLoader } from '../js/device.ts'
import { allowedPrecision, type Precision } from '../precision.ts'
import { threads } from '../threads.ts'
import { compileC } from './compile.ts'
import { type CCompiler, compilerAbsence, findCompiler } from './compiler.ts'
import { type Koffi, loadKoffi } from './koffi.ts'
import { leastBytes, pageAdvice, pageBytes } from './pages.ts'
import { type NativePrecision, nativePrecision } from './precision.ts'
import { threadPoolText } from './threadPool.ts'

interface NativeStorage extends JsStorage {
  readonly address: bigint
}

type RunProgram = (pointers: BigUint64Array, threads: number) => void

/** What stands in the way of native code here; null when nothing does. */
export function nativeAbsence(): string | null {
  if (!hasBuiltins()) return 'it takes Node 20.16 or later'
  return (
    compilerAbsence() ??
    (loadKoffi() ? null : 'the package koffi, through which native code is called, is not installed')
  )
}

/** Un-compiled code does at least this much work before it is worth a C compilation (about 0.1 s). */
const compileWork = 2e7
const alignment = 64
export const maxThreads = 16

/** The native device, of the compiler found here or another. Throws DeviceError `no-native` where `nativeAbsence` says why. */
export function nativeDevice(chosen?: CCompiler): Device {
  const absence = nativeAbsence()
  if (absence) throw new DeviceError('no-native', `the native device is not there: ${absence}`)
  const compiler = chosen ?? findCompiler()!
  const library = loadKoffi()!

  const advise = pageAdvice(library)
  /** Memory that does not move, aligned for vectors, with room past its end for a vector's width. */
  const allocateBytes = (
    bytes: number,
  ): { readonly buffer: ArrayBuffer; readonly offset: number; readonly address: bigint } => {
    const large = advise !== null && bytes >= leastBytes
    const unit = BigInt(large ? pageBytes : alignment)
    const buffer = new ArrayBuffer(bytes + Number(unit) + alignment)
    const start = library.address(buffer)
    const offset = Number((unit - (start % unit)) % unit)
    const address = start + BigInt(offset)
    if (large) advise(address, bytes)
    return { buffer, offset, address }
  }
  let arena = allocateBytes(0)
  let arenaBytes = 0

  const loadJs = jsLoader()

  let pool: unknown = null
  const functionIn = (path: string, prototype: string): unknown => {
    const loaded = library.load(path)
    if (compiler.threads === 'openmp') keepOpenMP(library)
    if (compiler.threads === 'pthreads') {
      pool ??= poolIn(library, compileC(compiler, threadPoolText(maxThreads)))
      ;(loaded.func('void usePool(uint64_t address)') as (address: unknown) => void)(pool)
    }
    return loaded.func(prototype)
  }

  const loadFunction = (source: string, prototype: string): unknown => {
    try {
      return functionIn(compileC(compiler, source), prototype)
    } catch (error) {
      if (error instanceof DeviceError) throw error
      // Another process may have cleared it away, or another machine have written it.
      return loadAnew(source, prototype)
    }
  }

  const loadAnew = (source: string, prototype: string): unknown => {
    const path = compileC(compiler, source, { anew: true })
    try {
      return functionIn(path, prototype)
    } catch (error) {
      const why = (error as Error).message
      throw new DeviceError('c-load-failed', `what ${compiler.command} compiles cannot be loaded here: ${why}`)
    }
  }

  const known = new Map<Precision, NativePrecision>()
  const precision = (allowed: Precision): NativePrecision => {
    let found = known.get(allowed)
    if (!found) {
      found = nativePrecision(allowed, compiler, (source, prototype) => loadFunction(source, prototype) as () => number)
      known.set(allowed, found)
    }
    return found
  }

  const load = (program: Program, use?: 'step' | 'once'): Executable => {
    // What runs once and is soon done would wait longer for the C compiler than for its result.
    if (use === 'once' && workOf(program) < compileWork) return loadJs(program)
    const { bf16 } = precision(allowedPrecision())
    const source = emitC(program, {
      widths: compiler.widths,
      fused: compiler.fused,
      maxThreads,
      cache: compiler.cache,
      bf16,
    })
    const run = loadFunction(source, 'void run(void *buffers, int threads)') as RunProgram
    if (program.arenaBytes > arenaBytes) {
      arenaBytes = program.arenaBytes
      arena = allocateBytes(arenaBytes)
    }
    const pointers = new BigUint64Array(program.external.length + 1)
    return {
      source,
      run: (external) => {
        pointers[0] = arena.address
        for (const [at, address] of addressesOf(program, external).entries()) pointers[at + 1] = address
        run(pointers, compiler.threads ? Math.min(threads(), maxThreads) : 1)
      },
    }
  }

  return {
    name: 'native',
    targetOf: (allowed) => ({ contractions: true, tileSide: precision(allowed).tileSide }),
    precision,
    collected: true,
    allocate: (dtype: Dtype, length: number): NativeStorage => {
      const { buffer, offset, address } = allocateBytes(length * bytesPerElement(dtype))
      return { dtype, length, array: typedArray(dtype, length, buffer, offset), address }
    },
    write: (storage, values) => {
      ;(storage as NativeStorage).array.set(values)
    },
    read: (storage) => (storage as NativeStorage).array.slice(),
    free: (storage) => {
      ;(storage as NativeStorage).array = typedArray(storage.dtype, 0)
    },
    load,
  }
}

let openMP: unknown

/**
 * Gcc's OpenMP would go with the last program that is collected, while its threads still wait in it; clang's stays by itself.
 */
function keepOpenMP(library: Koffi): void {
  if (openMP !== undefined) return
  try {
    openMP = library.load('libgomp.so.1')
  } catch {
    openMP = null
  }
}

/** The address of the threads that programs share. */
const poolIn = (library: Koffi, path: string): unknown =>
  (library.load(path).func('uint64_t threadPool(void)') as () => unknown)()

/** Where a program's external buffers are: all there, and of the lengths that it was compiled for. */
function addressesOf(program: Program, external: readonly Storage[]): readonly bigint[] {
  return program.external.map((name, at) => {
    const { length, dtype } = program.buffers.get(name)!
    const storage = external[at] as NativeStorage | undefined
    const isThere = storage?.address !== undefined && storage.array.length === storage.length
    if (isThere && storage.length === length && storage.dtype === dtype) return storage.address
    const given = !storage
      ? 'nothing'
      : !isThere
        ? 'one that was freed, or is of another device'
        : `${storage.length} of ${storage.dtype}`
    throw new DeviceError(
      'wrong-buffer',
      `a program's buffer ${name} holds ${length} elements of ${dtype}; it was given ${given}`,
    )
  })
}
