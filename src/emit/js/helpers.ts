// What generated JavaScript calls beyond Math.
import { largest, smallest } from '../../compiler/ir.ts'
import { uniformAt } from '../../random/threefry.ts'

export const helpers = { erf, pow, uniform: uniformAt, floorMod, roundEven, toInt }

/** The power of C99 and IEEE 754: unlike JavaScript's, 1 to any power is 1, and so is -1 to an infinite one. */
function pow(x: number, y: number): number {
  return x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y
}

/** Cut towards 0, between the bounds of i32; NaN is 0. */
function toInt(x: number): number {
  return Math.max(smallest, Math.min(x, largest)) | 0
}

/** The remainder with the sign of the divisor. */
function floorMod(a: number, b: number): number {
  const rest = a % b
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest
}

/** The nearest integer, halves to even. */
function roundEven(x: number): number {
  const rounded = Math.round(x)
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

/**
 * The error function to double precision: its Maclaurin series up to 2.5, beyond that the continued fraction of erfc
 * (Abramowitz and Stegun 7.1.6 and 7.1.14).
 */
function erf(x: number): number {
  const size = Math.abs(x)
  if (size > 6) return Math.sign(x)
  if (size < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1)
      sum += term
    }
    return x === 0 ? x : (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
  }
  let fraction = 0
  for (let n = 60; n > 0; n--) fraction = n / 2 / (size + fraction)
  const complement = Math.exp(-x * x) / Math.sqrt(Math.PI) / (size + fraction)
  return Math.sign(x) * (1 - complement)
}
