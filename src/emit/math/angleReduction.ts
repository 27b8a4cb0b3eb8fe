import { halfPi, inverseTwoPi } from './coefficients.ts'
import { productError, signBits, splitConstant } from './common.ts'
import type { Reduced, VectorMath } from './vectorMath.ts'

const fusedLimit = 100_000
const plainLimit = 6_400

/**
 * Takes the nearest multiple of pi/2 off x: Cody and Waite's way up to a limit, Payne and Hanek's beyond. NaN for infinity.
 * `exactly` asks for the angle as the sum of two floats.
 */
export function reduceAngle<F, I, M>(b: VectorMath<F, I, M>, x: F, exactly: boolean): Reduced<F, I> {
  const { whole, low } = b.roundProduct(x, 2 / Math.PI)
  const angle = b.fused ? fusedRest(b, x, whole, exactly) : plainRest(b, x, whole, exactly)
  const far = b.lt(b.float(b.fused ? fusedLimit : plainLimit), b.abs(x))
  return b.rarely(far, { angle, quarters: low }, () => reduceLargeAngle(b, x, exactly))
}

/** x - n pi/2 by three full floats. */
function fusedRest<F, I, M>(b: VectorMath<F, I, M>, x: F, n: F, exactly: boolean): F[] {
  const [first, second, third] = halfPi.full.map((part) => b.float(part))
  const coarse = b.fnma(n, first, x)
  if (!exactly) return [b.fnma(n, third, b.fnma(n, second, coarse))]
  // Knuth's exact sum of coarse and -n times the second part, whose product in turn loses something.
  const product = b.mul(n, second)
  const sum = b.sub(coarse, product)
  const minus = b.sub(sum, coarse)
  const rounded = b.sub(b.sub(coarse, b.sub(sum, minus)), b.add(product, minus))
  const correction = b.fnma(n, third, b.sub(rounded, productError(b, n, second, product)))
  return sumOf(b, sum, correction, exactly)
}

/**
 * x - n pi/2 by parts of 12 bits, whose products with n of up to 12 bits are exact: hence the lower limit. What the second
 * subtraction rounds off goes into those after it.
 */
function plainRest<F, I, M>(b: VectorMath<F, I, M>, x: F, n: F, exactly: boolean): F[] {
  const [first, second, third, fourth] = halfPi.short.map((part) => b.mul(n, b.float(part)))
  const coarse = b.sub(x, first)
  const rest = b.sub(coarse, second)
  const rounded = b.sub(b.sub(coarse, rest), second)
  return sumOf(b, rest, b.sub(b.sub(rounded, third), fourth), exactly)
}

/** large + small rounded, and if asked what that lost. */
function sumOf<F, I, M>(b: VectorMath<F, I, M>, large: F, small: F, exactly: boolean): F[] {
  const sum = b.add(large, small)
  return exactly ? [sum, b.add(b.sub(large, sum), small)] : [sum]
}

/**
 * The fraction of x / (2 pi) in integers (Payne and Hanek, "Radian reduction for trigonometric functions", 1983): of
 * x = M 2^e only those bits of 1 / (2 pi) count that M does not carry to whole turns nor below the last place needed.
 */
function reduceLargeAngle<F, I, M>(b: VectorMath<F, I, M>, x: F, exactly: boolean): Reduced<F, I> {
  const bits = b.bits(x)
  const mantissa = b.ior(b.iand(bits, b.int(0x7fffff)), b.int(0x800000))
  const mantissaHigh = b.shrUnsigned(mantissa, 16)
  const mantissaLow = b.iand(mantissa, b.int(0xffff))
  // The string of bits starts with 16 zeros, which make e >= -16 count from 0.
  const start = b.isub(b.iand(b.shrUnsigned(bits, 23), b.int(0xff)), b.int(150 - 16))
  const limbs = windowOfInverseTwoPi(b, start)

  const low = (a: I) => b.iand(a, b.int(0xffff))
  const high = (a: I) => b.shrUnsigned(a, 16)
  const lowProducts = limbs.map((limb) => b.imul(mantissaLow, limb))
  const highProducts = limbs.map((limb) => b.imul(mantissaHigh, limb))
  const digits: I[] = []
  let carry = b.int(0)
  for (let i = 3; i >= 0; i--) {
    const fromLow = b.iadd(low(lowProducts[i]), high(lowProducts[i + 1]))
    const fromHigh = b.iadd(low(highProducts[i + 1]), high(highProducts[i + 2]))
    const sum = b.iadd(b.iadd(fromLow, fromHigh), carry)
    digits[i] = low(sum)
    carry = high(sum)
  }
  const fraction = { high: b.ior(b.shl(digits[0], 16), digits[1]), low: b.ior(b.shl(digits[2], 16), digits[3]) }
  return angleOfTurns(b, fraction, x, exactly)
}

/** Six times 16 bits of the string of zeros and 1 / (2 pi), from bit number `start` on. */
function windowOfInverseTwoPi<F, I, M>(b: VectorMath<F, I, M>, start: I): I[] {
  const limbs = [0, ...inverseTwoPi]
  let window = limbs.slice(1).map((limb, i) => b.int((limbs[i] << 16) | limb))
  for (const [bit, distance] of [
    [6, 4],
    [5, 2],
    [4, 1],
  ]) {
    const mask = b.testBit(start, bit)
    window = window.slice(distance).map((later, i) => b.selectInt(mask, later, window[i]))
  }
  const shift = b.iand(start, b.int(15))
  const factor = b.toInt(b.fromBits(b.shl(b.iadd(shift, b.int(127)), 23)))
  return window.slice(0, 6).map((pair) => b.shrUnsigned(b.imul(pair, factor), 16))
}

const radians = splitConstant((2 * Math.PI) / 2 ** 32)

/** The nearest quarter turn and the angle left, for a fraction of a turn of 64 bits, with the sign of x. */
function angleOfTurns<F, I, M>(
  b: VectorMath<F, I, M>,
  { high, low }: { high: I; low: I },
  x: F,
  exactly: boolean,
): Reduced<F, I> {
  const quarterBits = b.iand(b.iadd(high, b.int(1 << 29)), b.int(3 << 30))
  const rest = b.iadd(b.isub(high, quarterBits), b.shrUnsigned(low, 31))
  // The fraction as the sum of two floats.
  const first = b.toFloat(rest)
  const second = b.fma(b.toFloat(low), b.float(2 ** -32), b.toFloat(b.isub(rest, b.toInt(first))))
  const sum = b.add(first, second)
  const lost = b.add(b.sub(first, sum), second)
  const product = b.mul(sum, b.float(radians.high))
  const error = b.fma(lost, b.float(radians.high), productError(b, sum, b.float(radians.high), product))
  const angle = sumOf(b, product, b.fma(sum, b.float(radians.low), error), exactly)
  const signBit = b.iand(b.bits(x), b.int(signBits))
  const sign = b.shrSigned(b.bits(x), 31)
  return {
    // x - x is 0, and NaN for infinity.
    angle: angle.map((part) => b.add(b.fromBits(b.ixor(b.bits(part), signBit)), b.sub(x, x))),
    quarters: b.isub(b.ixor(b.shrUnsigned(quarterBits, 30), sign), sign),
  }
}
