// Adding up derivatives, and standing for one that is not known yet.
import type { Dtype } from '../dtype.ts'
import { binary, type Expr, read } from '../expression/tree.ts'
import { comprehension, inputNode } from '../graph/build.ts'
import type { Node, Shape } from '../graph/node.ts'
import { joined } from './joins.ts'
import { axesOf, indexNames } from './ranges.ts'

/** A node and its adjoint, or its tangent. */
export type Paired = readonly [node: Node, derivative: Node]

/** A node that stands for an adjoint in a linear expression, which is then differentiated by it; never computed. */
export const placeholder = (shape: Shape, dtype: Dtype): Node => inputNode(-1, shape, dtype)

/** A body of more terms is split, so that no expression gets deep. */
const maxTerms = 16

/** The sum of nodes of one shape and dtype. */
export function sumOf(nodes: readonly Node[]): Node {
  let terms = joined(nodes)
  while (terms.length > 1) {
    const sums: Node[] = []
    for (let start = 0; start < terms.length; start += maxTerms) sums.push(add(terms.slice(start, start + maxTerms)))
    terms = sums
  }
  return terms[0]
}

function add(nodes: readonly Node[]): Node {
  if (nodes.length === 1) return nodes[0]
  const axes = axesOf(nodes[0].shape)
  const at = indexNames(axes)
  const terms = nodes.map((_, position): Expr => read(`a${position}`, at))
  return comprehension({
    axes,
    body: terms.reduce((sum, term) => binary('+', sum, term)),
    operands: new Map(nodes.map((node, position) => [`a${position}`, node])),
    dtype: nodes[0].dtype,
  })
}
