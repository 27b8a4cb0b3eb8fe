// Rewrites contractions until both operands are plain reads: guards, conversions and arithmetic move into copies made once,
// and windows with strides are split into phases. What is left is a matrix product by two vectors of offsets.
import { binary, type Expr, name, number, type ReadExpr, read, walk } from '../../expression/tree.ts'
import { comprehension, reshapeNode } from '../../graph/build.ts'
import { type BoundRange, type ComprehensionNode, type Node, sizeOf } from '../../graph/node.ts'
import {
  type Affine,
  affineOf,
  bounds,
  constant,
  exprOf,
  type Intervals,
  substituteIndices,
  subtract,
} from '../../index/index.ts'
import { intervalsOf, isContraction, resolve } from '../reads.ts'
import type { Request } from '../request.ts'
import { rewrite } from '../rewrite.ts'
import { type Factor, type TwoFactors, twoFactors } from './factors.ts'
import { overlapProduct } from './overlap.ts'

/** The same request with contractions prepared for micro-kernels. */
export const prepareContractions = (request: Request): Request => rewrite(request, prepared)

function prepared(node: Node): Node {
  if (node.kind !== 'comprehension' || node.dtype !== 'f32' || !isContraction(node)) return node
  const split = splitPhases(node)
  if (split) return split
  const factors = twoFactors(node)
  if (!factors) return node
  const overlapping = overOwnWindows(node, factors)
  if (overlapping) return overlapping
  const left = plainOperand(node, factors.left, 'left')
  const right = plainOperand(node, factors.right, 'right')
  if (!left || !right) return node
  return comprehension({
    ...node,
    body: binary('*', left.read, right.read),
    operands: new Map([
      ['left', left.node],
      ['right', right.node],
    ]),
  })
}

/** The node with plain reads that may fall outside, where it is a product for every position of windows; else null. */
function overOwnWindows(node: ComprehensionNode, { left, right }: TwoFactors): Node | null {
  const operands = new Map<string, Node>()
  const [one, two] = Object.entries({ left: left.expr, right: right.expr }).map(([slot, expr]) => {
    const seen = expr.kind === 'read' ? throughViews(node.operands.get(expr.tensor)!, expr, intervalsOf(node)) : null
    if (seen?.operand.dtype !== 'f32') return null
    operands.set(slot, seen.operand)
    return read(slot, seen.at.map(exprOf), seen.maybe)
  })
  if (!one || !two) return null
  const plain = comprehension({ ...node, body: binary('*', one, two), operands })
  return plain.kind === 'comprehension' && overlapProduct(plain) ? plain : null
}

/** Copies may be this much larger than what they copy. */
const maxGrowth = 3

interface PlainOperand {
  readonly read: ReadExpr
  readonly node: Node
}

/** A factor as a plain read of an f32 node with affine indices; a copy is made where it is anything more. */
function plainOperand(node: ComprehensionNode, factor: Factor, slot: string): PlainOperand | null {
  const { expr } = factor
  const intervals = intervalsOf(node)
  if (expr.kind === 'read') {
    const seen = throughViews(node.operands.get(expr.tensor)!, expr, intervals)
    if (!seen) return null
    const { operand, at, maybe } = seen
    if (!maybe && operand.dtype === 'f32') return { read: read(slot, at.map(exprOf)) as ReadExpr, node: operand }
    // A copy with room for all that is read outside.
    const reach = at.map((index) => bounds(index, intervals))
    const axes = reach.map(({ min, max }, axis) => ({ index: `i${axis}`, start: 0, extent: max - min + 1 }))
    if (sizeOf(axes.map((axis) => axis.extent)) > maxGrowth * sizeOf(operand.shape) + 1024) return null
    const copy = comprehension({
      axes,
      body: read(
        'x',
        axes.map((axis, at) => shifted(axis.index, reach[at].min)),
        maybe,
      ),
      operands: { x: operand },
      dtype: 'f32',
    })
    const inside = at.map((index, axis) => exprOf(subtract(index, constant(reach[axis].min))))
    return { read: read(slot, inside) as ReadExpr, node: copy }
  }
  // Any other factor is computed once over just its indices.
  const ranges = [...node.axes, ...node.reduction!.ranges].filter((range) => factor.indices.has(range.index))
  const largest = readsIn(expr).reduce((size, part) => Math.max(size, sizeOf(node.operands.get(part.tensor)!.shape)), 1)
  if (sizeOf(ranges.map((range) => range.extent)) > maxGrowth * largest) return null
  const renamed = ranges.map((range) => ({ index: range.index, start: 0, extent: range.extent }))
  const copy = comprehension({ axes: renamed, body: fromStarts(expr, ranges), operands: node.operands, dtype: 'f32' })
  return {
    read: read(
      slot,
      ranges.map((range) => shifted(range.index, -range.start)),
    ) as ReadExpr,
    node: copy,
  }
}

interface SeenThrough {
  readonly operand: Node
  readonly at: readonly Affine[]
  readonly maybe: boolean
}

