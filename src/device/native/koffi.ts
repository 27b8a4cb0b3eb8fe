// The package through which native code is loaded and called.
import { builtin } from '../../platform.ts'

export interface Koffi {
  /** A library, or with null what the process itself has. */
  load(path: string | null): { func(prototype: string): unknown }
  address(value: unknown): bigint
}

let koffi: Koffi | null | undefined

/** Null where it is not installed. */
export function loadKoffi(): Koffi | null {
  if (koffi === undefined) {
    // Threads that wait for one another spin for a moment and then sleep, so that an idle process burns nothing. Gcc's OpenMP
    // counts turns, clang's milliseconds; both read this when they are loaded.
    process.env.GOMP_SPINCOUNT ??= '20000'
    process.env.KMP_BLOCKTIME ??= '1'
    try {
      koffi = builtin('node:module').createRequire(import.meta.url)('koffi') as Koffi
    } catch {
      koffi = null
    }
  }
  return koffi
}
