// How many terms a formula sums through each of its weights: read off the roles of its indices.
import type { Expr, FormulaTree, Range, ReadExpr } from '../expression/tree.ts'
import { children, walk } from '../expression/tree.ts'
import type { Shape } from '../graph/node.ts'
import type { Fans } from './initializers.ts'

/** What is known of a formula's operands when a layer is made: the shapes of tensors, the values of numbers. */
export interface Known {
  readonly shapes: ReadonlyMap<string, Shape>
  readonly numbers: ReadonlyMap<string, number>
}

/**
 * The fans of each tensor that a formula reads inside a reduction. fanIn is the number of terms of that reduction. fanOut is
 * how many outputs an element multiplied with the weight feeds through it: the product of the extents of the axes that this
 * element does not have, and of the windows that run over its axes. For `z[n,k,i] = sum(c,u) x[n,c,i+u] * w[k,c,u]` that is
 * c·u and k·u; for the grid `sum(-1<=q<=1) w?[p+q] * x?[b,p+q]`, 3 and 3.
 *
 * A tensor read outside any reduction, a bias, has the fans of the weights beside it. A tensor whose fans depend on extents
 * that are not known is left out.
 */
export function fansOf(tree: FormulaTree, known: Known): Map<string, Fans> {
  const extents = extentsOf(tree, known)
  const found = new Map<string, Fans>()
  const bare = new Set<string>()
  for (const { axes, value } of tree.statements) {
    const visit = (expr: Expr, over: readonly Range[], within: Expr): void => {
      if (expr.kind === 'reduce') {
        visit(expr.body, [...over, ...expr.ranges], expr.body)
        return
      }
      if (expr.kind === 'read' && known.shapes.has(expr.tensor)) {
        if (over.length === 0) bare.add(expr.tensor)
        else note(found, expr.tensor, fansOfRead(expr, axes, over, within, extents))
      }
      for (const part of children(expr)) visit(part, over, within)
    }
    visit(value, [], value)
  }
  const largest = [...found.values()].sort((a, b) => b.fanIn - a.fanIn)[0]
  for (const name of bare) if (largest && !found.has(name)) found.set(name, largest)
  return found
}

/** Of several reads of a tensor, the one with most terms counts. */
function note(found: Map<string, Fans>, name: string, fans: Fans | null): void {
  const before = found.get(name)
  if (fans && (!before || before.fanIn < fans.fanIn)) found.set(name, fans)
}

function fansOfRead(
  weight: ReadExpr,
  axes: readonly Range[],
  over: readonly Range[],
  within: Expr,
  extents: ReadonlyMap<string, number>,
): Fans | null {
  const partners: Expr[] = []
  walk(within, (part) => {
    if (part.kind === 'read' && part.tensor !== weight.tensor) partners.push(...part.at)
  })
  const outer = new Set(axes.map(({ index }) => index))
  const places = partners.map((at) => namesIn(at))
  const feeds = [
    ...axes.filter(({ index }) => !places.some((names) => names.has(index))),
    ...over.filter(({ index }) => places.some((names) => names.has(index) && [...names].some((n) => outer.has(n)))),
  ]
  const product = (ranges: readonly Range[]): number =>
    ranges.reduce((all, { index }) => all * (extents.get(index) ?? Number.NaN), 1)
  const fans = { fanIn: product(over), fanOut: product(feeds) }
  return Number.isNaN(fans.fanIn) || Number.isNaN(fans.fanOut) ? null : fans
}

function namesIn(expr: Expr): Set<string> {
  const names = new Set<string>()
  walk(expr, (part) => {
    if (part.kind === 'name') names.add(part.name)
  })
  return names
}

/** Extents of the indices that are bounded, or that stand alone in a read of a tensor of known shape. */
function extentsOf(tree: FormulaTree, known: Known): Map<string, number> {
  const extents = new Map<string, number>()
  const bound = ({ index, bound }: Range): void => {
    const extent =
      bound.kind === 'extent'
        ? boundValue(bound.extent, known)
        : bound.kind === 'between'
          ? boundValue(bound.last, known) - boundValue(bound.start, known) + 1
          : Number.NaN
    if (!Number.isNaN(extent)) extents.set(index, extent)
  }
  const visit = (expr: Expr): void => {
    walk(expr, (part) => {
      if (part.kind === 'reduce') part.ranges.forEach(bound)
      if (part.kind !== 'read') return
      const shape = known.shapes.get(part.tensor)
      part.at.forEach((at, axis) => {
        if (shape && at.kind === 'name' && !extents.has(at.name) && axis < shape.length)
          extents.set(at.name, shape[axis])
      })
    })
  }
  for (const { axes, value } of tree.statements) {
    axes.forEach(bound)
    visit(value)
  }
  return extents
}

/** The value of a bound; NaN where it is not known. */
function boundValue(expr: Expr, known: Known): number {
  switch (expr.kind) {
    case 'number':
      return expr.value
    case 'name':
      return known.numbers.get(expr.name) ?? Number.NaN
    case 'unary':
      return -boundValue(expr.arg, known)
    case 'binary': {
      const [left, right] = [boundValue(expr.left, known), boundValue(expr.right, known)]
      if (expr.op === '+') return left + right
      if (expr.op === '-') return left - right
      if (expr.op === '*') return left * right
      if (expr.op === '/') return Math.floor(left / right)
      return expr.op === '%' ? left - right * Math.floor(left / right) : Number.NaN
    }
    default:
      return Number.NaN
  }
}
