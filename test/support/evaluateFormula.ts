// What a formula means, straight from the syntax tree: loops over given extents, without resolving or inferring anything.
import type { Expr, FormulaTree, Range } from '../../src/expression/tree.ts'
import { applyBinary, applyFunction, applyReduction, applyUnary } from './scalars.ts'

export interface Elements {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number>
}

interface Context {
  readonly tensors: ReadonlyMap<string, Elements | number>
  readonly extents: Readonly<Record<string, number>>
  readonly at: ReadonlyMap<string, number>
  /** Set when an absent element was read in the combination at hand. */
  readonly seen: { absent: boolean }
}

/** The elements of a formula's result. Indices without a bound run as far as `extents` says. */
export function evaluateFormula(
  tree: FormulaTree,
  operands: Readonly<Record<string, Elements | number>>,
  extents: Readonly<Record<string, number>>,
): Float64Array {
  const tensors = new Map(Object.entries(operands))
  let result = new Float64Array(0)
  for (const { name, axes, value } of tree.statements) {
    const context = { tensors, extents, at: new Map(), seen: { absent: false } }
    const elements = [...combinations(axes, context)].map((at) => evaluate(value, { ...context, at }))
    result = Float64Array.from(elements)
    tensors.set(name, { shape: axes.map((axis) => rangeOf(axis, context).extent), data: result })
  }
  return result
}

function rangeOf({ index, bound }: Range, context: Context): { start: number; extent: number } {
  const empty = { ...context, at: new Map() }
  if (bound.kind === 'inferred') return { start: 0, extent: context.extents[index] }
  if (bound.kind === 'extent') return { start: 0, extent: evaluateIndex(bound.extent, empty) }
  const start = evaluateIndex(bound.start, empty)
  return { start, extent: evaluateIndex(bound.last, empty) - start + 1 }
}

function* combinations(ranges: readonly Range[], context: Context): Generator<ReadonlyMap<string, number>> {
  const [first, ...others] = ranges
  if (!first) {
    yield context.at
    return
  }
  const { start, extent } = rangeOf(first, context)
  for (let value = start; value < start + extent; value++) {
    yield* combinations(others, { ...context, at: new Map(context.at).set(first.index, value) })
  }
}

function evaluate(expr: Expr, context: Context): number {
  switch (expr.kind) {
    case 'number':
      return expr.value
    case 'name': {
      const constant = context.at.get(expr.name) ?? context.tensors.get(expr.name)!
      return typeof constant === 'number' ? constant : constant.data[0]
    }
    case 'read': {
      const { shape, data } = context.tensors.get(expr.tensor) as Elements
      const position = expr.at.map((index) => evaluateIndex(index, context))
      if (position.every((value, axis) => value >= 0 && value < shape[axis])) {
        return data[position.reduce((offset, value, axis) => offset * shape[axis] + value, 0)]
      }
      if (!expr.maybe) throw new Error(`${expr.tensor}[${position}] lies outside`)
      context.seen.absent = true
      return 0
    }
    case 'unary':
      return applyUnary(expr.op, evaluate(expr.arg, context))
    case 'binary':
      return applyBinary(expr.op, evaluate(expr.left, context), evaluate(expr.right, context))
    case 'call':
      return applyFunction(
        expr.fn,
        expr.args.map((arg) => evaluate(arg, context)),
      )
    case 'reduce': {
      const kept: { value: number; position: number }[] = []
      let position = 0
      for (const at of combinations(expr.ranges, context)) {
        const seen = { absent: false }
        const value = evaluate(expr.body, { ...context, at, seen })
        const [range] = expr.ranges
        // The winner is named by its index value, or, of several indices, by its row-major offset.
        if (!seen.absent) kept.push({ value, position: expr.ranges.length === 1 ? at.get(range.index)! : position })
        position++
      }
      if (expr.op !== 'mean') return applyReduction(expr.op, kept)
      return applyReduction('sum', kept) / kept.length
    }
  }
}

function evaluateIndex(expr: Expr, context: Context): number {
  if (expr.kind === 'unary') return -evaluateIndex(expr.arg, context)
  if (expr.kind !== 'binary') return evaluate(expr, context)
  const [left, right] = [evaluateIndex(expr.left, context), evaluateIndex(expr.right, context)]
  return expr.op === '/' ? Math.floor(left / right) : applyBinary(expr.op, left, right)
}
