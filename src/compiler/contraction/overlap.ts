// Sums over windows of their own: `z[n,c,a] = Σ_o,u x[n,o,a-u] · w[o,a-u,c,u]`, as the gradient of a locally connected layer
// by its input. What is read at a position `p = a - u` makes one matrix product, whose results are added where its window
// lies; the windows of neighbouring positions overlap.
import type { ReadExpr } from '../../expression/tree.ts'
import type { BoundRange, ComprehensionNode, Node } from '../../graph/node.ts'
import { type Affine, affineOf, bounds, constant, type Intervals } from '../../index/index.ts'
import { intervalsOf, isContraction } from '../reads.ts'
import { type Access, accessOf, count, matrixProduct, stridesOf } from './roles.ts'

/** For every position `c[rows, columns] += Σ a[rows, sums] · b[sums, columns]`: the strides of a and b are along positions. */
export interface OverlapProduct {
  readonly a: Access
  readonly b: Access
  readonly windows: readonly Window[]
  /** Axes that both operands have, besides. */
  readonly batch: readonly BoundRange[]
  readonly rows: readonly BoundRange[]
  readonly columns: readonly BoundRange[]
  readonly sums: readonly BoundRange[]
}

/** Whether a node is made by matrix products. */
export const isProduct = (node: Node): boolean =>
  node.kind === 'comprehension' && (matrixProduct(node) !== null || overlapProduct(node) !== null)

const known = new WeakMap<ComprehensionNode, OverlapProduct | null>()

/** The products that a comprehension adds up so; null where it is another, or reads of its operands may fall outside otherwise. */
export function overlapProduct(node: ComprehensionNode): OverlapProduct | null {
  const found = known.get(node)
  if (found !== undefined) return found
  const product = find(node)
  known.set(node, product)
  return product
}

/** A position and its tap: reads are at `position + constant`, where position = axis + step · tap. */
export interface Window {
  readonly axis: BoundRange
  readonly tap: BoundRange
  readonly step: number
  /** Those at which all reads are inside, under the name of the axis. */
  readonly positions: BoundRange
}

function find(node: ComprehensionNode): OverlapProduct | null {
  const { body, reduction, axes } = node
  if (node.dtype !== 'f32' || reduction?.op !== 'sum' || reduction.where || !isContraction(node)) return null
  if (body.kind !== 'binary' || body.op !== '*' || body.left.kind !== 'read' || body.right.kind !== 'read') return null
  const reads = [body.left, body.right]
  const windows = windowsOf(node, reads)
  if (!windows || windows.length === 0) return null
  const [left, right] = reads.map((expr) => accessOf(node, expr))
  if (!left || !right) return null
  const alongPositions = (access: Access): Access => {
    const strides = new Map(access.strides)
    for (const { axis, tap, step } of windows)
      strides.set(tap.index, (strides.get(tap.index) ?? 0) - step * (strides.get(axis.index) ?? 0))
    return { ...access, strides }
  }
  const own = axes.filter((axis) => !windows.some((window) => window.axis === axis))
  const taps = windows.map(({ tap }) => tap)
  const [a, b] = [alongPositions(left), alongPositions(right)]
  const has = ({ strides }: Access, { index }: BoundRange): boolean => (strides.get(index) ?? 0) !== 0
  const inOne = [...own, ...taps].filter((range) => has(a, range) !== has(b, range))
  const batch = [...own, ...taps].filter((range) => !inOne.includes(range))
  if (batch.some((range) => taps.includes(range) || !has(a, range))) return null
  const ofLeft = inOne.filter((range) => has(a, range))
  const ofRight = inOne.filter((range) => has(b, range))
  if (ofLeft.length === 0 || ofRight.length === 0) return null
  const last = axes[axes.length - 1]
  const leftIsColumns = ofLeft.includes(last) || (!ofRight.includes(last) && count(ofLeft) > count(ofRight))
  const [rows, columns] = leftIsColumns ? [ofRight, ofLeft] : [ofLeft, ofRight]
  const operands = leftIsColumns ? { a: b, b: a } : { a, b }
  const along = (ranges: readonly BoundRange[], strides: ReadonlyMap<string, number>) =>
    ranges.toSorted((one, two) => Math.abs(strides.get(two.index)!) - Math.abs(strides.get(one.index)!))
  return {
    ...operands,
    windows,
    batch,
    // Rows as they follow one another where they are read, columns as they do where they are written.
    rows: along(rows, operands.a.strides),
    columns: along(columns, resultStrides(node, windows, node.shape)),
    sums: reduction.ranges.filter((range) => !taps.includes(range)),
  }
}

