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
  return timesPower(b, oneBits, b.shl(low, 23))
}

/**
 * The integer n in the low bits of `low` as m + k, halves of it, both shifted to where a float has its exponent: 2^m and 2^k
 * are floats for an n beyond the exponents that a float has.
 */
export function halvedExponent<F, I, M>(b: VectorMath<F, I, M>, low: I): { m: I; k: I } {
  const m = b.shl(b.shrSigned(low, 1), 23)
  return { m, k: b.isub(b.shl(low, 23), m) }
}

/** The float of the bits `factorBits`, times the power of two of a shifted exponent. */
export function timesPower<F, I, M>(b: VectorMath<F, I, M>, factorBits: number, exponent: I): F {
  return b.fromBits(b.iadd(b.int(factorBits), exponent))
}

/** |magnitude| with the sign of x, where the magnitude's own sign is + or that of x already. */
export function withSignOf<F, I, M>(b: VectorMath<F, I, M>, magnitude: F, x: F): F {
  return b.fromBits(b.ior(b.bits(magnitude), b.iand(b.bits(x), b.int(signBits))))
}

/** A value as the sum of two floats, the second about half an ulp of the first at most. */
export interface Double<F> {
  readonly high: F
  readonly low: F
}

export function splitConstant(value: number): Double<number> {
  return { high: Math.fround(value), low: Math.fround(value - Math.fround(value)) }
}

/** a * c - product exactly, for the rounded product: by a fused multiply-add, else by Dekker's halves of 12 bits. */
export function productError<F, I, M>(b: VectorMath<F, I, M>, a: F, c: F, product: F): F {
  if (b.fused) return b.fma(a, c, b.neg(product))
  const upper = (v: F) => b.fromBits(b.iand(b.bits(v), b.int(~0xfff)))
  const [aHigh, cHigh] = [upper(a), upper(c)]
  const [aLow, cLow] = [b.sub(a, aHigh), b.sub(c, cHigh)]
  const first = b.sub(b.mul(aHigh, cHigh), product)
  return b.add(b.add(b.add(first, b.mul(aHigh, cLow)), b.mul(aLow, cHigh)), b.mul(aLow, cLow))
}
