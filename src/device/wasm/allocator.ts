// Places in one linear memory: a list of free stretches, neighbours joined.

export interface Allocator {
  /** The address of `bytes` bytes at a multiple of 64; null when memory cannot grow that far. */
  allocate(bytes: number): number | null
  free(address: number): void
  /** Bytes handed out now. */
  readonly used: number
}

const alignment = 64

interface Stretch {
  start: number
  end: number
}

/** Hands out memory from `begin` on. `reach` makes memory go up to an address, or says that it cannot. */
export function allocator(begin: number, reach: (end: number) => boolean): Allocator {
  /** By address, never touching each other. What lies beyond `top` is free too. */
  const free: Stretch[] = []
  const sizes = new Map<number, number>()
  let top = Math.ceil(begin / alignment) * alignment
  let used = 0

  const take = (address: number, bytes: number): number => {
    sizes.set(address, bytes)
    used += bytes
    return address
  }
  return {
    get used() {
      return used
    },
    allocate(wanted) {
      const bytes = Math.ceil(Math.max(1, wanted) / alignment) * alignment
      const at = bestFit(free, bytes)
      if (at >= 0) {
        const stretch = free[at]
        const { start } = stretch
        stretch.start += bytes
        if (stretch.start === stretch.end) free.splice(at, 1)
        return take(start, bytes)
      }
      const start = top
      if (!reach(start + bytes)) return null
      top = start + bytes
      return take(start, bytes)
    },
    free(address) {
      const bytes = sizes.get(address)
      if (bytes === undefined) return
      sizes.delete(address)
      used -= bytes
      const at = firstFrom(free, address)
      const before = free[at - 1]
      const after = free[at]
      const end = address + bytes
      if (before?.end === address && after?.start === end) {
        before.end = after.end
        free.splice(at, 1)
      } else if (before?.end === address) before.end = end
      else if (after?.start === end) after.start = address
      else free.splice(at, 0, { start: address, end })
      const last = free.at(-1)
      if (last?.end === top) {
        top = last.start
        free.pop()
      }
    },
  }
}

/** The smallest stretch that is large enough; -1 when there is none. */
function bestFit(free: readonly Stretch[], bytes: number): number {
  let best = -1
  let bestSize = Number.POSITIVE_INFINITY
  for (let at = 0; at < free.length; at++) {
    const size = free[at].end - free[at].start
    if (size >= bytes && size < bestSize) {
      best = at
      bestSize = size
    }
  }
  return best
}

/** The position of the first stretch that starts at or after an address. */
function firstFrom(free: readonly Stretch[], address: number): number {
  let low = 0
  let high = free.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (free[middle].start < address) low = middle + 1
    else high = middle
  }
  return low
}
