// Reverse mode: adjoints flow from results to operands, one contribution for each read.
import type { Dtype } from '../dtype.ts'
import { children, type Expr, read, walk } from '../expression/tree.ts'
import { reshapeNode } from '../graph/build.ts'
import type { BoundRange, ComprehensionNode, Node, RuleNode, ScatterNode, Shape } from '../graph/node.ts'
import { type Paired, placeholder, sumOf } from './accumulate.ts'
import { times } from './algebra.ts'
import { factorsOf, mentions } from './factors.ts'
import { tangents } from './forward.ts'
import { gather, reduceProduct } from './gather.ts'
import { nodesBetween } from './graph.ts'
import { occurrencesOf } from './occurrences.ts'
import { batchAxes, freshName, indexNames } from './ranges.ts'
import { shareOf } from './reductions.ts'
import { partial } from './scalarDerivatives.ts'

/**
 * The adjoints of `wrt`, given those of `results`; null for what the results do not depend on.
 * An adjoint has its node's shape, after the axes of `batch`: one adjoint for each combination of those.
 */
export function adjoints(results: readonly Paired[], wrt: readonly Node[], batch: Shape = []): (Node | null)[] {
  const onPath = nodesBetween(
    wrt,
    results.map(([node]) => node),
  )
  const path = new Set(onPath)
  const contributions = new Map<Node, Node[]>()
  const contribute = (to: Node, adjoint: Node | null): void => {
    if (!adjoint || !path.has(to)) return
    const known = contributions.get(to)
    if (known) known.push(adjoint)
    else contributions.set(to, [adjoint])
  }
  for (const [node, adjoint] of results) contribute(node, adjoint)
  for (const node of onPath.reverse()) {
    const parts = contributions.get(node)
    if (!parts) continue
    const adjoint = sumOf(parts)
    contributions.set(node, [adjoint])
    propagate(node, adjoint, batch, path, contribute)
  }
  return wrt.map((node) => contributions.get(node)?.[0] ?? null)
}

type Contribute = (to: Node, adjoint: Node | null) => void

function propagate(node: Node, adjoint: Node, batch: Shape, path: ReadonlySet<Node>, contribute: Contribute): void {
  switch (node.kind) {
    case 'comprehension':
      propagateComprehension(node, adjoint, batch, path, contribute)
      return
    case 'scatter':
      propagateScatter(node, adjoint, batch, path, contribute)
      return
    case 'reshape':
      contribute(node.of, reshapeNode(adjoint, [...batch, ...node.of.shape]))
      return
    case 'rule':
      propagateRule(node, adjoint, batch, path, contribute)
      return
    default: // data, parameters and inputs are where adjoints end
  }
}

function propagateComprehension(
  node: ComprehensionNode,
  adjoint: Node,
  batch: Shape,
  path: ReadonlySet<Node>,
  contribute: Contribute,
): void {
  const occurrences = occurrencesOf(node.body, node.operands, (operand) => path.has(operand))
  const share = occurrences.length > 0 ? shareOf(node) : null
  if (!share) return
  const indices = [...node.axes, ...(node.reduction?.ranges ?? [])]
  const own = freshName('y', share.operands)
  const dName = freshName('dy', share.operands)
  const batchRanges = batchAxes(batch, indices)
  const at = indexNames(node.axes)
  const operands = new Map([...share.operands, [own, node], [dName, adjoint]])
  // Without a reduction the body's value is the node's own.
  const value = node.reduction ? undefined : read(own, at)
  const weight = times(read(dName, [...indexNames(batchRanges), ...at]), share.weight)
  for (const occurrence of occurrences) {
    const slope = partial(node.body, occurrence, value)
    if (!slope) continue
    const of = node.operands.get(occurrence.tensor)!
    const product = times(weight, slope)
    const flowing = node.reduction
      ? { value: product, operands }
      : onceComputed(product, [...batchRanges, ...node.axes], operands, node.dtype)
    contribute(
      of,
      gather({
        indices,
        batch: batchRanges,
        where: share.where,
        value: flowing.value,
        operands: flowing.operands,
        read: occurrence,
        shape: of.shape,
        dtype: of.dtype,
      }),
    )
  }
}

/**
 * An adjoint times a slope that takes some computing, as a tensor of its own: all operands of a node then read the same
 * numbers, and none computes them anew under its sum. Factors that lack an axis stay, for they can leave a sum.
 */
function onceComputed(
  value: Expr,
  axes: readonly BoundRange[],
  operands: ReadonlyMap<string, Node>,
  dtype: Dtype,
): { readonly value: Expr; readonly operands: ReadonlyMap<string, Node> } {
  const { numerators, denominators } = factorsOf(value, () => false)
  const isWhole = (factor: Expr): boolean => axes.every(({ index }) => mentions(factor, new Set([index])))
  const whole = [...numerators, ...denominators].filter((factor) => holdsRead(factor) && isWhole(factor))
  const operations = whole.reduce((count, factor) => count + operationsOf(factor), whole.length - 1)
  if (operations < 3) return { value, operands }
  const own = freshName('delta', operands)
  const node = reduceProduct(value, [], { axes, ranges: [], operands, dtype })
  if (!node) return { value, operands }
  return { value: read(own, indexNames(axes)), operands: new Map([...operands, [own, node]]) }
}

function holdsRead(expr: Expr): boolean {
  let found = false
  walk(expr, (part) => {
    if (part.kind === 'read') found = true
  })
  return found
}

/** Rough arithmetic, reads and their indices left out. */
function operationsOf(expr: Expr): number {
  if (expr.kind === 'read') return 0
  const own = expr.kind === 'call' ? 3 : expr.kind !== 'binary' ? 0 : expr.op === '/' || expr.op === '^' ? 3 : 1
  return children(expr).reduce((count, part) => count + operationsOf(part), own)
}

/** Every combination of the ranges reads the adjoint where it was added. */
function propagateScatter(
  node: ScatterNode,
  adjoint: Node,
  batch: Shape,
  path: ReadonlySet<Node>,
  contribute: Contribute,
): void {
  const dName = freshName('dy', node.operands)
  const batchRanges = batchAxes(batch, node.ranges)
  const operands = new Map([...node.operands, [dName, adjoint]])
  const weight = read(dName, [...indexNames(batchRanges), ...node.at])
  for (const occurrence of occurrencesOf(node.value, node.operands, (operand) => path.has(operand))) {
    const slope = partial(node.value, occurrence)
    if (!slope) continue
    const of = node.operands.get(occurrence.tensor)!
    contribute(
      of,
      gather({
        indices: node.ranges,
        batch: batchRanges,
        where: null,
        value: times(weight, slope),
        operands,
        read: occurrence,
        shape: of.shape,
        dtype: of.dtype,
      }),
    )
  }
}

function propagateRule(
  node: RuleNode,
  adjoint: Node,
  batch: Shape,
  path: ReadonlySet<Node>,
  contribute: Contribute,
): void {
  const parts = batch.length === 0 ? node.vjp(adjoint) : batchedRule(node, adjoint, batch)
  node.inputs.forEach((input, at) => {
    contribute(input, path.has(input) ? (parts[at] ?? null) : null)
  })
}

/** A rule's derivative is linear in the adjoint, so that a batch of adjoints goes through as tangents of one. */
function batchedRule(node: RuleNode, adjoint: Node, batch: Shape): (Node | null)[] {
  const one = placeholder(node.shape, node.dtype)
  const parts = node.vjp(one)
  const given = parts.filter((part) => part !== null)
  const batched = tangents([[one, adjoint]], given, batch)
  return parts.map((part) => part && batched[given.indexOf(part)])
}
