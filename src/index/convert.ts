// Between scalar expressions and index expressions.
import type { Expr } from '../expression/tree.ts'
import { binary, name, number, unary } from '../expression/tree.ts'
import type { Affine, Atom, Intervals } from './affine.ts'
import { add, constant, indexOf, isConstant, scale, subtract } from './arithmetic.ts'
import { floorDivide, remainder } from './divide.ts'

/**
 * The index expression that `expr` is, `/` being floor division; null when it is not one: a read, a function, a number that
 * is not whole, a product of indices, or a division by anything but a constant other than 0 (for `%`: a positive one).
 */
export function affineOf(expr: Expr, intervals: Intervals): Affine | null {
  switch (expr.kind) {
    case 'number':
      return Number.isSafeInteger(expr.value) ? constant(expr.value) : null
    case 'name':
      return indexOf(expr.name)
    case 'unary': {
      const arg = expr.op === '-' ? affineOf(expr.arg, intervals) : null
      return arg && scale(arg, -1)
    }
    case 'binary': {
      const left = affineOf(expr.left, intervals)
      const right = left && affineOf(expr.right, intervals)
      return right && combine(expr.op, left, right, intervals)
    }
    default:
      return null
  }
}

function combine(op: string, left: Affine, right: Affine, intervals: Intervals): Affine | null {
  switch (op) {
    case '+':
      return add(left, right)
    case '-':
      return subtract(left, right)
    case '*':
      if (isConstant(right)) return scale(left, right.constant)
      return isConstant(left) ? scale(right, left.constant) : null
    case '/':
      if (!isConstant(right) || right.constant === 0) return null
      return right.constant > 0
        ? floorDivide(left, right.constant, intervals)
        : floorDivide(scale(left, -1), -right.constant, intervals)
    case '%':
      return isConstant(right) && right.constant > 0 ? remainder(left, right.constant, intervals) : null
    default:
      return null
  }
}

/** The expression that people would write: positive terms first, a constant last unless it alone is positive. */
export function exprOf(a: Affine): Expr {
  const parts: { readonly magnitude: Expr; readonly negative: boolean }[] = []
  const addTerms = (negative: boolean): void => {
    for (const { coefficient, atom } of a.terms) {
      if (coefficient < 0 !== negative) continue
      const of = exprOfAtom(atom)
      const times = Math.abs(coefficient)
      parts.push({ magnitude: times === 1 ? of : binary('*', number(times), of), negative })
    }
  }
  addTerms(false)
  if (a.constant > 0) parts.push({ magnitude: number(a.constant), negative: false })
  addTerms(true)
  if (a.constant < 0) parts.push({ magnitude: number(-a.constant), negative: true })
  const [first, ...others] = parts
  if (!first) return number(0)
  const { magnitude } = first
  const head = first.negative
    ? magnitude.kind === 'number'
      ? number(-magnitude.value)
      : unary('-', magnitude)
    : magnitude
  return others.reduce((sum, part) => binary(part.negative ? '-' : '+', sum, part.magnitude), head)
}

function exprOfAtom(atom: Atom): Expr {
  if (atom.kind === 'index') return name(atom.name)
  return binary(atom.kind === 'div' ? '/' : '%', exprOf(atom.of), number(atom.by))
}
