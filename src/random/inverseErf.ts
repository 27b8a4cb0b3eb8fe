import type { Expr } from '../expression/tree.ts'
import { binary, call, number } from '../expression/tree.ts'
import type { Node } from '../graph/node.ts'
import { clamp } from '../graph/operations/arithmetic.ts'
import { pointwise } from '../graph/operations/pointwise.ts'

/**
 * The inverse of the error function, to about 1e-6 of its value in f32, for x in (-1, 1); x nearer to 1 than 6e-8 is taken
 * as that. Source: Giles, "Approximating the erfinv function", GPU Computing Gems, 2011 (single precision).
 */
export function inverseErf(x: Node): Node {
  const held = clamp(x, -NEARLY_ONE, NEARLY_ONE)
  const w = pointwise('inverseErf', [held], (value) => {
    const product = binary('*', binary('-', number(1), value), binary('+', number(1), value))
    return binary('-', number(0), call('log', product))
  })
  return pointwise('inverseErf', [w, held], (tail, value) => {
    const middle = polynomial(MIDDLE, binary('-', tail, number(2.5)))
    const outer = polynomial(OUTER, binary('-', call('sqrt', tail), number(3)))
    return binary('*', call('where', binary('<', tail, number(5)), middle, outer), value)
  })
}

/** The largest f32 below 1. */
const NEARLY_ONE = 1 - 2 ** -24

/** In w - 2.5, for w = -log(1 - x²) below 5; highest power first. */
const MIDDLE = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
]

/** In √w - 3, from 5 on; highest power first. */
const OUTER = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
  1.00167406, 2.83297682,
]

/** Horner's scheme. */
const polynomial = (coefficients: readonly number[], x: Expr): Expr =>
  coefficients
    .slice(1)
    .reduce<Expr>((sum, coefficient) => binary('+', number(coefficient), binary('*', sum, x)), number(coefficients[0]))
