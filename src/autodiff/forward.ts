// Forward mode: the tangent of a comprehension is a comprehension.
import { read } from '../expression/tree.ts'
import { comprehension, reshapeNode, scatterNode } from '../graph/build.ts'
import type { BoundRange, ComprehensionNode, Node, RuleNode, ScatterNode, Shape } from '../graph/node.ts'
import { type Paired, placeholder, sumOf } from './accumulate.ts'
import { type Derivative, times } from './algebra.ts'
import { conjuncts } from './factors.ts'
import { reduceProduct } from './gather.ts'
import { nodesBetween } from './graph.ts'
import { occurrencesOf } from './occurrences.ts'
import { batchAxes, freshName, indexNames } from './ranges.ts'
import { shareOf } from './reductions.ts'
import { adjoints } from './reverse.ts'
import { derivative, partial } from './scalarDerivatives.ts'

/**
 * The tangents of `results`, given those of the nodes they may depend on; null where they do not.
 * A tangent has its node's shape, after the axes of `batch`: one tangent for each combination of those.
 */
export function tangents(given: readonly Paired[], results: readonly Node[], batch: Shape = []): (Node | null)[] {
  const known = new Map<Node, Node>(given)
  for (const node of nodesBetween(known.keys(), results)) {
    if (known.has(node)) continue
    const tangent = tangentOf(node, known, batch)
    if (tangent) known.set(node, tangent)
  }
  return results.map((node) => known.get(node) ?? null)
}

type Known = ReadonlyMap<Node, Node>

function tangentOf(node: Node, known: Known, batch: Shape): Node | null {
  switch (node.kind) {
    case 'comprehension':
      return node.reduction ? tangentOfReduction(node, known, batch) : tangentOfPointwise(node, known, batch)
    case 'scatter':
      return tangentOfScatter(node, known, batch)
    case 'reshape': {
      const tangent = known.get(node.of)
      return tangent ? reshapeNode(tangent, [...batch, ...node.shape]) : null
    }
    case 'rule':
      return tangentOfRule(node, known, batch)
    default:
      return null
  }
}

/** The tangents of a node's operands as operands themselves, and how they are read. */
function tangentReads(node: ComprehensionNode | ScatterNode, known: Known, batch: readonly BoundRange[]) {
  const operands = new Map(node.operands)
  const names = new Map<string, string>()
  for (const [name, of] of node.operands) {
    const tangent = known.get(of)
    if (!tangent) continue
    const own = freshName(`d${name}`, operands)
    operands.set(own, tangent)
    names.set(name, own)
  }
  const seed: Parameters<typeof derivative>[1] = (leaf): Derivative => {
    const own = leaf.kind === 'read' ? names.get(leaf.tensor) : undefined
    if (leaf.kind !== 'read' || !own) return null
    return read(own, [...indexNames(batch), ...leaf.at], leaf.maybe)
  }
  return { operands, seed }
}

function tangentOfPointwise(node: ComprehensionNode, known: Known, batch: Shape): Node | null {
  const batched = batchAxes(batch, node.axes)
  const { operands, seed } = tangentReads(node, known, batched)
  const own = freshName('y', operands)
  const body = derivative(node.body, seed, read(own, indexNames(node.axes)))
  if (!body) return null
  const axes = [...batched, ...node.axes]
  return comprehension({ axes, body, operands: operands.set(own, node), dtype: node.dtype })
}

/** One reduction for each read: each is a plain contraction where the reduction was one. */
function tangentOfReduction(node: ComprehensionNode, known: Known, batch: Shape): Node | null {
  const { axes, body, dtype } = node
  const ranges = node.reduction?.ranges ?? []
  const occurrences = occurrencesOf(body, node.operands, (operand) => known.has(operand))
  const share = occurrences.length > 0 ? shareOf(node) : null
  if (!share) return null
  const batched = batchAxes(batch, [...axes, ...ranges])
  const { operands, seed } = tangentReads({ ...node, operands: share.operands }, known, batched)
  const parts: Node[] = []
  for (const occurrence of occurrences) {
    const slope = partial(body, occurrence)
    const value = times(times(share.weight, slope), seed(occurrence))
    const place = { axes: [...batched, ...axes], ranges, operands, dtype }
    const part = value && reduceProduct(value, conjuncts(share.where), place)
    if (part) parts.push(part)
  }
  return parts.length > 0 ? sumOf(parts) : null
}

function tangentOfScatter(node: ScatterNode, known: Known, batch: Shape): Node | null {
  const batched = batchAxes(batch, node.ranges)
  const { operands, seed } = tangentReads(node, known, batched)
  const value = derivative(node.value, seed)
  if (!value) return null
  return scatterNode({
    shape: [...batch, ...node.shape],
    ranges: [...batched, ...node.ranges],
    at: [...indexNames(batched), ...node.at],
    value,
    operands,
    dtype: node.dtype,
  })
}

/**
 * A registered rule says how adjoints go back through it. That is linear in the adjoint, so its own adjoint says how
 * tangents go forward, and the rule holds in both directions.
 */
function tangentOfRule(node: RuleNode, known: Known, batch: Shape): Node | null {
  const one = placeholder(node.shape, node.dtype)
  const results = node.vjp(one).flatMap((part, at): Paired[] => {
    const tangent = known.get(node.inputs[at])
    return part && tangent ? [[part, tangent]] : []
  })
  return adjoints(results, [one], batch)[0]
}
