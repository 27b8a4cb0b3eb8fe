import { reduceAngle } from './angleReduction.ts'
import { coefficients } from './coefficients.ts'
import { polynomial, signBits, withSignOf } from './common.ts'
import type { BinaryProgram, UnaryProgram, VectorMath } from './vectorMath.ts'

export const sin: UnaryProgram = (b, x) => {
  const { angle, quarters } = reduceAngle(b, x, false)
  return b.select(b.eq(x, b.float(0)), x, sineOf(b, angle[0], quarters))
}

export const cos: UnaryProgram = (b, x) => {
  const { angle, quarters } = reduceAngle(b, x, false)
  return sineOf(b, angle[0], b.iadd(quarters, b.int(1)))
}

/** The sine of an angle and quarter turns: that of the angle, or its cosine, or their negatives. It may lose the sign of 0. */
function sineOf<F, I, M>(b: VectorMath<F, I, M>, angle: F, quarters: I): F {
  const square = b.mul(angle, angle)
  const sine = b.fma(b.mul(angle, square), polynomial(b, square, coefficients.sin), angle)
  const cosine = polynomial(b, square, [1, -0.5, ...coefficients.cos])
  const y = b.select(b.testBit(quarters, 0), cosine, sine)
  const sign = b.iand(b.shl(quarters, 30), b.int(signBits))
  return b.fromBits(b.ixor(b.bits(y), sign))
}

/**
 * With d = r cot(r), which is even in r: tan is r / d, and after an odd number of quarter turns -d / r. What the rounding
 * of r lost is put right with the derivative, 1 + y^2 for either; what that of d lost, by a factor that stands for 1 / d.
 */
export const tan: UnaryProgram = (b, x) => {
  const { angle, quarters } = reduceAngle(b, x, true)
  const [r, lostOfR] = angle
  const square = b.mul(r, r)
  const factor = polynomial(b, square, coefficients.tan)
  const d = b.fma(square, factor, b.float(1))
  const lostOfD = b.mul(b.fma(square, factor, b.sub(b.float(1), d)), b.float(1.125))
  const odd = b.testBit(quarters, 0)
  const y = b.div(b.select(odd, b.neg(d), r), b.select(odd, r, d))
  const correction = b.fma(b.fma(y, y, b.float(1)), lostOfR, b.mul(y, b.select(odd, lostOfD, b.neg(lostOfD))))
  return b.select(b.eq(x, b.float(0)), x, b.add(y, correction))
}

/** atan2(y, x) from the arc tangent of the smaller over the larger magnitude. */
export const atan2: BinaryProgram = (b, y, x) => {
  const [ax, ay] = [b.abs(x), b.abs(y)]
  // In this order a NaN on either side is in one of the two.
  const smaller = b.min(ax, ay)
  const larger = b.max(ay, ax)
  const one = b.select(b.eq(smaller, larger), b.float(1), b.div(smaller, larger))
  const t = b.select(b.eq(b.add(ax, ay), b.float(0)), b.float(0), one)
  const square = b.mul(t, t)
  const first = b.fma(b.mul(t, square), polynomial(b, square, coefficients.atan), t)
  // 0, pi / 2 or pi, plus or minus that; what the float of pi leaves out is the same part of each.
  const steep = b.lt(ax, ay)
  const left = b.testBit(b.bits(x), 31)
  const base = b.select(steep, b.float(Math.PI / 2), b.select(left, b.float(Math.PI), b.float(0)))
  const turned = b.select(steep, b.neg(first), first)
  const signed = b.fromBits(b.ixor(b.bits(turned), b.iand(b.bits(x), b.int(signBits))))
  const angle = b.add(base, b.fma(base, b.float(piError), signed))
  return withSignOf(b, angle, y)
}

const piError = (Math.PI - Math.fround(Math.PI)) / Math.PI
