// The part of a graph that a derivative walks: what depends on some nodes, operands first.
import { isFloat } from '../dtype.ts'
import type { Node } from '../graph/node.ts'
import { operandsOf } from '../graph/node.ts'

/** The nodes that a node's derivative is taken by: of a registered rule, its inputs. */
export const differentiableOperands = (node: Node): readonly Node[] =>
  (node.kind === 'rule' ? node.inputs : operandsOf(node)).filter((operand) => isFloat(operand.dtype))

/** The nodes on the paths from any of `from` to any of `to`, both ends included, operands before their users. */
export function nodesBetween(from: Iterable<Node>, to: Iterable<Node>): Node[] {
  const sources = new Set(from)
  const depending = new Set<Node>()
  return reachableFrom(to).filter((node) => {
    const depends = sources.has(node) || differentiableOperands(node).some((operand) => depending.has(operand))
    if (depends) depending.add(node)
    return depends
  })
}

/** All nodes that some nodes are computed from, operands before their users. Without recursion: graphs are deep. */
function reachableFrom(nodes: Iterable<Node>): Node[] {
  const found = new Set<Node>()
  const waiting = [...nodes]
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (found.has(node) || !isFloat(node.dtype)) continue
    found.add(node)
    waiting.push(...differentiableOperands(node))
  }
  return [...found].sort((a, b) => a.id - b.id)
}
