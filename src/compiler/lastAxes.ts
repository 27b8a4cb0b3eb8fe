// Which axis of a tensor lies side by side in memory. Where every position has a product of its own, as in locally connected
// layers, neighbours along positions belong to different products: the samples, which one product has all of, go last instead.
import { type Expr, mapChildren, name, type ReadExpr, read } from '../expression/tree.ts'
import { comprehension } from '../graph/build.ts'
import { type BoundRange, type ComprehensionNode, type Node, sizeOf } from '../graph/node.ts'
import { isProduct, overlapProduct } from './contraction/overlap.ts'
import { matrixProduct } from './contraction/roles.ts'
import { domainSize, readersOf, readsOf, resolve } from './reads.ts'
import { type Request, reachable } from './request.ts'
import { rewrite } from './rewrite.ts'

/** Shorter axes are no vectors. */
const leastExtent = 8
/** Each element of a tensor that is copied for its order takes part in at least this many products. */
const leastUses = 16

/** The same request, in which such products, what they read and what reads them have another axis last where they may. */
export function moveAxes(request: Request): Request {
  const order = orderOf(request)
  if (order.last.size === 0 && order.behind.size === 0) return request
  return rewrite(request, (node, old) => (old.kind === 'comprehension' ? moved(node, old, order) : node))
}

interface Order {
  /** The axis of a node that goes last. */
  readonly last: ReadonlyMap<Node, number>
  /** The same, of products that are seen in their own order all the same. */
  readonly behind: ReadonlyMap<Node, number>
  /** Operands of products that are copied with another axis last. */
  readonly copies: ReadonlyMap<Node, { readonly slot: string; readonly axis: number }>
}

function orderOf(request: Request): Order {
  const nodes = reachable(request).filter((node): node is ComprehensionNode => node.kind === 'comprehension')
  const fixed = fixedNodes(request)
  const readers = readersOf(nodes, (node) => readsOf(node).map((one) => one.node))
  const last = new Map<Node, number>()
  const behind = new Map<Node, number>()
  const copies = new Map<Node, { readonly slot: string; readonly axis: number }>()

  const isFree = (node: Node): node is ComprehensionNode =>
    node.kind === 'comprehension' && !fixed.has(node) && !last.has(node)
  /** Puts an axis last, and the same axis of whatever is read or reads element by element along it. */
  const mark = (first: ComprehensionNode, axis: number): void => {
    last.set(first, axis)
    const open = [first]
    const follow = (node: Node, at: number): void => {
      if (at < 0 || !isFree(node) || isProduct(node)) return
      last.set(node, at)
      open.push(node)
    }
    while (open.length > 0) {
      const node = open.pop()!
      const at = last.get(node)!
      const { index } = node.axes[at]
      for (const { expr, node: operand } of readsOf(node)) follow(operand, axisAt(expr, index))
      for (const reader of readers.get(node) ?? []) {
        const { expr } = readsOf(reader).find((one) => one.node === node)!
        follow(
          reader,
          reader.axes.findIndex((own) => axisAt(expr, own.index) === at),
        )
      }
    }
  }
  for (const node of nodes) {
    const side = sideOf(node, acrossPositions(node), last)
    if (!side) continue
    const { slot, operand, axis, axisOfOperand } = side
    if (last.get(operand) !== axisOfOperand) {
      if (isFree(operand) && !isProduct(operand)) mark(operand, axisOfOperand)
      else if (domainSize(node) >= leastUses * sizeOf(operand.shape)) copies.set(node, { slot, axis: axisOfOperand })
      else continue
    }
    if (isFree(node)) mark(node, axis)
    else behind.set(node, axis)
  }
  return { last, behind, copies }
}

/** The rows and columns of products of which neighbours along the last axis have one each; none where there are no such. */
function acrossPositions(node: ComprehensionNode): readonly BoundRange[] {
  const last = node.axes[node.axes.length - 1]
  const product = matrixProduct(node)
  if (product) {
    const { batch, rows, columns } = product
    return batch.includes(last) && rows.length > 0 && columns.length > 0 ? [...rows, ...columns] : []
  }
  const windows = overlapProduct(node)?.windows.map(({ axis }) => axis) ?? []
  return windows.includes(last) ? node.axes.filter((axis) => !windows.includes(axis)) : []
}

