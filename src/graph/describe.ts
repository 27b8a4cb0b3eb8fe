// A node as the formula it computes.
import type { Expr, Range } from '../expression/tree.ts'
import { number, reduce } from '../expression/tree.ts'
import { print } from '../formula/print.ts'
import type { BoundRange, Node } from './node.ts'

/** A node as canonical formula text with its extents. */
export function describeNode(node: Node): string {
  if (node.kind !== 'comprehension') return `${node.kind}[${node.shape}]`
  const value: Expr = node.reduction
    ? reduce(node.reduction.op, node.reduction.ranges.map(boundRange), node.body)
    : node.body
  return print({ name: 'z', axes: node.axes.map(boundRange), value })
}

const boundRange = ({ index, start, extent }: BoundRange): Range => ({
  index,
  bound:
    start === 0
      ? { kind: 'extent', extent: number(extent) }
      : { kind: 'between', start: number(start), last: number(start + extent - 1) },
})
