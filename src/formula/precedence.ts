// How tightly each construct binds: the one table behind the parser and both printers.
import type { BinaryOperator, Expr, ReductionOperator } from '../expression/tree.ts'

export const level = { or: 1, and: 2, not: 3, compare: 4, add: 5, multiply: 6, unary: 7, power: 8, atom: 9 } as const

export const binaryLevel: Readonly<Record<BinaryOperator, number>> = {
  or: level.or,
  and: level.and,
  '<': level.compare,
  '<=': level.compare,
  '>': level.compare,
  '>=': level.compare,
  '==': level.compare,
  '!=': level.compare,
  '+': level.add,
  '-': level.add,
  '*': level.multiply,
  '/': level.multiply,
  '%': level.multiply,
  '^': level.power,
}

export const isBinaryOperator = (text: string): text is BinaryOperator => Object.hasOwn(binaryLevel, text)

/** The level at which an expression is read without parentheses. */
export function levelOf(expr: Expr): number {
  switch (expr.kind) {
    case 'number':
      return isNegative(expr.value) ? level.unary : level.atom
    case 'unary':
      return expr.op === 'not' ? level.not : level.unary
    case 'binary':
      return binaryLevel[expr.op]
    case 'reduce':
      return level.unary
    default:
      return level.atom
  }
}

export const isNegative = (value: number): boolean => value < 0 || Object.is(value, -0)

/** The levels that the two sides of an operator must at least have: left-associative but for ^, comparisons do not chain. */
export function sideLevels(op: BinaryOperator): { left: number; right: number } {
  const own = binaryLevel[op]
  if (op === '^') return { left: level.atom, right: level.unary }
  return { left: own === level.compare ? own + 1 : own, right: own + 1 }
}

const reductions: Readonly<Record<ReductionOperator, true>> = {
  sum: true,
  mean: true,
  max: true,
  min: true,
  prod: true,
  argmax: true,
  argmin: true,
  any: true,
  all: true,
}

export const reductionNames = Object.keys(reductions) as readonly ReductionOperator[]
export const isReduction = (name: string): name is ReductionOperator => Object.hasOwn(reductions, name)

/** Names that are numbers. */
export const numberNames: Readonly<Record<string, number>> = {
  inf: Number.POSITIVE_INFINITY,
  pi: Math.PI,
  nan: Number.NaN,
}
