// Memory that does not move, aligned for vectors, with room past its end for a vector's width. It is zero at first, and goes
// when nothing refers to it any more.
import { environment } from '../../platform.ts'
import type { Koffi } from './koffi.ts'
import { leastBytes, pageAdvice, pageBytes } from './pages.ts'

export interface Memory {
  readonly buffer: ArrayBuffer
  readonly offset: number
  readonly address: bigint
}

const alignment = 64

/** Results of a few numbers, which steps make one of at each call, are parts of buffers of so many bytes. */
const sharedBytes = 4096
/** A few: what is kept of a shared buffer keeps all of it. */
const smallBytes = 64

/** Tools that watch where buffers end want each to have memory of its own: EINFOLD_SEPARATE_BUFFERS is set for them. */
const sharesMemory = (): boolean => environment('EINFOLD_SEPARATE_BUFFERS') === undefined

export function nativeMemory(library: Koffi, shares = sharesMemory()): (bytes: number) => Memory {
  const advise = pageAdvice(library)
  const own = (bytes: number): Memory => {
    const large = advise !== null && bytes >= leastBytes
    const unit = BigInt(large ? pageBytes : alignment)
    const buffer = new ArrayBuffer(bytes + Number(unit) + alignment)
    const start = library.address(buffer)
    const offset = Number((unit - (start % unit)) % unit)
    const address = start + BigInt(offset)
    if (large) advise(address, bytes)
    return { buffer, offset, address }
  }
  let shared: Memory | null = null
  let used = 0
  return (bytes) => {
    if (bytes > smallBytes || !shares) return own(bytes)
    if (shared === null || used === sharedBytes) {
      shared = own(sharedBytes)
      used = 0
    }
    const { buffer, offset, address } = shared
    const part = { buffer, offset: offset + used, address: address + BigInt(used) }
    used += alignment
    return part
  }
}
