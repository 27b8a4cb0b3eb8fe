// Whether each read lies inside its tensor, and the condition under which it does.
import type { Dtype } from '../../dtype.ts'
import type { Expr, ReadExpr, ReductionOperator } from '../../expression/tree.ts'
import { binary, call, mapChildren, number, read, walk } from '../../expression/tree.ts'
import { print } from '../../formula/print.ts'
import type { Affine, Interval, Intervals } from '../../index/index.ts'
import { affineKey, affineOf, bounds, constant, evaluateAffine, exprOf, namesIn, subtract } from '../../index/index.ts'
import type { Node, Shape } from '../node.ts'
import { largestExtent } from './extents.ts'
import type { Index, Resolved } from './names.ts'
import type { Source } from './source.ts'
import { fail, shapeText, written } from './source.ts'

interface Context {
  readonly tensors: ReadonlyMap<string, Node>
  readonly indices: ReadonlyMap<string, Index>
  readonly intervals: Intervals
  readonly source: Source
}

/**
 * The value with every index in canonical form, and `maybe` only at reads that can fall outside.
 * Throws a FormulaError for a plain read that can, and for an index that is not one.
 */
export function checkReads({ value, indices }: Resolved, tensors: ReadonlyMap<string, Node>, source: Source): Expr {
  return check(value, null, { tensors, indices, intervals: valuesOf(indices), source })
}

/** The values of all indices, once their extents are known. */
export function valuesOf(indices: ReadonlyMap<string, Index>): Map<string, Interval> {
  const intervals = new Map<string, Interval>()
  for (const { id, start, extent } of indices.values()) intervals.set(id, { min: start, max: start + extent! - 1 })
  return intervals
}

function check(expr: Expr, within: ReductionOperator | null, context: Context): Expr {
  if (expr.kind === 'read') return checkRead(expr, within, context)
  return withoutSpan(mapChildren(expr, (part) => check(part, expr.kind === 'reduce' ? expr.op : within, context)))
}

/** Nodes outlive the text they come from. */
function withoutSpan(expr: Expr): Expr {
  if (!expr.span) return expr
  const { span: _, ...bare } = expr
  return bare
}

function checkRead(expr: ReadExpr, within: ReductionOperator | null, context: Context): Expr {
  const { shape } = context.tensors.get(expr.tensor)!
  let maybe = false
  const at = expr.at.map((index, axis) => {
    const affine = affineOf(index, context.intervals)
    if (!affine) {
      maybe ||= expr.maybe
      return checkGather(index, expr, within, context)
    }
    if (!isInside(affine, shape[axis], context.intervals)) {
      if (!expr.maybe) outOfRange(expr, axis, affine, within, context)
      maybe = true
    }
    return exprOf(affine)
  })
  return read(expr.tensor, at, maybe)
}

function isInside(affine: Affine, length: number, intervals: Intervals): boolean {
  const { min, max } = reach(affine, intervals)
  return min >= 0 && max < length
}

/** Bounds of an index, exact also for quotients and remainders when there are not too many points to try them all. */
function reach(affine: Affine, intervals: Intervals): Interval {
  const rough = bounds(affine, intervals)
  if (affine.terms.every(({ atom }) => atom.kind === 'index')) return rough
  const names = [...namesIn(affine)]
  const points = names.reduce((product, name) => product * extentOf(intervals.get(name)!), 1)
  if (points > 1 << 14) return rough
  let min = Infinity
  let max = -Infinity
  const at = new Map<string, number>()
  const visit = (depth: number): void => {
    if (depth === names.length) {
      const value = evaluateAffine(affine, at)
      min = Math.min(min, value)
      max = Math.max(max, value)
      return
    }
    const values = intervals.get(names[depth])!
    for (let value = values.min; value <= values.max; value++) {
      at.set(names[depth], value)
      visit(depth + 1)
    }
  }
  visit(0)
  return { min, max }
}

const extentOf = ({ min, max }: Interval): number => max - min + 1

/** An index that is no index expression must be an element of a tensor of whole numbers. */
function checkGather(index: Expr, of: ReadExpr, within: ReductionOperator | null, context: Context): Expr {
  const { source, tensors } = context
  const shown = written(source, index)
  if (index.kind !== 'read') notAnIndex(index, of, context)
  const { dtype } = tensors.get(index.tensor)!
  if (dtype !== 'i32' && dtype !== 'u8') {
    const fix = `Give ${index.tensor} as i32.`
    const message = `${shown} stands as an index of ${of.tensor}, but ${index.tensor} holds ${kind(dtype)}, not whole numbers.`
    fail(source, 'float-in-index', `${message} ${fix}`, index.span)
  }
  return check(index, within, context)
}

const kind = (dtype: Dtype): string => (dtype === 'bool' ? 'conditions (bool)' : `floats (${dtype})`)

