import { coefficients } from './coefficients.ts'
import { oneBits, polynomial, powerOfTwo, withSignOf } from './common.ts'
import type { UnaryProgram } from './vectorMath.ts'

// ln 2 in two parts: the first has 9 bits, so that its product with a small integer is exact.
const ln2High = 0.693359375
const ln2Low = Math.LN2 - ln2High

/**
 * exp(x) = exp(r) 4^m. With an even power of two, 2^m is a normal float over the whole range, and the two products
 * with it overflow to infinity and round to denormals as they should.
 */
export const exp: UnaryProgram = (b, x) => {
  const clamped = b.min(b.max(x, b.float(-104)), b.float(89))
  const { whole: m, low } = b.roundProduct(clamped, Math.LOG2E / 2)
  const r = b.fnma(m, b.float(2 * ln2Low), b.fnma(m, b.float(2 * ln2High), clamped))
  const scale = powerOfTwo(b, low)
  return b.mul(b.mul(polynomial(b, r, [1, 1, ...coefficients.expWide]), scale), scale)
}

/** exp(x) - 1 = 2 (2^(n-1) expm1(r) + (2^(n-1) - 1/2)): the half lets n reach 128. */
export const expm1: UnaryProgram = (b, x) => {
  const clamped = b.min(b.max(x, b.float(-30)), b.float(89))
  const { whole: n, low } = b.roundProduct(clamped, Math.LOG2E)
  const r = b.fnma(n, b.float(ln2Low), b.fnma(n, b.float(ln2High), clamped))
  const tail = b.fma(b.mul(r, r), polynomial(b, r, coefficients.expm1), r)
  const half = b.fromBits(b.iadd(b.shl(low, 23), b.int(126 << 23)))
  const y = b.fma(half, tail, b.sub(half, b.float(0.5)))
  return withSignOf(b, b.add(y, y), x)
}

/**
 * 1 / (1 + exp(-x)) with exp(-x) = p 4^m, as 2^-m / (2^-m + p 2^m): nothing overflows, and what is too small for a normal
 * float comes out denormal by the division.
 */
export const sigmoid: UnaryProgram = (b, x) => {
  const clamped = b.min(b.max(x, b.float(-104)), b.float(104))
  const { whole: m, low } = b.roundProduct(clamped, -Math.LOG2E / 2)
  const r = b.fma(m, b.float(2 * ln2Low), b.fma(m, b.float(2 * ln2High), clamped))
  const expOfMinus = [1, 1, ...coefficients.expWide].map((c, k) => (k % 2 ? -c : c))
  const p = polynomial(b, r, expOfMinus)
  const exponent = b.shl(low, 23)
  const scale = b.fromBits(b.iadd(b.int(oneBits), exponent))
  const inverse = b.fromBits(b.isub(b.int(oneBits), exponent))
  return b.div(inverse, b.fma(p, scale, inverse))
}

/**
 * With x = n ln(2)/2 + r, s = 2^n and t = tanh(r):  tanh(x) = ((s - 1) + (s + 1) t) / ((s + 1) + (s - 1) t).
 * For n = 0 that is t exactly; where tanh(x) nears 1 the errors of t fade.
 */
export const tanh: UnaryProgram = (b, x) => {
  const clamped = b.min(b.max(x, b.float(-9.02)), b.float(9.02))
  const { whole: n, low } = b.roundProduct(clamped, 2 * Math.LOG2E)
  const r = b.fnma(n, b.float(Math.LN2 / 2), clamped)
  const t = b.mul(r, polynomial(b, b.mul(r, r), [1, ...coefficients.tanh]))
  const s = powerOfTwo(b, low)
  const sum = b.add(s, b.float(1))
  // Not s - 1, which would make tanh(-0) = 0.
  const difference = b.neg(b.sub(b.float(1), s))
  return b.div(b.fma(sum, t, difference), b.fma(difference, t, sum))
}
