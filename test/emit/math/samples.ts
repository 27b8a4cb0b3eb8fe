const f32 = new Float32Array(1)
const bits = new Uint32Array(f32.buffer)

export function floatOfBits(pattern: number): number {
  bits[0] = pattern
  return f32[0]
}

/** Every f32 whose bit pattern is a multiple of `step`, and those next to any of the given values and their negatives. */
export function sampleFloats(step: number, near: readonly number[] = []): Float32Array {
  const patterns: number[] = []
  for (let pattern = 0; pattern < 2 ** 32; pattern += step) patterns.push(pattern)
  for (const value of [...near, ...edges]) {
    f32[0] = value
    const center = bits[0]
    for (let offset = -3; offset <= 3; offset++) {
      const neighbour = (center + offset) >>> 0
      patterns.push(neighbour, (neighbour ^ 0x80000000) >>> 0)
    }
  }
  return new Float32Array(Uint32Array.from(patterns).buffer)
}

const edges = [0, 2 ** -149, 2 ** -126, 0.5, 1, 2, 3.4028234663852886e38, Number.POSITIVE_INFINITY, Number.NaN]

/** Pseudo-random 32-bit patterns (xorshift), the same each time. */
export function patternsFrom(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

/** Pairs for atan2 and pow: any two floats, and pairs whose power or quotient is within the range of floats. */
export function samplePairs(count: number): { first: Float32Array; second: Float32Array } {
  const next = patternsFrom(0x2545f491)
  const first: number[] = []
  const second: number[] = []
  const special = [
    0,
    -0,
    1,
    -1,
    2,
    -2,
    3,
    -3,
    0.5,
    -0.5,
    Infinity,
    -Infinity,
    NaN,
    2 ** -149,
    1e38,
    -1e38,
    2 ** 24 - 1,
    -127,
  ]
  for (const a of special) {
    for (const b of special) {
      first.push(a)
      second.push(b)
    }
  }
  for (let i = 0; i < count; i++) {
    const a = i % 4 === 3 ? 0.5 + (next() / 2 ** 32) * 1.5 : floatOfBits(next())
    const logarithm = Math.log2(Math.abs(a))
    const byRange = (next() / 2 ** 32) * 300 - 160
    first.push(a)
    second.push(
      [
        () => floatOfBits(next()),
        () => byRange / logarithm,
        () => Math.round(byRange / logarithm),
        () => byRange / logarithm,
      ][i % 4](),
    )
  }
  for (let i = 0; i < count; i++) {
    const a = floatOfBits(next())
    first.push(a)
    second.push(a * floatOfBits(0x3d000000 + (next() % 0x05000000)) * (next() % 2 ? 1 : -1))
  }
  return { first: Float32Array.from(first), second: Float32Array.from(second) }
}
