import { reduceAngle } from './angleReduction.ts'
import { coefficients } from './coefficients.ts'
import { polynomial, signBits, withSignOf } from './common.ts'
import type { BinaryProgram, Reduced, UnaryProgram, VectorMath } from './vectorMath.ts'

export const sin: UnaryProgram = (b, x) => sineOf(b, reduceAngle(b, x))

export const cos: UnaryProgram = (b, x) => {
  const { angle, quarters } = reduceAngle(b, x)
  return sineOf(b, { angle, quarters: b.iadd(quarters, b.int(1)) })
}

/** The sine of an angle and quarter turns: that of the angle, or its cosine, or their negatives. */
function sineOf<F, I, M>(b: VectorMath<F, I, M>, { angle, quarters }: Reduced<F, I>): F {
  const square = b.mul(angle, angle)
  // Not angle + angle^3 P, which would make sin(-0) = 0.
  const sine = b.mul(angle, polynomial(b, square, [1, ...coefficients.sin]))
  const cosine = polynomial(b, square, [1, -0.5, ...coefficients.cos])
  const y = b.select(b.testBit(quarters, 0), cosine, sine)
  const sign = b.iand(b.shl(quarters, 30), b.int(signBits))
  return b.fromBits(b.ixor(b.bits(y), sign))
}

/** tan of the angle left, or after an odd number of quarter turns -1 / tan. */
export const tan: UnaryProgram = (b, x) => {
  const { angle, quarters } = reduceAngle(b, x)
  const t = b.mul(angle, polynomial(b, b.mul(angle, angle), [1, ...coefficients.tan]))
  return b.select(b.testBit(quarters, 0), b.div(b.float(-1), t), t)
}

/** atan2(y, x) from the arc tangent of the smaller over the larger magnitude. */
export const atan2: BinaryProgram = (b, y, x) => {
  const [ax, ay] = [b.abs(x), b.abs(y)]
  // In this order a NaN on either side is in one of the two.
  const smaller = b.min(ax, ay)
  const larger = b.max(ay, ax)
  const quotient = b.div(smaller, larger)
  const orZero = b.select(b.eq(larger, b.float(0)), b.float(0), quotient)
  const t = b.select(b.eq(smaller, b.float(Number.POSITIVE_INFINITY)), b.float(1), orZero)
  const square = b.mul(t, t)
  const first = b.fma(b.mul(t, square), polynomial(b, square, coefficients.atan), t)
  const quadrant = b.select(b.lt(ax, ay), b.sub(b.float(Math.PI / 2), first), first)
  const half = b.select(b.testBit(b.bits(x), 31), b.sub(b.float(Math.PI), quadrant), quadrant)
  return withSignOf(b, half, y)
}
