// Programs as C through the system's compiler, called through koffi: the machine at full speed.
import { createRequire } from 'node:module'
import type { Program } from '../../compiler/ir.ts'
import { workOf } from '../../compiler/work.ts'
import { bytesPerElement, type Dtype, typedArray } from '../../dtype.ts'
import { emitC } from '../../emit/c/emit.ts'
import { DeviceError } from '../../errors.ts'
import type { Device, Executable } from '../device.ts'
import { type JsStorage, jsLoader } from '../js/device.ts'
import { threads } from '../threads.ts'
import { compileC, findCompiler } from './compiler.ts'

interface NativeStorage extends JsStorage {
  readonly address: bigint
}

interface Koffi {
  load(path: string): { func(prototype: string): (pointer: unknown, threads: number) => void }
  address(value: unknown): bigint
}

/** What stands in the way of native code here; null when nothing does. */
export function nativeAbsence(): string | null {
  if (!findCompiler()) {
    return process.env.EINFOLD_CC === undefined
      ? 'no C compiler was found (cc, gcc or clang; EINFOLD_CC may name one)'
      : `the C compiler that EINFOLD_CC names, ${JSON.stringify(process.env.EINFOLD_CC)}, does not run`
  }
  return loadKoffi() ? null : 'the package koffi, through which native code is called, is not installed'
}

let koffi: Koffi | null | undefined

function loadKoffi(): Koffi | null {
  if (koffi === undefined) {
    try {
      koffi = createRequire(import.meta.url)('koffi') as Koffi
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

/** The native device. Throws DeviceError `no-native` where `nativeAbsence` says why. */
export function nativeDevice(): Device {
  const absence = nativeAbsence()
  if (absence) throw new DeviceError('no-native', `the native device is not there: ${absence}`)
  const compiler = findCompiler()!
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

  const load = (program: Program, use?: 'step' | 'once'): Executable => {
    // What runs once and is soon done would wait longer for the C compiler than for its result.
    if (use === 'once' && workOf(program) < compileWork) return loadJs(program)
    const source = emitC(program, { widths: compiler.widths, maxThreads })
    const path = compileC(compiler, source)
    const run = library.load(path).func('void run(void *buffers, int threads)')
    if (program.arenaBytes > arenaBytes) {
      arenaBytes = program.arenaBytes
      arena = allocateBytes(arenaBytes)
    }
    const pointers = new BigUint64Array(program.external.length + 1)
    return {
      source,
      run: (external) => {
        pointers[0] = arena.address
        program.external.forEach((name, at) => {
          const storage = external[at] as NativeStorage
          const { length, dtype } = program.buffers.get(name)!
          if (storage.length !== length || storage.dtype !== dtype) {
            throw new DeviceError(
              'wrong-buffer',
              `a program's buffer ${name} holds ${length} elements of ${dtype}; it was given ${storage.length} of ${storage.dtype}`,
            )
          }
          pointers[at + 1] = storage.address
        })
        run(pointers, compiler.threads ? Math.min(threads(), maxThreads) : 1)
      },
    }
  }

  return {
    name: 'native',
    target: { contractions: true },
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
