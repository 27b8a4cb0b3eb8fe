// Which random numbers a drawing takes: a seed, and a stream of its own.
import { EinfoldError } from '../errors.ts'

/** Hands out streams, one a drawing; the same seed gives the same streams. */
export interface Generator {
  readonly seed: number
  /** The next stream: 0, 1, 2, … */
  nextStream(): number
}

/** A generator whose streams start anew. `seed` is a whole number, of which the last 32 bits count. Throws `bad-seed`. */
export function generator(seed: number): Generator {
  let next = 0
  return { seed: wholeSeed(seed), nextStream: () => next++ }
}

/** `seed` as a signed 32-bit number. Throws EinfoldError `bad-seed`. */
export function wholeSeed(seed: number): number {
  if (Number.isSafeInteger(seed)) return seed | 0
  throw new EinfoldError('bad-seed', `the seed is ${seed}; it must be a whole number`)
}

let shared = generator(0)

/** Starts the generator that drawings use when they name no other. It starts with seed 0. */
export function manualSeed(seed: number): void {
  shared = generator(seed)
}

export const defaultGenerator = (): Generator => shared
