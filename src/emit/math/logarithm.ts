import { coefficients } from './coefficients.ts'
import { exponentBits, oneBits, polynomial, smallestNormal } from './common.ts'
import type { UnaryProgram, VectorMath } from './vectorMath.ts'

// The bits of sqrt(1/2), rounded down: with them taken off, the exponent bits say which power of two brings a float into
// [sqrt(1/2), sqrt(2)).
export const sqrtHalfBits = 0x3f3504f3

// ln 2 in two parts, times 2^-23: the exponent is left where it stands in the float's bits.
const ln2High = 0.693359375 * 2 ** -23
const ln2Low = (Math.LN2 - 0.693359375) * 2 ** -23

/** log(x) = log(1 + f) + k ln 2 for x = 2^k (1 + f). */
export const log: UnaryProgram = (b, x) => {
  const denormal = b.lt(x, b.float(smallestNormal))
  const normal = b.select(denormal, b.mul(x, b.float(2 ** 23)), x)
  const exponent = b.iand(b.isub(b.bits(normal), b.int(sqrtHalfBits)), b.int(exponentBits))
  const f = b.sub(b.fromBits(b.isub(b.bits(normal), exponent)), b.float(1))
  const shift = b.selectInt(denormal, b.int(23 << 23), b.int(0))
  const y = logOf(b, f, b.toFloat(b.isub(exponent, shift)))
  const finite = b.select(b.lt(x, b.float(Number.POSITIVE_INFINITY)), y, x)
  const outside = b.select(b.eq(x, b.float(0)), b.float(Number.NEGATIVE_INFINITY), b.float(Number.NaN))
  return b.select(b.lt(b.float(0), x), finite, outside)
}

/**
 * log(1 + x): the exponent k is that of the rounded sum, but f = x 2^-k + (2^-k - 1) keeps what the sum loses.
 */
export const log1p: UnaryProgram = (b, x) => {
  const sum = b.add(x, b.float(1))
  const exponent = b.iand(b.isub(b.bits(sum), b.int(sqrtHalfBits)), b.int(exponentBits))
  const fourTimesScale = b.fromBits(b.isub(b.int(oneBits + (2 << 23)), exponent))
  const scaled = b.fromBits(b.isub(b.bits(x), exponent))
  const f = b.add(scaled, b.fma(b.float(0.25), fourTimesScale, b.float(-1)))
  const y = logOf(b, f, b.toFloat(exponent))
  const itself = b.eq(b.add(x, x), x)
  const finite = b.select(itself, x, y)
  const outside = b.select(b.eq(sum, b.float(0)), b.float(Number.NEGATIVE_INFINITY), b.float(Number.NaN))
  return b.select(b.and(b.lt(b.float(-1), x), b.eq(x, x)), finite, outside)
}

/** log(1 + f) + k ln 2, with the float `exponent` being 2^23 k. */
function logOf<F, I, M>(b: VectorMath<F, I, M>, f: F, exponent: F): F {
  const tail = polynomial(b, f, [-0.5, ...coefficients.log1p])
  const small = b.fma(b.mul(f, f), tail, b.mul(exponent, b.float(ln2Low)))
  return b.fma(exponent, b.float(ln2High), b.add(f, small))
}
