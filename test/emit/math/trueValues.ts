// What the functions should give, in double precision.

import type { BinaryProgramName, UnaryProgramName } from '../../../src/emit/math/functions.ts'

export const trueUnary: Readonly<Record<UnaryProgramName, (x: number) => number>> = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  tanh: Math.tanh,
  sigmoid: (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  erf,
}

export const trueBinary: Readonly<Record<BinaryProgramName, (a: number, b: number) => number>> = {
  atan2: Math.atan2,
  // ECMAScript differs from IEEE 754 where the base is 1, or is -1 and the exponent infinite.
  pow: (x, y) => (x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y),
}

/** The series for small x; beyond, 1 less the continued fraction of erfc (Abramowitz and Stegun 7.1.6 and 7.1.14). */
function erf(x: number): number {
  if (Number.isNaN(x)) return x
  const a = Math.abs(x)
  if (a < 2) {
    let term = (2 / Math.sqrt(Math.PI)) * x * Math.exp(-x * x)
    let sum = term
    for (let k = 1; Math.abs(term) > 1e-18 * Math.abs(sum); k++) {
      term *= (2 * x * x) / (2 * k + 1)
      sum += term
    }
    return sum
  }
  let tail = 0
  for (let k = 80; k > 0; k--) tail = k / 2 / (a + tail)
  const complement = a > 6 ? 0 : Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + tail)
  return Math.sign(x) * (1 - complement)
}

const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)

/** How far an f32 is from the true value, in units in the last place of the f32s around the true value. */
export function ulpError(found: number, expected: number): number {
  if (Number.isNaN(expected) || Number.isNaN(found))
    return Number.isNaN(expected) === Number.isNaN(found) ? 0 : Infinity
  if (expected === 0 && found === 0) return Object.is(expected, found) ? 0 : Infinity
  if (found === expected) return 0
  if (Math.abs(expected) === Infinity) return Infinity
  // An infinity stands for the value after the largest f32.
  const value = Math.abs(found) === Infinity ? Math.sign(found) * 2 ** 128 : found
  double[0] = expected
  const exponent = Math.min(127, Math.max(-126, ((words[1] >>> 20) & 0x7ff) - 1023))
  const bounded = Math.sign(expected) * Math.min(Math.abs(expected), 2 ** 128)
  return Math.abs(value - bounded) / 2 ** (exponent - 23)
}
