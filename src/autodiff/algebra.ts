// Arithmetic on expressions with the trivial cases folded, and zero kept apart: derivatives are sums with few terms.
import { binary, type Expr, number, unary } from '../expression/tree.ts'

/** A derivative; null is zero, known to be. */
export type Derivative = Expr | null

export const one: Expr = number(1)

export const isNumber = (expr: Expr, value: number): boolean => expr.kind === 'number' && expr.value === value

export function plus(a: Derivative, b: Derivative): Derivative {
  if (a === null) return b
  if (b === null) return a
  if (a.kind === 'number' && b.kind === 'number') return orNull(a.value + b.value)
  if (b.kind === 'unary' && b.op === '-') return sameExpr(a, b.arg) ? null : binary('-', a, b.arg)
  if (a.kind === 'unary' && a.op === '-') return sameExpr(a.arg, b) ? null : binary('-', b, a.arg)
  if (b.kind === 'number' && b.value < 0) return binary('-', a, number(-b.value))
  return sameExpr(a, b) ? times(number(2), a) : binary('+', a, b)
}

export const minus = (a: Derivative, b: Derivative): Derivative => plus(a, negate(b))

export function times(a: Expr, b: Expr): Expr
export function times(a: Derivative, b: Derivative): Derivative
export function times(a: Derivative, b: Derivative): Derivative {
  if (a === null || b === null) return null
  if (isNumber(a, 1)) return b
  if (isNumber(b, 1)) return a
  if (a.kind === 'unary' && a.op === '-') return negate(times(a.arg, b))
  if (b.kind === 'unary' && b.op === '-') return negate(times(a, b.arg))
  if (a.kind === 'number' && a.value < 0) return negate(times(number(-a.value), b))
  if (a.kind === 'number' && b.kind === 'number') return number(a.value * b.value)
  // Numbers stand first, and products and quotients need no parentheses.
  if (b.kind === 'number') return times(b, a)
  if (b.kind === 'binary' && b.op === '*') return times(times(a, b.left), b.right)
  if (b.kind === 'binary' && b.op === '/') return over(times(a, b.left), b.right)
  if (a.kind === 'binary' && a.op === '/' && isNumber(a.left, 1)) return over(b, a.right)
  return binary('*', a, b)
}

export function over(a: Expr, b: Expr): Expr {
  if (isNumber(b, 1)) return a
  if (a.kind === 'unary' && a.op === '-') return negate(over(a.arg, b))
  return binary('/', a, b)
}

export function negate(a: Expr): Expr
export function negate(a: Derivative): Derivative
export function negate(a: Derivative): Derivative {
  if (a === null) return null
  if (a.kind === 'number') return number(-a.value)
  if (a.kind === 'unary' && a.op === '-') return a.arg
  return unary('-', a)
}

const orNull = (value: number): Derivative => (value === 0 ? null : number(value))

/** Whether two expressions are written alike; spans do not count. */
export function sameExpr(a: Expr, b: Expr): boolean {
  if (a === b) return true
  switch (a.kind) {
    case 'number':
      return b.kind === 'number' && Object.is(a.value, b.value)
    case 'name':
      return b.kind === 'name' && a.name === b.name
    case 'read':
      return b.kind === 'read' && a.tensor === b.tensor && a.maybe === b.maybe && sameExprs(a.at, b.at)
    case 'unary':
      return b.kind === 'unary' && a.op === b.op && sameExpr(a.arg, b.arg)
    case 'binary':
      return b.kind === 'binary' && a.op === b.op && sameExpr(a.left, b.left) && sameExpr(a.right, b.right)
    case 'call':
      return b.kind === 'call' && a.fn === b.fn && sameExprs(a.args, b.args)
    case 'reduce':
      return false
  }
}

export const sameExprs = (a: readonly Expr[], b: readonly Expr[]): boolean =>
  a.length === b.length && a.every((part, at) => sameExpr(part, b[at]))
