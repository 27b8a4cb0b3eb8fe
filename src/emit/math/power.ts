import { coefficients } from './coefficients.ts'
import type { Double } from './common.ts'
import {
  exponentBits,
  halvedExponent,
  oneBits,
  polynomial,
  productError,
  signBits,
  smallestNormal,
  splitConstant,
  timesPower,
} from './common.ts'
import { sqrtHalfBits } from './logarithm.ts'
import type { BinaryProgram, VectorMath } from './vectorMath.ts'

/** x^y = 2^(y log2 |x|), with the logarithm in pairs of floats, and the special cases of C99 and IEEE 754 (pow(1, NaN) = 1). */
export const pow: BinaryProgram = (b, x, y) => {
  const [zero, one, infinity] = [b.float(0), b.float(1), b.float(Number.POSITIVE_INFINITY)]
  const ax = b.abs(x)
  const logarithm = log2(b, ax)
  const ofZero = b.select(b.eq(ax, zero), b.float(Number.NEGATIVE_INFINITY), logarithm.high)
  const high = b.select(b.eq(ax, infinity), infinity, ofZero)
  const product = b.mul(y, high)
  const error = b.fma(y, logarithm.low, productError(b, y, high, product))
  const clamped = b.min(b.max(product, b.float(-160)), b.float(160))
  const power = exp2(b, clamped, b.select(b.eq(product, clamped), error, zero))
  const ofOne = b.select(b.eq(ax, one), one, power)
  const magnitude = b.select(b.eq(x, x), ofOne, x)

  const half = b.mul(y, b.float(0.5))
  const whole = b.eq(b.floor(y), y)
  const even = b.eq(b.floor(half), half)
  const negative = b.testBit(b.bits(x), 31)
  // An odd power keeps the sign of x; a power that is not whole has no real value for x < 0, save for -0 and -infinity.
  const sign = b.selectInt(even, b.int(0), b.selectInt(whole, b.iand(b.bits(x), b.int(signBits)), b.int(0)))
  const signed = b.fromBits(b.ixor(b.bits(magnitude), sign))
  const ordinary = b.and(b.and(negative, b.lt(ax, infinity)), b.lt(zero, ax))
  const ofNegative = b.select(whole, signed, b.float(Number.NaN))
  return b.select(b.eq(y, zero), one, b.select(ordinary, ofNegative, signed))
}

// 2 / ln 2 and 1/3 in two floats each.
const twoOverLn2 = splitConstant(2 / Math.LN2)
const third = splitConstant(1 / 3)

/** log2(x) = k + 2 / ln 2 * (s + s^3 / 3 + …) with x = 2^k m and s = (m - 1) / (m + 1), for x > 0. */
function log2<F, I, M>(b: VectorMath<F, I, M>, x: F): Double<F> {
  const denormal = b.lt(x, b.float(smallestNormal))
  const normal = b.select(denormal, b.mul(x, b.float(2 ** 23)), x)
  const exponent = b.iand(b.isub(b.bits(normal), b.int(sqrtHalfBits)), b.int(exponentBits))
  const m = b.fromBits(b.isub(b.bits(normal), exponent))
  const shift = b.selectInt(denormal, b.int(23 << 23), b.int(0))
  const k = b.mul(b.toFloat(b.isub(exponent, shift)), b.float(2 ** -23))

  const numerator = b.sub(m, b.float(1))
  const denominator = b.add(m, b.float(1))
  const s = quotient(b, numerator, { high: denominator, low: b.sub(m, b.sub(denominator, b.float(1))) })
  const square = product(b, s, s)
  const tail = b.mul(square.high, polynomial(b, square.high, coefficients.log2))
  const factor = sum(b, { high: b.float(third.high), low: b.float(third.low) }, { high: tail, low: b.float(0) })
  const atanh = sum(b, s, product(b, s, product(b, square, factor)))
  const scaled = product(b, atanh, { high: b.float(twoOverLn2.high), low: b.float(twoOverLn2.low) })
  return sum(b, { high: k, low: b.float(0) }, scaled)
}

/** a + c, where |a| >= |c| or a is 0. */
function sum<F, I, M>(b: VectorMath<F, I, M>, a: Double<F>, c: Double<F>): Double<F> {
  const high = b.add(a.high, c.high)
  const low = b.add(b.add(b.sub(a.high, high), c.high), b.add(a.low, c.low))
  return { high, low }
}

function product<F, I, M>(b: VectorMath<F, I, M>, a: Double<F>, c: Double<F>): Double<F> {
  const high = b.mul(a.high, c.high)
  const low = b.fma(a.high, c.low, b.fma(a.low, c.high, productError(b, a.high, c.high, high)))
  return { high, low }
}

function quotient<F, I, M>(b: VectorMath<F, I, M>, a: F, c: Double<F>): Double<F> {
  const high = b.div(a, c.high)
  const back = b.mul(high, c.high)
  const rest = b.sub(b.sub(a, back), productError(b, high, c.high, back))
  return { high, low: b.div(b.fnma(high, c.low, rest), c.high) }
}

/** 2^(high + low) for |high| <= 160. */
function exp2<F, I, M>(b: VectorMath<F, I, M>, high: F, low: F): F {
  const { whole, low: n } = b.roundProduct(high, 1)
  const r = b.add(b.sub(high, whole), low)
  const { m, k } = halvedExponent(b, n)
  const scale = timesPower(b, oneBits, m)
  const power = b.fma(b.mul(r, polynomial(b, r, coefficients.exp2)), scale, scale)
  return b.mul(power, timesPower(b, oneBits, k))
}
