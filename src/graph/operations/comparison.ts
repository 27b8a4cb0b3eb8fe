// Comparisons and conditions: results are bool; a number counts as true unless it is 0.
import type { BinaryOperator, Expr } from '../../expression/tree.ts'
import { binary, call, number, unary } from '../../expression/tree.ts'
import type { Node } from '../node.ts'
import type { Operand } from './pointwise.ts'
import { pointwise } from './pointwise.ts'

const comparison = (operation: string, op: BinaryOperator) => (x: Operand, y: Operand) =>
  pointwise(operation, [x, y], (a, b) => binary(op, a, b))

export const eq = comparison('eq', '==')
export const ne = comparison('ne', '!=')
export const lt = comparison('lt', '<')
export const le = comparison('le', '<=')
export const gt = comparison('gt', '>')
export const ge = comparison('ge', '>=')

/** The condition "`operand` is not 0", of which `element` is an element. */
const truth = (operand: Operand, element: Expr): Expr =>
  typeof operand !== 'number' && operand.dtype === 'bool' ? element : binary('!=', element, number(0))

export const toBool = (x: Operand): Node => pointwise('cast', [x], (a) => truth(x, a))

export const logicalAnd = (x: Operand, y: Operand): Node =>
  pointwise('logicalAnd', [x, y], (a, b) => binary('and', truth(x, a), truth(y, b)))

export const logicalOr = (x: Operand, y: Operand): Node =>
  pointwise('logicalOr', [x, y], (a, b) => binary('or', truth(x, a), truth(y, b)))

export const logicalNot = (x: Operand): Node => pointwise('logicalNot', [x], (a) => unary('not', truth(x, a)))

/** `a` where `condition` holds, else `b`; all three broadcast. */
export const where = (condition: Operand, a: Operand, b: Operand): Node =>
  pointwise('where', [condition, a, b], (holds, yes, no) => call('where', truth(condition, holds), yes, no))

export const isNan = (x: Operand): Node => pointwise('isNaN', [x], (a) => binary('!=', a, a))

export const isFiniteValue = (x: Operand): Node =>
  pointwise('isFinite', [x], (a) => binary('<', call('abs', a), number(Number.POSITIVE_INFINITY)))
