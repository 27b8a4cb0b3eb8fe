// A graph over again, with its nodes changed.
import { comprehension, reshapeNode, ruleNode, scatterNode } from '../graph/build.ts'
import { type Node, operandsOf } from '../graph/node.ts'
import type { Request } from './request.ts'

/**
 * The same request with every node changed, its operands before it; `old` is the node as it was. `seen` gives what stands for
 * a node, perhaps over other operands, before those are changed.
 */
export function rewrite(
  request: Request,
  changed: (node: Node, old: Node) => Node,
  seen: (node: Node) => Node = (node) => node,
): Request {
  const done = new Map<Node, Node>()
  const change = (root: Node): Node => {
    const open = [root]
    while (open.length > 0) {
      const node = open[open.length - 1]
      if (done.has(node)) {
        open.pop()
        continue
      }
      const now = seen(node)
      const missing = operandsOf(now).filter((operand) => !done.has(operand))
      if (missing.length > 0) open.push(...missing)
      else done.set(node, changed(over(now, done), node))
    }
    return done.get(root)!
  }
  return {
    outputs: request.outputs.map(change),
    updates: request.updates.map(({ parameter, value }) => ({ parameter, value: change(value) })),
  }
}

function over(node: Node, done: ReadonlyMap<Node, Node>): Node {
  if (operandsOf(node).every((operand) => done.get(operand) === operand)) return node
  const swapped = (operands: ReadonlyMap<string, Node>) =>
    new Map([...operands].map(([key, operand]) => [key, done.get(operand)!]))
  switch (node.kind) {
    case 'comprehension':
      return comprehension({ ...node, operands: swapped(node.operands) })
    case 'scatter':
      return scatterNode({ ...node, operands: swapped(node.operands) })
    case 'reshape':
      return reshapeNode(done.get(node.of)!, node.shape)
    case 'rule':
      return ruleNode({ ...node, of: done.get(node.of)! })
    default:
      return node
  }
}
