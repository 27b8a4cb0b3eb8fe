// Programs as C through the system's compiler, called through koffi: the machine at full speed.
import type { Program } from '../../compiler/ir.ts'
import { workOf } from '../../compiler/work.ts'
import { bytesPerElement, type Dtype, typedArray } from '../../dtype.ts'
import { type CTarget, emitC } from '../../emit/c/emit.ts'
import { DeviceError } from '../../errors.ts'
import { builtin, hasBuiltins } from '../../platform.ts'
import type { Device, Executable, KeptSteps, Storage } from '../device.ts'
import { type JsStorage, jsLoader } from '../js/device.ts'
import { allowedPrecision, type Precision } from '../precision.ts'
import { threads } from '../threads.ts'
import { cacheFolder } from './cache.ts'
import { codeVersion } from './codeVersion.ts'
import { type CCompiler, compilerAbsence, findCompiler } from './compiler.ts'
import { type Call, readStep, writeStep } from './keptSteps.ts'
import { loadKoffi } from './koffi.ts'
import { nativeLibraries } from './libraries.ts'
import { nativeMemory } from './memory.ts'
import { type NativePrecision, nativePrecision } from './precision.ts'
import { maxThreads } from './threadPool.ts'

interface NativeStorage extends JsStorage {
  readonly address: bigint
}

type RunProgram = (pointers: BigUint64Array, threads: number) => void

const runPrototype = 'void run(void *buffers, int threads)'

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

/** The native device, of the compiler found here or another. Throws DeviceError `no-native` where `nativeAbsence` says why. */
export function nativeDevice(chosen?: CCompiler): Device {
  const absence = nativeAbsence()
  if (absence) throw new DeviceError('no-native', `the native device is not there: ${absence}`)
  const compiler = chosen ?? findCompiler()!
  const koffi = loadKoffi()!

  const allocateBytes = nativeMemory(koffi)
  let arena = allocateBytes(0)
  let arenaBytes = 0

  const loadJs = jsLoader()

  const libraries = nativeLibraries(koffi, compiler)

  const known = new Map<Precision, NativePrecision>()
  const precision = (allowed: Precision): NativePrecision => {
    let found = known.get(allowed)
    if (!found) {
      found = nativePrecision(
        allowed,
        compiler,
        (source, prototype) => libraries.compiled<() => number>(source, prototype).call,
      )
      known.set(allowed, found)
    }
    return found
  }

  const load = (program: Program, use?: 'step' | 'once'): Executable => {
    // What runs once and is soon done would wait longer for the C compiler than for its result.
    if (use === 'once' && workOf(program) < compileWork) return loadJs(program)
    return loadCompiled(program).executable
  }

  const loadCompiled = (program: Program): { readonly executable: Executable; readonly path: string } => {
    const source = emitC(program, targetNow())
    const { path, call } = libraries.compiled<RunProgram>(source, runPrototype)
    return { executable: executableOf(call, callOf(program), () => source), path }
  }

  const executableOf = (run: RunProgram, { external: expected, arenaBytes: needed }: Call, source: () => string) => {
    if (needed > arenaBytes) {
      arenaBytes = needed
      arena = allocateBytes(arenaBytes)
    }
    const pointers = new BigUint64Array(expected.length + 1)
    return {
      get source() {
        return source()
      },
      run: (external: readonly Storage[]) => {
        pointers[0] = arena.address
        for (const [at, address] of addressesOf(expected, external).entries()) pointers[at + 1] = address
        run(pointers, compiler.threads ? Math.min(threads(), maxThreads) : 1)
      },
    }
  }

  const targetNow = (): CTarget => {
    const { widths, fused, cache } = compiler
    return { widths, fused, maxThreads, cache, bf16: precision(allowedPrecision()).bf16 }
  }

  /** All that decides about a step's code besides the graph; null where nothing says which code it is made by. */
  const makerText = (): string | null => {
    const code = codeVersion()
    return code && JSON.stringify([code, compiler, precision(allowedPrecision())])
  }

  const kept: KeptSteps = {
    find: (key, program) => {
      const maker = makerText()
      const step = maker && readStep(cacheFolder(), `${maker} ${key}`)
      const run = step ? libraries.kept<RunProgram>(step.library, runPrototype) : null
      if (!step || !run) return null
      const target = targetNow()
      return { executable: executableOf(run, step, () => emitC(program(), target)), note: step.note }
    },
    load: (key, program, note) => {
      const { executable, path } = loadCompiled(program)
      const { basename, dirname } = builtin('node:path')
      const maker = makerText()
      if (maker && dirname(path) === cacheFolder())
        writeStep(cacheFolder(), `${maker} ${key}`, { ...callOf(program), library: basename(path), note })
      return executable
    },
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
    kept,
  }
}

const callOf = ({ arenaBytes, external, buffers }: Program): Call => ({
  arenaBytes,
  external: external.map((name) => {
    const { dtype, length } = buffers.get(name)!
    return { name, dtype, length }
  }),
})

/** Where a program's external buffers are: all there, and of the lengths that it was compiled for. */
function addressesOf(expected: Call['external'], external: readonly Storage[]): readonly bigint[] {
  return expected.map(({ name, length, dtype }, at) => {
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
