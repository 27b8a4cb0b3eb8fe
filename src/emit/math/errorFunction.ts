import { coefficients, erfEnd, erfSplit } from './coefficients.ts'
import { polynomial, withSignOf } from './common.ts'
import type { UnaryProgram } from './vectorMath.ts'

/** erf(x) = x (1 + P(x^2)) for small |x|, else 1 - Q(|x|)^8, which needs no exponential. */
export const erf: UnaryProgram = (b, x) => {
  const small = b.fma(x, polynomial(b, b.mul(x, x), coefficients.erfSmall), x)
  const a = b.min(b.abs(x), b.float(erfEnd))
  const root = polynomial(b, a, coefficients.erfLarge)
  const square = b.mul(root, root)
  const fourth = b.mul(square, square)
  const large = withSignOf(b, b.fnma(fourth, fourth, b.float(1)), x)
  return b.select(b.lt(a, b.float(erfSplit)), small, large)
}
