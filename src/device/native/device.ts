// Programs as C through the system's compiler, called through koffi: the machine at full speed.
import type { Program } from '../../compiler/ir.ts'
import { workOf } from '../../compiler/work.ts'
import { bytesPerElement, type Dtype, typedArray } from '../../dtype.ts'
import { emitC } from '../../emit/c/emit.ts'
import { DeviceError } from '../../errors.ts'
import { builtin, environment, hasBuiltins } from '../../platform.ts'
import type { Device, Executable, Storage } from '../device.ts'
import { type JsStorage, jsLoader } from '../js/device.ts'
import { allowedPrecision, type Precision } from '../precision.ts'
import { threads } from '../threads.ts'
import { compileC, recompileC } from './compile.ts'
import { type CCompiler, findCompiler } from './compiler.ts'
import { type NativePrecision, nativePrecision } from './precision.ts'

interface NativeStorage extends JsStorage {
  readonly address: bigint
}

type RunProgram = (pointers: BigUint64Array, threads: number) => void

interface Koffi {
  load(path: string): { func(prototype: string): unknown }
  address(value: unknown): bigint
}

/** What stands in the way of native code here; null when nothing does. */
export function nativeAbsence(): string | null {
  if (!hasBuiltins()) return 'it takes Node 20.16 or later'
  if (!findCompiler()) return compilerAbsence(environment('EINFOLD_CC'))
  return loadKoffi() ? null : 'the package koffi, through which native code is called, is not installed'
}

function compilerAbsence(named: string | undefined): string {
  if (named === undefined) return 'no C compiler was found (cc, gcc or clang; EINFOLD_CC may name one)'
  if (named === '') return 'EINFOLD_CC is empty: no C compiler is to be used'
  return `the C compiler that EINFOLD_CC names, ${JSON.stringify(named)}, does not run`
}

let koffi: Koffi | null | undefined

function loadKoffi(): Koffi | null {
  if (koffi === undefined) {
    try {
      koffi = builtin('node:module').createRequire(import.meta.url)('koffi') as Koffi
    } catch {
      koffi = null
    }
  }
  return koffi
}

/** Un-compiled code does at least this much work before it is worth a C compilation (about 0.1 s). */
const compileWork = 2e7
const alignment = 64
const maxThreads = 16

/** The native device, of the compiler found here or another. Throws DeviceError `no-native` where `nativeAbsence` says why. */
export function nativeDevice(chosen?: CCompiler): Device {
  const absence = nativeAbsence()
  if (absence) throw new DeviceError('no-native', `the native device is not there: ${absence}`)
  const compiler = chosen ?? findCompiler()!
  const library = loadKoffi()!

  /** Memory that does not move, aligned for vectors, with room past its end for a vector's width. */
  const allocateBytes = (
    bytes: number,
  ): { readonly buffer: ArrayBuffer; readonly offset: number; readonly address: bigint } => {
    const buffer = new ArrayBuffer(bytes + 2 * alignment)
    const start = library.address(buffer)
    const offset = Number((BigInt(alignment) - (start % BigInt(alignment))) % BigInt(alignment))
    return { buffer, offset, address: start + BigInt(offset) }
  }
  let arena = allocateBytes(0)
  let arenaBytes = 0

  const loadJs = jsLoader()

  // Threads that wait for one another spin for some microseconds and then sleep, so that an idle process burns nothing.
  process.env.GOMP_SPINCOUNT ??= '20000'

  const loadFunction = (source: string, prototype: string): unknown => {
    const path = compileC(compiler, source)
    try {
      return library.load(path).func(prototype)
    } catch {
      // Another process may have cleared it away, or another machine have written it.
      return library.load(recompileC(compiler, source, path)).func(prototype)
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
    const source = emitC(program, { widths: compiler.widths, fused: compiler.fused, maxThreads, bf16 })
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
