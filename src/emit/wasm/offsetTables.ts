// What a table of offsets shows of how elements lie in memory.

/** The distance between neighbours where it is the same all along; null where it is not. A single offset has distance 0. */
export function strideOf(offsets: Int32Array, from = 0, to = offsets.length): number | null {
  if (to - from < 2) return 0
  const stride = offsets[from + 1] - offsets[from]
  for (let at = from + 2; at < to; at++) if (offsets[at] - offsets[at - 1] !== stride) return null
  return stride
}

/** The longest length into which the table divides such that in each piece neighbours are `stride` apart. */
export function runLength(offsets: Int32Array, stride: number): number {
  // The length divides the distance from the start to every break.
  let length = offsets.length
  for (let at = 1; at < offsets.length; at++) {
    if (offsets[at] - offsets[at - 1] !== stride) length = greatestCommonDivisor(length, at)
  }
  return length
}

export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

/** Whether the `count` offsets from `from` on follow each other without a gap. */
export function isContiguous(offsets: Int32Array, from: number, count: number): boolean {
  return offsets[from + count - 1] - offsets[from] === count - 1 && strideOf(offsets, from, from + count) !== null
}

/** A table cut into blocks: block i holds `bases[i]` plus the pattern that begins at `patterns[starts[i]]`. */
export interface BlockedTable {
  readonly bases: Int32Array
  /** The stride within every block; null where they have none, or not the same. */
  readonly stride: number | null
  readonly starts: Int32Array
  readonly patterns: Int32Array
}

/** Cuts a table into blocks; those that look alike share one pattern. */
export function blockedTable(offsets: Int32Array, blockLength: number): BlockedTable {
  const count = Math.ceil(offsets.length / blockLength)
  const bases = new Int32Array(count)
  const starts = new Int32Array(count)
  const known: { readonly start: number; readonly offsets: Int32Array }[] = []
  let length = 0
  let stride: number | null | undefined
  for (let block = 0; block < count; block++) {
    const base = offsets[block * blockLength]
    const pattern = offsets.slice(block * blockLength, (block + 1) * blockLength).map((offset) => offset - base)
    bases[block] = base
    const same = known.find((seen) => pattern.every((offset, at) => seen.offsets[at] === offset))
    if (same) starts[block] = same.start
    else {
      starts[block] = length
      known.push({ start: length, offsets: pattern })
      length += pattern.length
    }
    if (!same && pattern.length > 1) {
      const own = strideOf(pattern)
      stride = stride === undefined || stride === own ? own : null
    }
  }
  const patterns = new Int32Array(length)
  for (const { start, offsets: pattern } of known) patterns.set(pattern, start)
  return { bases, stride: stride ?? (stride === undefined ? 0 : null), starts, patterns }
}
