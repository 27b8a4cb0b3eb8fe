// When parameters get their new values: after the last who reads the old one, and then at once, with all that is computed for
// nothing else. The new value is then written over the old one where its gradient is made.
import type { Node } from '../graph/node.ts'
import { type ComputedNode, readersOf, readsOf, storageNode } from './reads.ts'
import type { ComputedRequest } from './request.ts'

/** The same nodes, operands first, in an order in which gradients that only updates need follow what reads the parameters. */
export function updatesAfterReaders(order: readonly ComputedNode[], request: ComputedRequest): readonly ComputedNode[] {
  const places = new Map<Node, number>(order.map((node, at) => [node, at]))
  const readers = readersOf(order, operandsOf)
  const values = new Set<ComputedNode>(request.updates.map(({ value }) => value))
  const followers = new Map<ComputedNode, readonly ComputedNode[]>()
  const moved = new Set<ComputedNode>()
  const lastOf = (nodes: readonly Node[]): number =>
    nodes.reduce((last, node) => Math.max(last, places.get(node) ?? -1), -1)

  for (const value of values) {
    if (request.outputs.includes(value) || readers.has(value)) continue
    const group = onlyFor(value, readers, request)
    const parameters = request.updates.filter((update) => update.value === value).map(({ parameter }) => parameter)
    const others = parameters.flatMap((one) => readers.get(one) ?? []).filter((reader) => !group.has(reader))
    const last = lastOf(others)
    const isFirst = [...group].every((node) => node === value || places.get(node)! > last)
    // New values stand at the end of the order: among them nothing moves.
    if (isFirst || others.some((reader) => values.has(reader))) continue
    const next = [...group].sort((one, two) => places.get(one)! - places.get(two)!)
    const needed = next.flatMap(operandsOf).filter((operand) => !group.has(operand as ComputedNode))
    const after = order[Math.max(last, lastOf(needed))]
    // Nodes that wait for one another would wait for ever.
    if (moved.has(after) || next.some((node) => followers.has(node))) continue
    followers.set(after, [...(followers.get(after) ?? []), ...next])
    for (const node of next) moved.add(node)
  }
  return order.flatMap((node) => (moved.has(node) ? [] : [node, ...(followers.get(node) ?? [])]))
}

const operandsOf = (node: ComputedNode): readonly Node[] => readsOf(node).map((read) => storageNode(read.node))

/** A value and whatever nothing else needs, new values of parameters that it alone reads among them. */
function onlyFor(
  value: ComputedNode,
  readers: ReadonlyMap<Node, readonly ComputedNode[]>,
  request: ComputedRequest,
): ReadonlySet<ComputedNode> {
  const group = new Set<ComputedNode>([value])
  const belongs = (node: ComputedNode): boolean =>
    !request.outputs.includes(node) && readers.get(node)!.every((reader) => group.has(reader))
  const open = [value]
  while (open.length > 0) {
    for (const operand of operandsOf(open.pop()!)) {
      if (operand.kind !== 'comprehension' && operand.kind !== 'scatter') continue
      if (group.has(operand) || !belongs(operand)) continue
      group.add(operand)
      open.push(operand)
    }
  }
  return group
}
