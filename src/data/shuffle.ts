import { DataError } from '../errors.ts'
import { threefryInto } from '../random/threefry.ts'

/** Keeps shuffling apart from other uses of the same seed. */
const STREAM = 0x73687566

/**
 * The numbers 0 to n-1 in an order that depends on `seed` and `epoch` alone (Fisher-Yates over Threefry).
 * Throws DataError `bad-count`.
 */
export function permutation(n: number, seed: number, epoch = 0): Int32Array {
  if (!Number.isInteger(n) || n < 0 || n >= 2 ** 31)
    throw new DataError('bad-count', `a permutation needs a whole number of rows from 0 to 2^31 - 1, not ${n}`)
  const rows = Int32Array.from({ length: n }, (_, i) => i)
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
export function* batches(n: number, batchSize: number, options: BatchOptions = {}): Generator<Int32Array, void> {
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new DataError('bad-batch-size', `a batch has a whole number of rows, 1 or more, not ${batchSize}`)
  const { seed, epoch = 0, dropLast = false } = options
  const rows = seed === undefined ? Int32Array.from({ length: n }, (_, i) => i) : permutation(n, seed, epoch)
  const end = dropLast ? n - (n % batchSize) : n
  for (let start = 0; start < end; start += batchSize) yield rows.slice(start, Math.min(start + batchSize, end))
}
