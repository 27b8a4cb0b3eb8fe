// A reduction over an axis that a reshape has merged runs over the axes themselves: like the same one without the reshape.
import { type Expr, mapChildren, name, type ReadExpr, read, walk } from '../expression/tree.ts'
import { comprehension } from '../graph/build.ts'
import type { BoundRange, ComprehensionNode, Node, Shape } from '../graph/node.ts'
import { isContraction, resolve } from './reads.ts'
import type { Request } from './request.ts'
import { rewrite } from './rewrite.ts'

/** The same request with such reductions over more ranges. Products are left alone: to them it is all the same. */
export const splitSums = (request: Request): Request => rewrite(request, splitNode)

function splitNode(node: Node): Node {
  if (node.kind !== 'comprehension' || isContraction(node)) return node
  const { reduction } = node
  // Positions of winners, and conditions, are those of the ranges as they are.
  if (!reduction || reduction.where || reduction.op.startsWith('arg')) return node
  for (const range of reduction.ranges) {
    const split = range.start === 0 ? splitRange(node, range) : null
    if (split) return splitNode(split)
  }
  return node
}

/** The node with a range as those of the axes that are merged wherever it is used; null where it is used otherwise. */
function splitRange(node: ComprehensionNode, range: BoundRange): Node | null {
  const reads = readsWith(node.body, range.index)
  if (!reads || reads.length === 0) return null
  const operands = new Map(node.operands)
  const changed = new Map<Expr, Expr>()
  let ranges: readonly BoundRange[] | null = null
  for (const expr of reads) {
    const merged = mergedAxes(node.operands.get(expr.tensor)!, expr, range)
    if (!merged || (ranges && ranges.map(({ extent }) => extent).join() !== merged.extents.join())) return null
    ranges ??= merged.extents.map((extent, at) => ({ index: `${range.index}'${at}`, start: 0, extent }))
    const operand = `${expr.tensor}'`
    operands.set(operand, merged.of)
    const at = expr.at.toSpliced(merged.axis, 1, ...ranges.map(({ index }) => name(index)))
    changed.set(expr, read(operand, at, expr.maybe))
  }
  const replaced = (expr: Expr): Expr => changed.get(expr) ?? mapChildren(expr, replaced)
  const reduction = node.reduction!
  const all = reduction.ranges.flatMap((one) => (one === range ? ranges! : [one]))
  return comprehension({ ...node, body: replaced(node.body), operands, reduction: { ...reduction, ranges: all } })
}

/** The reads that have an index, as the whole of one of their own; null where it stands anywhere else. */
function readsWith(body: Expr, index: string): readonly ReadExpr[] | null {
  const reads: ReadExpr[] = []
  let names = 0
  walk(body, (part) => {
    if (part.kind === 'name' && part.name === index) names++
    if (part.kind !== 'read') return
    if (part.at.filter((at) => at.kind === 'name' && at.name === index).length === 1) reads.push(part)
  })
  return names === reads.length ? reads : null
}

interface Merged {
  readonly axis: number
  /** What has the axes apart, and is else the same. */
  readonly of: Node
  readonly extents: Shape
}

/** The axes that a reshape has merged into the one that is read at a range; null where there is none, or it does more. */
function mergedAxes(operand: Node, { at }: ReadExpr, { index, extent }: BoundRange): Merged | null {
  const view = resolve(operand)
  if (view.kind !== 'reshape') return null
  const of = resolve(view.of)
  const axis = at.findIndex((part) => part.kind === 'name' && part.name === index)
  const count = of.shape.length - view.shape.length + 1
  const extents = of.shape.slice(axis, axis + count)
  const isSame = view.shape.join() === of.shape.toSpliced(axis, Math.max(count, 0), extent).join()
  return count > 1 && view.shape[axis] === extent && isSame ? { axis, of, extents } : null
}
