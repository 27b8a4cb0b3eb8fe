// What solving a read gives, and how expressions of the original indices are said in its terms.
import { binary, call, type Expr, number } from '../expression/tree.ts'
import type { BoundRange } from '../graph/node.ts'
import {
  type Affine,
  affineOf,
  bounds,
  exprOf,
  type Interval,
  type Intervals,
  substituteIndices,
  subtract,
} from '../index/index.ts'

/** What must hold for a place and the remaining indices to be a solution. */
export type Condition =
  /** The value of the index `index` lies within its range. */
  | { readonly kind: 'range'; readonly index: string; readonly of: Affine; readonly within: Interval }
  | { readonly kind: 'divisible'; readonly of: Affine; readonly by: number }
  | { readonly kind: 'zero'; readonly of: Affine }
  /** A row that is not affine, in the original indices, leads to the place along that dimension. */
  | { readonly kind: 'place'; readonly row: Expr; readonly target: Affine }

/**
 * All ways to reach a place: one for each combination of the remaining ranges for which the conditions hold, and then the
 * original indices are what `bindings` says. Conditions that hold anyway are left out.
 */
export interface Solution {
  /** The place: an index a dimension, from 0. */
  readonly targets: readonly BoundRange[]
  readonly remaining: readonly BoundRange[]
  /** The value of every original index that does not remain as it was. */
  readonly bindings: ReadonlyMap<string, Affine>
  readonly conditions: readonly Condition[]
  /** The values of targets and remaining indices. */
  readonly intervals: Intervals
}

/** An index expression as a value: there, unlike inside the brackets of a read, `/` does not round. */
export function valueExpr(a: Affine): Expr {
  return roundDivisions(exprOf(a))
}

/** An index expression as a value, its divisions rounded down. */
export function roundDivisions(expr: Expr): Expr {
  if (expr.kind === 'unary') return { ...expr, arg: roundDivisions(expr.arg) }
  if (expr.kind !== 'binary') return expr
  const rounded = binary(expr.op, roundDivisions(expr.left), roundDivisions(expr.right))
  return expr.op === '/' ? call('floor', rounded) : rounded
}

/** A condition as an expression of targets and remaining indices. */
export function conditionExpr(condition: Condition, solution: Solution): Expr {
  switch (condition.kind) {
    case 'place':
      return binary('==', substituteSolution(condition.row, solution), valueExpr(condition.target))
    case 'divisible':
      return binary('==', binary('%', valueExpr(condition.of), number(condition.by)), number(0))
    case 'zero': {
      const { constant: start, terms } = condition.of
      const positive = { constant: Math.max(start, 0), terms: terms.filter(({ coefficient }) => coefficient > 0) }
      return binary('==', valueExpr(positive), valueExpr(subtract(positive, condition.of)))
    }
    case 'range': {
      const { of, within } = condition
      const { min, max } = bounds(of, solution.intervals)
      const value = valueExpr(of)
      const below = binary('<=', value, number(within.max))
      const above = binary('>=', value, number(within.min))
      if (min >= within.min) return below
      return max <= within.max ? above : binary('and', above, below)
    }
  }
}

/** An expression of original indices in terms of targets and remaining ones; reads keep index form, values round. */
export function substituteSolution(expr: Expr, { bindings, intervals }: Solution): Expr {
  const values = new Map([...bindings].map(([index, value]) => [index, valueExpr(value)]))
  const rewriteIndex = (index: Expr): Expr => {
    const affine = affineOf(index, intervals)
    if (affine) return exprOf(substituteIndices(affine, bindings, intervals))
    return rewriteParts(index, rewriteIndex, (inner) => rewriteIndex(inner))
  }
  const rewriteValue = (value: Expr): Expr => {
    if (value.kind === 'name') return values.get(value.name) ?? value
    if (value.kind === 'read') return { ...value, at: value.at.map(rewriteIndex) }
    return rewriteParts(value, rewriteValue, rewriteIndex)
  }
  return rewriteValue(expr)
}

function rewriteParts(expr: Expr, part: (inner: Expr) => Expr, index: (inner: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'number':
    case 'name':
      return expr
    case 'read':
      return { ...expr, at: expr.at.map(index) }
    case 'unary':
      return { ...expr, arg: part(expr.arg) }
    case 'binary':
      return binary(expr.op, part(expr.left), part(expr.right))
    case 'call':
      return call(expr.fn, ...expr.args.map(part))
    case 'reduce':
      throw new TypeError('a reduction inside a body')
  }
}
