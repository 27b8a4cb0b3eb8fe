import type { VectorMath } from './vectorMath.ts'

export const oneBits = 0x3f800000
export const signBits = 0x80000000 | 0
export const exponentBits = 0xff800000 | 0
export const smallestNormal = 2 ** -126

/** coefficients[0] + coefficients[1] x + … by Horner's rule. */
export function polynomial<F, I, M>(b: VectorMath<F, I, M>, x: F, coefficients: readonly number[]): F {
  const last = coefficients.length - 1
  let sum = b.float(coefficients[last])
  for (let k = last - 1; k >= 0; k--) sum = b.fma(sum, x, b.float(coefficients[k]))
  return sum
}

/** 2^n for the integer in the low bits of `low`, from -126 to 127. */
export function powerOfTwo<F, I, M>(b: VectorMath<F, I, M>, low: I): F {
  return b.fromBits(b.iadd(b.shl(low, 23), b.int(oneBits)))
}

/** |magnitude| with the sign of x, where the magnitude's own sign is + or that of x already. */
export function withSignOf<F, I, M>(b: VectorMath<F, I, M>, magnitude: F, x: F): F {
  return b.fromBits(b.ior(b.bits(magnitude), b.iand(b.bits(x), b.int(signBits))))
}
