// Threefry-2x32-20: random numbers that are a function of a key and a counter. There is no state, so any number can be
// had without those before it, in any order, on any device, and is the same everywhere.
// Source: Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (the Random123 library).

/** The bits of 0x1BD11BDA keep an all-zero key from giving an all-zero key schedule. */
const PARITY = 0x1bd11bda

/**
 * Encrypts the counter under the key and writes the two words to `out[0]` and `out[1]`.
 * The form for loops: it allocates nothing.
 */
export function threefryInto(out: Uint32Array, key0: number, key1: number, counter0: number, counter1: number): void {
  const k0 = key0 | 0
  const k1 = key1 | 0
  const k2 = PARITY ^ k0 ^ k1
  let a = (counter0 + k0) | 0
  let b = (counter1 + k1) | 0

  a = (a + b) | 0
  b = ((b << 13) | (b >>> 19)) ^ a
  a = (a + b) | 0
  b = ((b << 15) | (b >>> 17)) ^ a
  a = (a + b) | 0
  b = ((b << 26) | (b >>> 6)) ^ a
  a = (a + b) | 0
  b = ((b << 6) | (b >>> 26)) ^ a
  a = (a + k1) | 0
  b = (b + k2 + 1) | 0

  a = (a + b) | 0
  b = ((b << 17) | (b >>> 15)) ^ a
  a = (a + b) | 0
  b = ((b << 29) | (b >>> 3)) ^ a
  a = (a + b) | 0
  b = ((b << 16) | (b >>> 16)) ^ a
  a = (a + b) | 0
  b = ((b << 24) | (b >>> 8)) ^ a
  a = (a + k2) | 0
  b = (b + k0 + 2) | 0

  a = (a + b) | 0
  b = ((b << 13) | (b >>> 19)) ^ a
  a = (a + b) | 0
  b = ((b << 15) | (b >>> 17)) ^ a
  a = (a + b) | 0
  b = ((b << 26) | (b >>> 6)) ^ a
  a = (a + b) | 0
  b = ((b << 6) | (b >>> 26)) ^ a
  a = (a + k0) | 0
  b = (b + k1 + 3) | 0

  a = (a + b) | 0
  b = ((b << 17) | (b >>> 15)) ^ a
  a = (a + b) | 0
  b = ((b << 29) | (b >>> 3)) ^ a
  a = (a + b) | 0
  b = ((b << 16) | (b >>> 16)) ^ a
  a = (a + b) | 0
  b = ((b << 24) | (b >>> 8)) ^ a
  a = (a + k1) | 0
  b = (b + k2 + 4) | 0

  a = (a + b) | 0
  b = ((b << 13) | (b >>> 19)) ^ a
  a = (a + b) | 0
  b = ((b << 15) | (b >>> 17)) ^ a
  a = (a + b) | 0
  b = ((b << 26) | (b >>> 6)) ^ a
  a = (a + b) | 0
  b = ((b << 6) | (b >>> 26)) ^ a

  out[0] = a + k2
  out[1] = b + k0 + 5
}

const scratch = new Uint32Array(2)

/** The two random words for a key and a counter; arguments are taken modulo 2^32, results are in [0, 2^32). */
export function threefry2x32(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  threefryInto(scratch, key0, key1, counter0, counter1)
  return [scratch[0], scratch[1]]
}

/**
 * A number in [0, 1), a multiple of 2^-24 and so exact in f32: the upper 24 bits of the first word of Threefry
 * with key (seed, stream) and counter (step, index).
 */
export function uniformAt(seed: number, stream: number, step: number, index: number): number {
  threefryInto(scratch, seed, stream, step, index)
  return (scratch[0] >>> 8) * 2 ** -24
}