interface Side {
  readonly slot: string
  readonly operand: Node
  /** The axis that goes last, of the product and of its operand. */
  readonly axis: number
  readonly axisOfOperand: number
}

/** The axis of a product along which an operand lies already; else the longest, of an operand that is no parameter. */
function sideOf(node: ComprehensionNode, ranges: readonly BoundRange[], last: ReadonlyMap<Node, number>): Side | null {
  const sides: Side[] = []
  for (const range of ranges) {
    if (range.extent < leastExtent) continue
    for (const { expr, node: operand } of readsOf(node)) {
      const axisOfOperand = axisAt(expr, range.index)
      if (axisOfOperand < 0 || operand.kind === 'parameter') continue
      sides.push({ slot: expr.tensor, operand, axis: node.axes.indexOf(range), axisOfOperand })
    }
  }
  const extentOf = ({ axis }: Side): number => node.axes[axis].extent
  return (
    sides.find(({ operand, axisOfOperand }) => last.get(operand) === axisOfOperand) ??
    sides.reduce<Side | null>((best, side) => (best && extentOf(best) >= extentOf(side) ? best : side), null)
  )
}

/** The axis at which a read has an index, and nothing else; -1 where there is none. */
const axisAt = ({ at }: ReadExpr, index: string): number =>
  at.findIndex((part) => part.kind === 'name' && part.name === index)

/** Nodes whose elements somebody expects in their own order. */
function fixedNodes(request: Request): ReadonlySet<Node> {
  const fixed = new Set<Node>([...request.outputs, ...request.updates.map(({ value }) => value)].map(resolve))
  for (const node of reachable(request)) {
    if (node.kind === 'reshape') fixed.add(resolve(node.of))
    else if (node.kind === 'scatter') for (const operand of node.operands.values()) fixed.add(resolve(operand))
    // To other products, neighbours along their own last axes are of use.
    else if (node.kind === 'comprehension' && matrixProduct(node)?.batch.length === 0)
      for (const operand of node.operands.values()) fixed.add(resolve(operand))
  }
  return fixed
}

/** The node as it was, over operands of which some have been moved: reads follow them, and so do its own axes. */
function moved(node: Node, old: ComprehensionNode, { last, behind, copies }: Order): Node {
  const now = node as ComprehensionNode
  const copy = copies.get(old)
  const operands = new Map(now.operands)
  if (copy) operands.set(copy.slot, copyOf(operands.get(copy.slot)!, copy.axis))
  const axisOf = (slot: string): number | undefined =>
    slot === copy?.slot ? copy.axis : last.get(resolve(old.operands.get(slot)!))
  const followed = (expr: Expr): Expr => {
    const part = mapChildren(expr, followed)
    if (part.kind !== 'read') return part
    const axis = axisOf(part.tensor)
    return axis === undefined ? part : { ...part, at: toLast(part.at, axis) }
  }
  const own = last.get(old) ?? behind.get(old)
  const { reduction } = now
  const result = comprehension({
    ...now,
    axes: own === undefined ? now.axes : toLast(now.axes, own),
    body: followed(now.body),
    operands,
    reduction: reduction && {
      ...reduction,
      ranges: reduction.op.startsWith('arg') ? reduction.ranges : inOrder(old, last),
      where: reduction.where && followed(reduction.where),
    },
  })
  if (!behind.has(old)) return result
  const names = now.axes.map(({ index }) => name(index))
  return comprehension({ axes: now.axes, body: read('moved', toLast(names, own!)), operands: { moved: result } })
}

/** The ranges of a reduction, innermost the one along which what it reads lies. */
function inOrder(old: ComprehensionNode, last: ReadonlyMap<Node, number>): readonly BoundRange[] {
  const { ranges } = old.reduction!
  for (const { expr, node } of readsOf(old)) {
    const axis = last.get(node)
    const found = axis === undefined ? -1 : ranges.findIndex(({ index }) => axisAt(expr, index) === axis)
    if (found >= 0) return toLast(ranges, found)
  }
  return ranges
}

function copyOf(of: Node, axis: number): Node {
  const axes = of.shape.map((extent, at) => ({ index: `i${at}`, start: 0, extent }))
  const body = read(
    'x',
    axes.map(({ index }) => name(index)),
  )
  return comprehension({ axes: toLast(axes, axis), body, operands: { x: of } })
}

const toLast = <T>(items: readonly T[], at: number): readonly T[] => [...items.toSpliced(at, 1), items[at]]
