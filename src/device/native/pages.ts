// Large pages under large buffers: a step that streams through memory finds its addresses a hundred times less often.
import { builtin } from '../../platform.ts'
import type { Koffi } from './koffi.ts'

/** Linux's larger pages on x86 and most of ARM. */
export const pageBytes = 2 * 1024 * 1024

/** Buffers from here on are worth it: at most a third is lost to where pages begin. */
export const leastBytes = 2 * pageBytes

/** What tells the system that memory will be used whole, before it is touched; null where there is nothing to tell. */
export function pageAdvice(library: Koffi): ((address: bigint, bytes: number) => void) | null {
  if (builtin('node:os').platform() !== 'linux') return null
  try {
    const advise = library.load(null).func('int madvise(uint64_t address, size_t bytes, int advice)') as Advise
    // Where it is refused, pages are as small as they were.
    return (address, bytes) => void advise(address, Math.floor(bytes / smallPage) * smallPage, hugePages)
  } catch {
    return null
  }
}

type Advise = (address: bigint, bytes: number, advice: number) => number

/** MADV_HUGEPAGE. */
const hugePages = 14
/** The smallest that there are: an address of a large page is one of these as well. */
const smallPage = 4096
