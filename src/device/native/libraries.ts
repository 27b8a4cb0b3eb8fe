// Functions of shared libraries: of what is compiled here, and of what is kept in the cache.
import { DeviceError } from '../../errors.ts'
import { builtin } from '../../platform.ts'
import { cacheFolder } from './cache.ts'
import { compileC, isKept } from './compile.ts'
import type { CCompiler } from './compiler.ts'
import type { Koffi } from './koffi.ts'
import { maxThreads, threadPoolText } from './threadPool.ts'

export interface Libraries {
  /** A function of a C text, and the path of its library. Throws DeviceError `c-compiler-failed` or `c-load-failed`. */
  compiled<T>(source: string, prototype: string): InLibrary<T>
  /** A function of a library in the cache, by its file's name; null where the library must be made anew. */
  kept<T>(name: string, prototype: string): T | null
}

export interface InLibrary<T> {
  readonly path: string
  readonly call: T
}

export function nativeLibraries(koffi: Koffi, compiler: CCompiler): Libraries {
  let pool: unknown = null
  const functionIn = <T>(path: string, prototype: string): T => {
    const loaded = koffi.load(path)
    if (compiler.threads === 'openmp') keepOpenMP(koffi)
    if (compiler.threads === 'pthreads') {
      pool ??= poolIn(koffi, compileC(compiler, threadPoolText(maxThreads)))
      ;(loaded.func('void usePool(uint64_t address)') as (address: unknown) => void)(pool)
    }
    return loaded.func(prototype) as T
  }
  const compiledAnew = <T>(source: string, prototype: string): InLibrary<T> => {
    const path = compileC(compiler, source, { anew: true })
    try {
      return { path, call: functionIn<T>(path, prototype) }
    } catch (error) {
      const why = (error as Error).message
      throw new DeviceError('c-load-failed', `what ${compiler.command} compiles cannot be loaded here: ${why}`)
    }
  }
  return {
    compiled: <T>(source: string, prototype: string) => {
      try {
        const path = compileC(compiler, source)
        return { path, call: functionIn<T>(path, prototype) }
      } catch (error) {
        if (error instanceof DeviceError) throw error
        // Another process may have cleared it away, or another machine have written it.
        return compiledAnew<T>(source, prototype)
      }
    },
    kept: <T>(name: string, prototype: string) => {
      const path = builtin('node:path').join(cacheFolder(), name)
      try {
        return isKept(path) ? functionIn<T>(path, prototype) : null
      } catch {
        return null
      }
    },
  }
}

let openMP: unknown

/**
 * Gcc's OpenMP would go with the last program that is collected, while its threads still wait in it; clang's stays by itself.
 */
function keepOpenMP(koffi: Koffi): void {
  if (openMP !== undefined) return
  try {
    openMP = koffi.load('libgomp.so.1')
  } catch {
    openMP = null
  }
}

/** The address of the threads that programs share. */
const poolIn = (koffi: Koffi, path: string): unknown =>
  (koffi.load(path).func('uint64_t threadPool(void)') as () => unknown)()