function notAnIndex(index: Expr, of: ReadExpr, { source, intervals }: Context): never {
  let holdsRead = false
  walk(index, (part) => {
    if (part.kind === 'read') holdsRead = true
    if (part.kind !== 'binary' || (part.op !== '/' && part.op !== '%')) return
    const by = affineOf(part.right, intervals)
    if (!by || by.terms.length > 0) return
    if (by.constant === 0) {
      const fix = `Behind ${part.op} write a whole number from 1 on.`
      fail(source, 'division-by-zero-in-index', `This index divides by zero. ${fix}`, part.span)
    }
    if (part.op === '%' && by.constant < 0) {
      const message = `${written(source, part)} is a remainder by ${by.constant}.`
      fail(source, 'not-an-index', `${message} Behind % write a whole number from 1 on.`, part.span)
    }
  })
  const accepted =
    'sums of indices times whole numbers, / and % by whole numbers, or an element of an integer tensor alone'
  const fix = holdsRead ? ` Compute it in a statement of its own and read ${of.tensor} with its elements.` : ''
  const message = `${written(source, index)} cannot stand as an index of ${of.tensor}; what can: ${accepted}.${fix}`
  fail(source, 'not-an-index', message, index.span)
}

function outOfRange(
  expr: ReadExpr,
  axis: number,
  affine: Affine,
  within: ReductionOperator | null,
  context: Context,
): never {
  const { source, tensors, intervals, indices } = context
  const { tensor } = expr
  const { shape } = tensors.get(tensor)!
  const length = shape[axis]
  const { min, max } = reach(affine, intervals)
  const shown = written(source, expr.at[axis])
  const takes = min === max ? `is ${min}` : `takes ${min} … ${max}`
  const where = shape.length === 1 ? `${tensor} has length ${length}` : `axis ${axis} of ${tensor} has length ${length}`
  const message = `${written(source, expr)} falls outside: ${shown} ${takes}, and ${where} (shape ${shapeText(shape)}).`
  const left = within === null ? 'if it is to be 0 there' : `to leave such combinations out of the ${within}`
  const maybe = written(source, { ...expr, maybe: true, span: undefined })
  const bound = boundThatFits(affine, length, indices)
  const fix = `Write ${maybe} ${left}${bound ? `, or bound the index: ${bound}` : ''}.`
  fail(source, 'out-of-range', `${message} ${fix}`, expr.at[axis].span)
}

function boundThatFits(affine: Affine, length: number, indices: ReadonlyMap<string, Index>): string | null {
  for (const id of namesIn(affine)) {
    const index = indices.get(id)!
    const extent = largestExtent(affine, index, indices, length)
    if (index.start === 0 && extent >= 1 && extent < index.extent!) return `${index.name} < ${extent}`
  }
  return null
}

/** A condition on indices, with a text that is equal for equal conditions. */
export interface Condition {
  readonly key: string
  readonly holds: Expr
}

/** What must hold for the read to lie inside its tensor; none for what always does. */
export function conditionsOf(read: ReadExpr, shape: Shape, intervals: Intervals): Condition[] {
  const conditions: Condition[] = []
  read.at.forEach((index, axis) => {
    const length = shape[axis]
    const affine = affineOf(index, intervals)
    const { min, max } = affine ? reach(affine, intervals) : { min: -Infinity, max: Infinity }
    const key = affine ? affineKey(affine) : print(index)
    if (min < 0)
      conditions.push({ key: `0<=${key}`, holds: affine ? notNegative(affine) : binary('<=', number(0), index) })
    if (max >= length) {
      const holds = affine ? below(affine, length) : binary('<', index, number(length))
      conditions.push({ key: `${key}<${length}`, holds })
    }
  })
  return conditions
}

function notNegative(affine: Affine): Expr {
  const whole = withoutDivision(affine, 0)
  return binary('<=', number(0), whole ? exprOf(whole) : asValue(affine))
}

function below(affine: Affine, limit: number): Expr {
  const whole = withoutDivision(affine, limit)
  return whole ? binary('<', exprOf(whole), number(0)) : binary('<', asValue(affine), number(limit))
}

/** For `a/b + c`, the `a - (limit-c)·b` that is negative just when `a/b + c` is below the limit. */
function withoutDivision(affine: Affine, limit: number): Affine | null {
  const [term] = affine.terms
  if (affine.terms.length !== 1 || term.coefficient !== 1 || term.atom.kind !== 'div') return null
  return subtract(term.atom.of, constant((limit - affine.constant) * term.atom.by))
}

/** The index expression as a value: outside of indices `/` does not round. */
const asValue = (affine: Affine): Expr => roundDown(exprOf(affine))

function roundDown(expr: Expr): Expr {
  const parts = mapChildren(expr, roundDown)
  return parts.kind === 'binary' && parts.op === '/' ? call('floor', parts) : parts
}
