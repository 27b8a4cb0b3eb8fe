// What a node reads, through registered rules and reshapes, and what its body costs to compute.
import { type Expr, type ReadExpr, walk } from '../expression/tree.ts'
import type { BoundRange, ComprehensionNode, Node, RuleNode, ScatterNode } from '../graph/node.ts'
import type { Interval, Intervals } from '../index/index.ts'

/** A node that does arithmetic. */
export type ComputedNode = ComprehensionNode | ScatterNode
/** A node of the graph as the compiler sees it: registered rules are only the value they stand for. */
export type PlainNode = Exclude<Node, RuleNode>

export function resolve(node: Node): PlainNode {
  let plain = node
  while (plain.kind === 'rule') plain = plain.of
  return plain
}

/** The node whose elements, in row-major order, are those of `node`. */
export function storageNode(node: Node): Exclude<PlainNode, { kind: 'reshape' }> {
  let plain = resolve(node)
  while (plain.kind === 'reshape') plain = resolve(plain.of)
  return plain
}

export const isLeaf = (node: PlainNode): boolean =>
  node.kind === 'data' || node.kind === 'parameter' || node.kind === 'input'

/** All scalar expressions of a computed node. */
export function expressionsOf(node: ComputedNode): readonly Expr[] {
  if (node.kind === 'scatter') return [node.value, ...node.at]
  return node.reduction?.where ? [node.body, node.reduction.where] : [node.body]
}

const readsCache = new WeakMap<ComputedNode, readonly { expr: ReadExpr; node: PlainNode }[]>()

/** Every read in a node's expressions, with what it reads. */
export function readsOf(node: ComputedNode): readonly { expr: ReadExpr; node: PlainNode }[] {
  let reads = readsCache.get(node)
  if (!reads) {
    const found: { expr: ReadExpr; node: PlainNode }[] = []
    for (const expr of expressionsOf(node)) {
      walk(expr, (part) => {
        if (part.kind === 'read') found.push({ expr: part, node: resolve(node.operands.get(part.tensor)!) })
      })
    }
    reads = found
    readsCache.set(node, reads)
  }
  return reads
}

/** Who reads each node, as `operandsOf` tells: views of it count as it where that says so. */
export function readersOf<Reader extends ComputedNode>(
  nodes: readonly Reader[],
  operandsOf: (node: Reader) => readonly Node[],
): ReadonlyMap<Node, readonly Reader[]> {
  const readers = new Map<Node, Reader[]>()
  for (const node of nodes) {
    for (const operand of new Set(operandsOf(node))) {
      const known = readers.get(operand)
      if (known) known.push(node)
      else readers.set(operand, [node])
    }
  }
  return readers
}

export const rangesOf = (node: ComputedNode): readonly BoundRange[] =>
  node.kind === 'scatter' ? node.ranges : node.reduction ? node.reduction.ranges : []

/** The values of a node's axes and ranges. */
export function intervalsOf(node: ComputedNode): Intervals {
  const intervals = new Map<string, Interval>()
  const all = node.kind === 'scatter' ? node.ranges : [...node.axes, ...rangesOf(node)]
  for (const { index, start, extent } of all) intervals.set(index, { min: start, max: start + extent - 1 })
  return intervals
}

/** How often the body of a node is evaluated. */
export const domainSize = (node: ComputedNode): number =>
  (node.kind === 'scatter' ? [] : node.axes).reduce((size, axis) => size * axis.extent, 1) *
  rangesOf(node).reduce((size, range) => size * range.extent, 1)

const functionCosts: Readonly<Record<string, number>> = {
  sqrt: 4, pow: 30, min: 1, max: 1, abs: 1, floor: 1, ceil: 1, round: 1, sign: 2, relu: 1, clamp: 2, where: 1,
  stopGradient: 0, uniform: 60, gelu: 25, silu: 12,
} // biome-ignore format: a table

/** Rough arithmetic of one call of a function, in additions. */
export const functionCost = (fn: string): number => functionCosts[fn] ?? 12

/** Rough arithmetic of one evaluation of an expression, in additions; reads themselves are free. */
export function costOf(expr: Expr): number {
  switch (expr.kind) {
    case 'number':
    case 'name':
      return 0
    case 'read':
      return 0
    case 'unary':
      return costOf(expr.arg) + 1
    case 'binary': {
      const own = expr.op === '/' || expr.op === '%' ? 4 : expr.op === '^' ? 20 : 1
      return own + costOf(expr.left) + costOf(expr.right)
    }
    case 'call':
      return expr.args.reduce((sum, arg) => sum + costOf(arg), functionCost(expr.fn))
    case 'reduce':
      throw new Error('a reduction inside a body')
  }
}

/** Whether a node multiplies and adds the same elements many times over, as a matrix product does. */
export function isContraction(node: ComputedNode): boolean {
  if (node.kind !== 'comprehension' || node.reduction?.op !== 'sum') return false
  const reads = readsOf(node)
  if (reads.length < 2) return false
  const largest = Math.max(...reads.map((read) => read.node.shape.reduce((a, b) => a * b, 1)))
  return domainSize(node) >= 2 * largest && domainSize(node) > node.shape.reduce((a, b) => a * b, 1)
}

/** Whether a node is computed from another. */
export function dependsOn(node: Node, wanted: Node): boolean {
  const open: PlainNode[] = [resolve(node)]
  const seen = new Set<Node>()
  while (open.length > 0) {
    const next = open.pop()!
    if (next === wanted) return true
    if (seen.has(next) || next.id < wanted.id) continue
    seen.add(next)
    if (next.kind === 'comprehension' || next.kind === 'scatter')
      for (const operand of next.operands.values()) open.push(resolve(operand))
    if (next.kind === 'reshape') open.push(resolve(next.of))
  }
  return false
}