/** A read of views (transposed, sliced, repeated) as a read of what they show; null where an index is not affine. */
function throughViews(first: Node, expr: ReadExpr, intervals: Intervals): SeenThrough | null {
  let operand = resolve(first)
  let at = affineAll(expr.at, intervals)
  let { maybe } = expr
  while (at && !maybe && operand.kind === 'comprehension' && !operand.reduction) {
    const { body, axes, operands } = operand
    if (body.kind !== 'read' || operands.get(body.tensor)!.dtype !== operand.dtype) break
    const inner = affineAll(body.at, intervalsOf(operand))
    if (!inner) break
    const values = new Map(axes.map((axis, position) => [axis.index, at![position]]))
    at = inner.map((index) => substituteIndices(index, values, intervals))
    maybe = body.maybe
    operand = resolve(operands.get(body.tensor)!)
  }
  return at && { operand, at, maybe }
}

function affineAll(exprs: readonly Expr[], intervals: Intervals): readonly Affine[] | null {
  const all = exprs.map((part) => affineOf(part, intervals))
  return all.some((index) => index === null) ? null : (all as readonly Affine[])
}

const shifted = (index: string, by: number): Expr => plus(name(index), by)

const plus = (expr: Expr, by: number): Expr =>
  by === 0 ? expr : by > 0 ? binary('+', expr, number(by)) : binary('-', expr, number(-by))

/** The expression over indices that run from 0. */
function fromStarts(expr: Expr, ranges: readonly BoundRange[]): Expr {
  const moved = new Map(ranges.filter((range) => range.start !== 0).map((range) => [range.index, range.start]))
  if (moved.size === 0) return expr
  const replace = (part: Expr): Expr => {
    if (part.kind === 'name') return moved.has(part.name) ? shifted(part.name, moved.get(part.name)!) : part
    return mapParts(part, replace)
  }
  return replace(expr)
}

function mapParts(expr: Expr, change: (part: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'read':
      return { ...expr, at: expr.at.map(change) }
    case 'unary':
      return { ...expr, arg: change(expr.arg) }
    case 'binary':
      return { ...expr, left: change(expr.left), right: change(expr.right) }
    case 'call':
      return { ...expr, args: expr.args.map(change) }
    default:
      return expr
  }
}

function readsIn(expr: Expr): readonly ReadExpr[] {
  const reads: ReadExpr[] = []
  walk(expr, (part) => {
    if (part.kind === 'read') reads.push(part)
  })
  return reads
}

/**
 * An axis `a` that is read as `(a + p) / c` and `(a + p) % c` becomes two, `a + p = c · quotient + phase`: in each phase the
 * reads are affine. The result is put together again by a reshape where the phases fill the axis, else by a view.
 */
function splitPhases(node: ComprehensionNode): Node | null {
  const found = phaseOf(node)
  if (!found) return null
  const { axis, by, shift } = found
  const { index, extent } = node.axes[axis]
  const quotient = `${index}'q`
  const phase = `${index}'r`
  const first = Math.floor(shift / by)
  const count = Math.floor((extent - 1 + shift) / by) - first + 1
  const isWhole = first * by === shift && count * by === extent
  const position = plus(binary('+', binary('*', number(by), name(quotient)), name(phase)), first * by - shift)
  const replace = (part: Expr): Expr => {
    if (part.kind === 'name' && part.name === index) return position
    const changed = mapParts(part, replace)
    // Before and past the ends of an axis that the phases do not fill, reads may fall outside.
    return changed.kind === 'read' && !isWhole ? { ...changed, maybe: true } : changed
  }
  const axes = node.axes.flatMap((one, at) =>
    at === axis
      ? [
          { index: quotient, start: 0, extent: count },
          { index: phase, start: 0, extent: by },
        ]
      : [one],
  )
  const { where } = node.reduction!
  const reduction = { ...node.reduction!, where: where && replace(where) }
  const split = prepared(comprehension({ ...node, axes, body: replace(node.body), reduction }))
  if (isWhole) return reshapeNode(split, node.shape)
  const moved = plus(name(index), shift)
  const at = node.axes.flatMap((one, place) =>
    place === axis ? [plus(binary('/', moved, number(by)), -first), binary('%', moved, number(by))] : [name(one.index)],
  )
  return comprehension({ axes: node.axes, body: read('split', at), operands: { split } })
}

interface Phases {
  readonly axis: number
  readonly by: number
  readonly shift: number
}

function phaseOf(node: ComprehensionNode): Phases | null {
  let found: Phases | null = null
  walk(node.body, (part) => {
    if (found || part.kind !== 'binary' || part.op !== '%' || part.right.kind !== 'number') return
    const moved = nameAndShift(part.left)
    if (!moved) return
    const axis = node.axes.findIndex((one) => one.index === moved.name)
    if (axis >= 0 && node.axes[axis].extent > part.right.value)
      found = { axis, by: part.right.value, shift: moved.shift }
  })
  return found
}

/** `a`, `a + 2` or `a - 2`. */
function nameAndShift(expr: Expr): { readonly name: string; readonly shift: number } | null {
  if (expr.kind === 'name') return { name: expr.name, shift: 0 }
  if (expr.kind !== 'binary' || expr.left.kind !== 'name' || expr.right.kind !== 'number') return null
  if (expr.op !== '+' && expr.op !== '-') return null
  return { name: expr.left.name, shift: expr.op === '+' ? expr.right.value : -expr.right.value }
}
