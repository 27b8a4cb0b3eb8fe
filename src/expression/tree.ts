// The scalar expression: one tree for what the parser reads, what tensors compute, what derivatives are, and what is printed.
import type { Span } from '../errors.ts'

export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '^' | '<' | '<=' | '>' | '>=' | '==' | '!=' | 'and' | 'or'
export type UnaryOperator = '-' | 'not'
export type ReductionOperator = 'sum' | 'mean' | 'max' | 'min' | 'prod' | 'argmax' | 'argmin' | 'any' | 'all'

/**
 * An index that runs: `i` (extent inferred), `i < extent`, or `start <= i <= last`.
 * Bounds are integer expressions of constants and names of constants.
 */
export interface Range {
  readonly index: string
  readonly bound:
    | { readonly kind: 'inferred' }
    | { readonly kind: 'extent'; readonly extent: Expr }
    | { readonly kind: 'between'; readonly start: Expr; readonly last: Expr }
  readonly span?: Span
}

export type Expr = (
  | { readonly kind: 'number'; readonly value: number }
  /** An index (its own value) or a constant: a number or rank-0 tensor among the operands. */
  | { readonly kind: 'name'; readonly name: string }
  /** `tensor[at…]`, or `tensor?[at…]` when `maybe`: an element that may lie outside. */
  | { readonly kind: 'read'; readonly tensor: string; readonly at: readonly Expr[]; readonly maybe: boolean }
  | { readonly kind: 'unary'; readonly op: UnaryOperator; readonly arg: Expr }
  | { readonly kind: 'binary'; readonly op: BinaryOperator; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'call'; readonly fn: string; readonly args: readonly Expr[] }
  | { readonly kind: 'reduce'; readonly op: ReductionOperator; readonly ranges: readonly Range[]; readonly body: Expr }
) & { readonly span?: Span }

export type ReadExpr = Extract<Expr, { kind: 'read' }>
export type ReduceExpr = Extract<Expr, { kind: 'reduce' }>

/** One line of a formula: `name[axes] = value`. */
export interface Statement {
  readonly name: string
  readonly axes: readonly Range[]
  readonly value: Expr
  readonly span?: Span
}

/** A formula: the last statement is the result, the earlier ones are local definitions. */
export interface FormulaTree {
  readonly statements: readonly Statement[]
}

export const number = (value: number): Expr => ({ kind: 'number', value })
export const name = (name: string): Expr => ({ kind: 'name', name })
export const read = (tensor: string, at: readonly Expr[], maybe = false): Expr => ({ kind: 'read', tensor, at, maybe })
export const unary = (op: UnaryOperator, arg: Expr): Expr => ({ kind: 'unary', op, arg })
export const binary = (op: BinaryOperator, left: Expr, right: Expr): Expr => ({ kind: 'binary', op, left, right })
export const call = (fn: string, ...args: Expr[]): Expr => ({ kind: 'call', fn, args })
export const reduce = (op: ReductionOperator, ranges: readonly Range[], body: Expr): Expr => ({
  kind: 'reduce',
  op,
  ranges,
  body,
})

/** The direct parts of an expression, in reading order (bounds of ranges left out). */
export function children(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'number':
    case 'name':
      return []
    case 'read':
      return expr.at
    case 'unary':
      return [expr.arg]
    case 'binary':
      return [expr.left, expr.right]
    case 'call':
      return expr.args
    case 'reduce':
      return [expr.body]
  }
}

/** The same expression over other direct parts; the very same object when no part changed. */
export function mapChildren(expr: Expr, change: (part: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'number':
    case 'name':
      return expr
    case 'read': {
      const at = mapAll(expr.at, change)
      return at === expr.at ? expr : { ...expr, at }
    }
    case 'unary': {
      const arg = change(expr.arg)
      return arg === expr.arg ? expr : { ...expr, arg }
    }
    case 'binary': {
      const left = change(expr.left)
      const right = change(expr.right)
      return left === expr.left && right === expr.right ? expr : { ...expr, left, right }
    }
    case 'call': {
      const args = mapAll(expr.args, change)
      return args === expr.args ? expr : { ...expr, args }
    }
    case 'reduce': {
      const body = change(expr.body)
      return body === expr.body ? expr : { ...expr, body }
    }
  }
}

function mapAll(exprs: readonly Expr[], change: (part: Expr) => Expr): readonly Expr[] {
  const changed = exprs.map(change)
  return changed.every((part, at) => part === exprs[at]) ? exprs : changed
}

/** Calls `visit` on the expression and all its parts, outermost first. */
export function walk(expr: Expr, visit: (part: Expr) => void): void {
  visit(expr)
  for (const part of children(expr)) walk(part, visit)
}

/** Replaces free names by expressions. Names that a reduction inside binds are left alone; the caller avoids capture. */
export function substitute(expr: Expr, values: ReadonlyMap<string, Expr>): Expr {
  if (values.size === 0) return expr
  if (expr.kind === 'name') return values.get(expr.name) ?? expr
  if (expr.kind === 'reduce' && expr.ranges.some((range) => values.has(range.index))) {
    const free = new Map(values)
    for (const range of expr.ranges) free.delete(range.index)
    return mapChildren(expr, (part) => substitute(part, free))
  }
  return mapChildren(expr, (part) => substitute(part, values))
}
