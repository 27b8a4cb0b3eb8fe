// Numbers that were computed once are used again: a node that has been evaluated is a leaf of later evaluations.
import { comprehension, reshapeNode, ruleNode, scatterNode } from '../graph/build.ts'
import { type DataNode, type Node, operandsOf } from '../graph/node.ts'

const known = new WeakMap<Node, DataNode>()

export const remember = (node: Node, numbers: DataNode): void => {
  known.set(node, numbers)
}

export const numbersOf = (node: Node): DataNode | undefined => known.get(node)

export const forget = (node: Node): void => {
  known.delete(node)
}

/** The same computations, starting from what is already computed. */
export function fromRealized(nodes: readonly Node[]): readonly Node[] {
  const rebuilt = new Map<Node, Node>()
  const open = [...nodes]
  while (open.length > 0) {
    const node = open[open.length - 1]
    if (rebuilt.has(node)) {
      open.pop()
      continue
    }
    const numbers = known.get(node)
    if (numbers) {
      rebuilt.set(node, numbers)
      continue
    }
    const missing = operandsOf(node).filter((operand) => !rebuilt.has(operand))
    if (missing.length > 0) open.push(...missing)
    else
      rebuilt.set(
        node,
        over(node, (operand) => rebuilt.get(operand)!),
      )
  }
  return nodes.map((node) => rebuilt.get(node)!)
}

/** A node over other operands; the very same when none changes. */
function over(node: Node, changed: (operand: Node) => Node): Node {
  if (operandsOf(node).every((operand) => changed(operand) === operand)) return node
  switch (node.kind) {
    case 'comprehension':
      return comprehension({ ...node, operands: replaced(node.operands, changed) })
    case 'scatter':
      return scatterNode({ ...node, operands: replaced(node.operands, changed) })
    case 'reshape':
      return reshapeNode(changed(node.of), node.shape)
    case 'rule':
      return ruleNode({ ...node, of: changed(node.of) })
    default:
      return node
  }
}

const replaced = (operands: ReadonlyMap<string, Node>, changed: (operand: Node) => Node): ReadonlyMap<string, Node> =>
  new Map([...operands].map(([name, operand]) => [name, changed(operand)]))
