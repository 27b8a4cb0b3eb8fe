// Operations that compute each element from the elements at the same place: one comprehension, operands broadcast.
import type { Dtype } from '../../dtype.ts'
import type { Expr } from '../../expression/tree.ts'
import { number } from '../../expression/tree.ts'
import { comprehension } from '../build.ts'
import type { Node } from '../node.ts'
import { broadcastShapes, rangesOf, readBroadcast } from './axes.ts'

/** A tensor's node, or a number that stands in the formula itself and takes the others' dtype. */
export type Operand = Node | number

/** `body` of the operands' elements, for every element of the shape they broadcast to. Throws ShapeError `shape-mismatch`. */
export function pointwise(
  operation: string,
  operands: readonly Operand[],
  body: (...elements: Expr[]) => Expr,
  dtype?: Dtype,
): Node {
  const nodes = operands.filter((operand) => typeof operand !== 'number')
  const shape = broadcastShapes(
    operation,
    nodes.map((node) => node.shape),
  )
  const named = nameOperands(nodes)
  const elements = operands.map((operand) =>
    typeof operand === 'number' ? number(operand) : readBroadcast(named.nameOf(operand), operand.shape, shape),
  )
  return comprehension({
    axes: rangesOf(shape),
    body: body(...elements),
    operands: named.operands,
    dtype,
  })
}

const names = ['x', 'y', 'z', 'w']

/** Names for operands: x, y, z, w, t4, …; a node that occurs twice has one name. */
export function nameOperands(nodes: readonly Node[]): {
  operands: ReadonlyMap<string, Node>
  nameOf: (node: Node) => string
} {
  const distinct = [...new Set(nodes)]
  const nameAt = (position: number) => names[position] ?? `t${position}`
  return {
    operands: new Map(distinct.map((node, position) => [nameAt(position), node])),
    nameOf: (node) => nameAt(distinct.indexOf(node)),
  }
}
