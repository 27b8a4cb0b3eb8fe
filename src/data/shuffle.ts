import { DataError } from '../errors.ts'
import { threefryInto } from '../random/threefry.ts'

/** Keeps shuffling apart from other uses of the same seed. */
const STREAM = 0x73687566

/**
 * The numbers 0 to n-1 in an order that depends on `seed` and `epoch` alone (Fisher-Yates over Threefry).
 * Throws DataError `bad-count`.
 */
export function permutation(n: number, seed: number, epoch = 0): Int32Array {
  const rows = inOrder(n)
  const words = new Uint32Array(2)
  for (let i = n - 1; i > 0; i--) {
    threefryInto(words, seed, STREAM, epoch, i)
    // 53 bits are enough for every order to be as likely as the next: the bias is below n / 2^53.
    const fraction = ((words[0] >>> 5) * 2 ** 26 + (words[1] >>> 6)) * 2 ** -53
    const j = Math.floor(fraction * (i + 1))
    const row = rows[i]
    rows[i] = rows[j]
    rows[j] = row
  }
  return rows
}

function inOrder(n: number): Int32Array {
  if (!Number.isInteger(n) || n < 0 || n >= 2 ** 31)
    throw new DataError('bad-count', `rows are counted by a whole number from 0 to 2^31 - 1, not ${n}`)
  return Int32Array.from({ length: n }, (_, i) => i)
}

export interface BatchOptions {
  /** Shuffles by this seed; without it rows come in order. */
  readonly seed?: number
  /** Another order for every epoch, counted from 0. */
  readonly epoch?: number
  /** Leaves out a last batch that is not full. */
  readonly dropLast?: boolean
}

/**
 * Row numbers, batch by batch: each of 0 to n-1 once. The last batch may be shorter.
 * Throws DataError `bad-batch-size`, `bad-count`.
 */
export function batches(n: number, batchSize: number, options: BatchOptions = {}): Generator<Int32Array, void> {
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new DataError('bad-batch-size', `a batch has a whole number of rows, 1 or more, not ${batchSize}`)
  const { seed, epoch = 0, dropLast = false } = options
  const rows = seed === undefined ? inOrder(n) : permutation(n, seed, epoch)
  return slices(rows, batchSize, dropLast ? n - (n % batchSize) : n)
}

function* slices(rows: Int32Array, size: number, end: number): Generator<Int32Array, void> {
  for (let start = 0; start < end; start += size) yield rows.slice(start, Math.min(start + size, end))
}
