// Which nodes are stored, and which are computed anew inside whatever reads them.

import type { Node, Shape } from '../graph/node.ts'
import { sizeOf } from '../graph/node.ts'
import { pairedAngles } from './angles.ts'
import { isProduct } from './contraction/overlap.ts'
import {
  type ComputedNode,
  costOf,
  domainSize,
  expressionsOf,
  isContraction,
  isLeaf,
  type PlainNode,
  readsOf,
  resolve,
  storageNode,
} from './reads.ts'
import type { ComputedRequest } from './request.ts'

/**
 * The nodes whose bodies are evaluated inside their readers and never stored: views, and arithmetic cheaper to repeat
 * than to write and read back.
 */
/** With `contractions` the operands of matrix products are stored: micro-kernels read memory. */
export function inlinedNodes(
  nodes: readonly Node[],
  request: ComputedRequest,
  contractions: boolean,
): ReadonlySet<Node> {
  const kept = new Set<Node>([...request.outputs, ...request.updates.map((update) => update.value)])
  const consumers = consumersOf(nodes)
  if (contractions) {
    for (const node of pairedAngles(nodes)) kept.add(node)
    for (const node of nodes) {
      if (node.kind !== 'comprehension' || !isProduct(node)) continue
      for (const operand of node.operands.values()) kept.add(storageNode(operand))
    }
  }
  const inlined = new Set<Node>()
  const constants = new Set<Node>()
  /** The cost of one evaluation, with what is inlined into it. */
  const fullCost = new Map<Node, number>()
  for (const node of nodes) {
    if (node.kind !== 'comprehension') continue
    const cost = fullCostOf(node, inlined, fullCost)
    fullCost.set(node, cost)
    if (node.reduction || kept.has(node)) continue
    if (isConstantNumber(node, constants)) constants.add(node)
    if (constants.has(node) || isCheaperAnew(node, cost, consumers.get(node) ?? [])) inlined.add(node)
  }
  return inlined
}

/** A number computed from data alone, such as where a gradient starts: each kernel computes it once, and need not wait for it. */
const isConstantNumber = (node: ComputedNode, constants: ReadonlySet<Node>): boolean =>
  node.shape.length === 0 && readsOf(node).every((read) => read.node.kind === 'data' || constants.has(read.node))

interface Consumer {
  readonly node: ComputedNode
  /** Evaluations of the reads, all together. */
  readonly evaluations: number
}

/** Who reads each node, reshapes passed through. */
function consumersOf(nodes: readonly Node[]): ReadonlyMap<Node, readonly Consumer[]> {
  const consumers = new Map<Node, Consumer[]>()
  const note = (read: PlainNode, consumer: Consumer) => {
    let node = read
    while (node.kind === 'reshape') node = resolve(node.of)
    const known = consumers.get(node)
    if (known) known.push(consumer)
    else consumers.set(node, [consumer])
  }
  for (const node of nodes) {
    if (node.kind !== 'comprehension' && node.kind !== 'scatter') continue
    const times = new Map<PlainNode, number>()
    for (const read of readsOf(node)) times.set(read.node, (times.get(read.node) ?? 0) + 1)
    for (const [read, count] of times) note(read, { node, evaluations: count * domainSize(node) })
  }
  return consumers
}

function fullCostOf(node: ComputedNode, inlined: ReadonlySet<Node>, fullCost: ReadonlyMap<Node, number>): number {
  let cost = expressionsOf(node).reduce((sum, expr) => sum + costOf(expr), 0)
  for (const read of readsOf(node)) {
    let operand = read.node
    while (operand.kind === 'reshape') {
      const { shape } = operand
      operand = resolve(operand.of)
      // Taking a flat position apart again costs divisions.
      if (!isLeaf(operand) && !isMerged(shape, operand.shape)) cost += 2
    }
    if (inlined.has(operand)) cost += fullCost.get(operand)!
  }
  return cost
}

/** Whether each axis of `to` is one axis or neighbouring axes of `from`: positions then are sums of multiples. */
function isMerged(from: Shape, to: Shape): boolean {
  let at = 0
  return to.every((extent) => {
    let size = 1
    while (size < extent && at < from.length) size *= from[at++]
    return size === extent
  })
}

/** A store and a load, in additions. */
const storeCost = 4

function isCheaperAnew(node: ComputedNode, cost: number, consumers: readonly Consumer[]): boolean {
  const size = Math.max(1, sizeOf(node.shape))
  if (cost === 0) return true
  const evaluations = consumers.reduce((sum, consumer) => sum + consumer.evaluations, 0)
  if (consumers.some((consumer) => isContraction(consumer.node) && consumer.evaluations > size)) return false
  return cost * (evaluations / size - 1) <= storeCost
}
