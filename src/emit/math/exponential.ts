import { coefficients } from './coefficients.ts'
import { halvedExponent, oneBits, polynomial, powerOfTwo, timesPower, withSignOf } from './common.ts'
import type { UnaryProgram, VectorMath } from './vectorMath.ts'

// ln 2 in two parts: the first has 9 bits, so that its product with a small integer is exact.
const ln2High = 0.693359375
const ln2Low = Math.LN2 - ln2High

/**
 * exp(x) = exp(r) 2^n, or exp(r) 4^m where there is no `scale`: with an even power of two, 2^m is a normal float over the
 * whole range, and the two products with it overflow to infinity and round to denormals as they should.
 */
export const exp: UnaryProgram = (b, x) => {
  const clamped = b.min(b.max(x, b.float(-104)), b.float(89))
  if (b.scale) {
    const { whole: n } = b.roundProduct(clamped, Math.LOG2E)
    const r = b.fnma(n, b.float(ln2Low), b.fnma(n, b.float(ln2High), clamped))
    return b.scale(polynomial(b, r, [1, 1, ...coefficients.exp]), n)
  }
  const { whole: m, low } = b.roundProduct(clamped, Math.LOG2E / 2)
  const r = b.fnma(m, b.float(2 * ln2Low), b.fnma(m, b.float(2 * ln2High), clamped))
  const scale = powerOfTwo(b, low)
  return b.mul(b.mul(polynomial(b, r, [1, 1, ...coefficients.expWide]), scale), scale)
}

const halfBits = 0x3f000000

/** exp(x) - 1 = 2 (2^(n-1) expm1(r) + (2^(n-1) - 1/2)): the half lets n reach 128. */
export const expm1: UnaryProgram = (b, x) => {
  const clamped = b.min(b.max(x, b.float(-30)), b.float(89))
  const { rest, low } = reducedExpm1(b, clamped, coefficients.expm1)
  const half = timesPower(b, halfBits, b.shl(low, 23))
  const y = b.fma(half, rest, b.sub(half, b.float(0.5)))
  return withSignOf(b, b.add(y, y), x)
}

/** The integer n in `low`, and exp(r) - 1 for r = x - n ln 2. */
function reducedExpm1<F, I, M>(b: VectorMath<F, I, M>, x: F, curve: readonly number[]): { rest: F; low: I } {
  const { whole: n, low } = b.roundProduct(x, Math.LOG2E)
  const coarse = b.fnma(n, b.float(ln2High), x)
  const r = b.fnma(n, b.float(ln2Low), coarse)
  const square = b.mul(r, r)
  const p = polynomial(b, r, curve)
  // Without fused multiply-adds the rounding of r matters, so the sum starts again from what is exact.
  const rest = b.fused ? b.fma(square, p, r) : b.add(coarse, b.fnma(n, b.float(ln2Low), b.mul(square, p)))
  return { rest, low }
}

// Numerator and denominator of sigmoid are both multiplied by this. It keeps the denominator away from just above a power
// of two, where rounding costs most, for all those x whose result is just below one.
const sigmoidFactorBits = 0x3fc00000 // 1.5

/**
 * 1 / (1 + exp(-x)) with exp(-x) = (1 + q) 2^n and n = m + k in halves, as 2^-m / (2^-m + (1 + q) 2^k): nothing overflows,
 * and what is too small for a normal float comes out denormal by the division.
 */
export const sigmoid: UnaryProgram = (b, x) => {
  const minus = b.neg(b.min(b.max(x, b.float(-104)), b.float(104)))
  const { rest: q, low } = reducedExpm1(b, minus, coefficients.exp)
  const { m, k } = halvedExponent(b, low)
  const one = b.fromBits(b.isub(b.int(sigmoidFactorBits), m))
  const scale = timesPower(b, sigmoidFactorBits, k)
  return b.div(one, b.add(scale, b.fma(q, scale, one)))
}

/**
 * (1 - e) / (1 + e) for e = exp(-2 |x|) = (1 - m) 2^-n. Numerator and denominator are each rounded once, and both are exact
 * enough near 0 and near 1.
 */
export const tanh: UnaryProgram = (b, x) => {
  const a = b.min(b.abs(x), b.float(10))
  const { whole: n, low } = b.roundProduct(a, 2 * Math.LOG2E)
  const r = b.fnma(n, b.float(Math.LN2), b.add(a, a))
  const m = b.fnma(b.mul(r, r), polynomial(b, r, ofMinus(coefficients.exp)), r)
  const scale = b.fromBits(b.isub(b.int(oneBits), b.shl(low, 23)))
  const one = b.float(1)
  const quotient = b.div(b.fma(scale, m, b.sub(one, scale)), b.fnma(scale, m, b.add(one, scale)))
  return withSignOf(b, quotient, x)
}

/** The coefficients of P(-x). */
const ofMinus = (curve: readonly number[]): readonly number[] =>
  curve.map((coefficient, degree) => (degree % 2 === 0 ? coefficient : -coefficient))