/** How far apart elements of a result of some shape are along its axes, or the positions there, and along taps. */
export function resultStrides(
  { axes }: ComprehensionNode,
  windows: readonly Window[],
  shape: readonly number[],
): ReadonlyMap<string, number> {
  const ofAxes = stridesOf(shape)
  const strides = new Map(axes.map(({ index }, at) => [index, ofAxes[at]]))
  for (const { axis, tap, step } of windows) strides.set(tap.index, -step * strides.get(axis.index)!)
  return strides
}

/** The pairs of an axis and a tap that both reads have together at one of their axes; null where other reads may fall outside. */
function windowsOf(node: ComprehensionNode, reads: readonly ReadExpr[]): readonly Window[] | null {
  const intervals = intervalsOf(node)
  const windows = new Map<string, Window>()
  for (const expr of reads) {
    const { shape } = node.operands.get(expr.tensor)!
    const seen = new Set<string>()
    for (const [axis, part] of expr.at.entries()) {
      const index = affineOf(part, intervals)
      if (!index) return null
      const pair = pairOf(node, index)
      if (pair) {
        const key = `${pair.axis.index} ${pair.step} ${pair.tap.index}`
        const window = windows.get(key) ?? pair
        const inside = { start: -index.constant, extent: shape[axis] }
        windows.set(key, { ...window, positions: expr.maybe ? both(window.positions, inside) : window.positions })
        if (seen.has(key)) return null
        seen.add(key)
      } else if (expr.maybe && !isInside(index, shape[axis], intervals)) return null
    }
    if (expr !== reads[0] && seen.size < windows.size) return null
    if (expr === reads[0] && seen.size === 0) return null
  }
  const found = [...windows.values()]
  const ranges = found.flatMap(({ axis, tap }) => [axis, tap])
  if (new Set(ranges).size < ranges.length || !found.every(isRectangle)) return null
  // Nothing else reads along these axes, and whatever reads at a tap alone does so with one of the operands.
  return found.every(({ axis }) => reads.every((expr) => usesOf(expr, axis.index, intervals) === 1)) ? found : null
}

function pairOf(node: ComprehensionNode, { terms }: Affine): Window | null {
  if (terms.length !== 2) return null
  const [one, two] = terms.map(({ atom }) => (atom.kind === 'index' ? atom.name : null))
  for (const [first, second, at] of [[one, two, 0] as const, [two, one, 1] as const]) {
    const axis = node.axes.find(({ index }) => index === first)
    const tap = node.reduction!.ranges.find(({ index }) => index === second)
    if (!axis || !tap || terms[at].coefficient !== 1) continue
    const step = terms[1 - at].coefficient
    const ends = [step * tap.start, step * (tap.start + tap.extent - 1)]
    const start = Math.min(...ends)
    return { axis, tap, step, positions: { index: axis.index, start, extent: axis.extent + Math.max(...ends) - start } }
  }
  return null
}

function both(range: BoundRange, { start, extent }: Omit<BoundRange, 'index'>): BoundRange {
  const from = Math.max(range.start, start)
  return { ...range, start: from, extent: Math.min(range.start + range.extent, start + extent) - from }
}

const isInside = (index: Affine, extent: number, intervals: Intervals): boolean => {
  const { min, max } = bounds(index, intervals)
  return min >= 0 && max < extent
}

/** Whether each position has all of its window inside the axis. */
function isRectangle({ axis, tap, step, positions }: Window): boolean {
  const ends = [step * tap.start, step * (tap.start + tap.extent - 1)]
  const first = positions.start - Math.max(...ends)
  const last = positions.start + positions.extent - 1 - Math.min(...ends)
  return positions.extent > 0 && first >= 0 && last < axis.extent
}

const usesOf = ({ at }: ReadExpr, index: string, intervals: Intervals): number =>
  at.filter((part) => {
    const { terms } = affineOf(part, intervals) ?? constant(0)
    return terms.some(({ atom }) => atom.kind === 'index' && atom.name === index)
  }).length
