// Arithmetic and the scalar functions, element by element.
import type { ScalarFunctionName } from '../../expression/functions.ts'
import type { BinaryOperator } from '../../expression/tree.ts'
import { binary, call, unary } from '../../expression/tree.ts'
import type { Node } from '../node.ts'
import type { Operand } from './pointwise.ts'
import { pointwise } from './pointwise.ts'

type Unary = (x: Operand) => Node
type Binary = (x: Operand, y: Operand) => Node

const operator =
  (operation: string, op: BinaryOperator): Binary =>
  (x, y) =>
    pointwise(operation, [x, y], (a, b) => binary(op, a, b))

export const add = operator('add', '+')
export const sub = operator('sub', '-')
export const mul = operator('mul', '*')
/** x / y; a float even for integers. */
export const div = operator('div', '/')
export const pow = operator('pow', '^')
/** The remainder, with the sign of the divisor, as in Python. */
export const mod = operator('mod', '%')
export const neg: Unary = (x) => pointwise('neg', [x], (a) => unary('-', a))
export const square: Unary = (x) => pointwise('square', [x], (a) => binary('*', a, a))

const scalar1 =
  (fn: ScalarFunctionName): Unary =>
  (x) =>
    pointwise(fn, [x], (a) => call(fn, a))

export const exp = scalar1('exp')
export const log = scalar1('log')
export const log1p = scalar1('log1p')
export const expm1 = scalar1('expm1')
export const sqrt = scalar1('sqrt')
export const sin = scalar1('sin')
export const cos = scalar1('cos')
export const tan = scalar1('tan')
export const tanh = scalar1('tanh')
export const sigmoid = scalar1('sigmoid')
export const erf = scalar1('erf')
export const relu = scalar1('relu')
export const gelu = scalar1('gelu')
export const silu = scalar1('silu')
export const softplus = scalar1('softplus')
export const abs = scalar1('abs')
export const sign = scalar1('sign')
export const floor = scalar1('floor')
export const ceil = scalar1('ceil')
export const round = scalar1('round')
export const stopGradient = scalar1('stopGradient')

const scalar2 =
  (operation: string, fn: ScalarFunctionName): Binary =>
  (x, y) =>
    pointwise(operation, [x, y], (a, b) => call(fn, a, b))

export const maximum = scalar2('maximum', 'max')
export const minimum = scalar2('minimum', 'min')
/** The angle of the point (x, y): atan2(y, x). */
export const atan2 = scalar2('atan2', 'atan2')

/** x held between `low` and `high`; a bound that is left out does not bind. */
export function clamp(x: Operand, low: Operand | undefined, high: Operand | undefined): Node {
  if (low !== undefined && high !== undefined)
    return pointwise('clamp', [x, low, high], (a, least, most) => call('clamp', a, least, most))
  if (low !== undefined) return maximum(x, low)
  return high === undefined ? pointwise('clamp', [x], (a) => a) : minimum(x, high)
}
