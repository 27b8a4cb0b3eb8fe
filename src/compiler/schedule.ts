// Which nodes share a loop nest, and in what order the nests run.

import { print } from '../formula/print.ts'
import type { ComprehensionNode, Node } from '../graph/node.ts'
import { type Affine, affineKey, affineOf, constant, type Intervals, substituteIndices } from '../index/index.ts'
import { type ColumnSum, columnSum, plainName, standsAlone } from './columnSums.ts'
import { isProduct } from './contraction/overlap.ts'
import { inlinedNodes } from './inline.ts'
import {
  type ComputedNode,
  intervalsOf,
  isContraction,
  type PlainNode,
  rangesOf,
  readsOf,
  storageNode,
} from './reads.ts'
import { type ComputedRequest, reachable } from './request.ts'
import { updatesAfterReaders } from './updateOrder.ts'

/**
 * One loop nest: the outer loops are shared by all members, which follow one another inside it in order.
 * A member with no axes beyond the shared ones keeps its value in a register for the later members.
 */
export interface KernelPlan {
  readonly extents: readonly number[]
  readonly members: ComputedNode[]
  /** Members that sum over some of the shared loops: their results are there when the loops are done. */
  readonly sums: Map<ComputedNode, ColumnSum>
}

export interface Schedule {
  readonly nodes: readonly Node[]
  readonly inlined: ReadonlySet<Node>
  readonly kernels: readonly KernelPlan[]
  /** The place of each stored or registered node's kernel. */
  readonly kernelOf: ReadonlyMap<Node, number>
  /** For every kernel, the nodes outside it and inside it that its members read in the end (leaves and computed nodes). */
  readonly reads: (node: ComputedNode) => readonly DeepRead[]
}

/** A read seen through everything inlined: which elements of a stored node a member touches (null: not affine). */
export interface DeepRead {
  readonly node: PlainNode
  readonly at: readonly (Affine | null)[]
}

const maxMembers = 24
const siblingWindow = 12

export function schedule(request: ComputedRequest, target: { readonly contractions: boolean }): Schedule {
  const nodes = reachable(request)
  const inlined = inlinedNodes(nodes, request, target.contractions)
  const reads = deepReader(inlined)
  const kernels: KernelPlan[] = []
  const kernelOf = new Map<Node, number>()
  const readers = new Map<Node, Set<Node>>()

  const place = (node: ComputedNode, at: number | null, sum: ColumnSum | null) => {
    if (at === null) {
      const extents = sum ? sum.loops.map(({ extent }) => extent) : node.shape
      kernels.push({ extents, members: [], sums: new Map() })
    }
    const home = at ?? kernels.length - 1
    kernels[home].members.push(node)
    if (sum) kernels[home].sums.set(node, sum)
    kernelOf.set(node, home)
    for (const read of reads(node)) {
      const known = readers.get(read.node)
      if (known) known.add(node)
      else readers.set(read.node, new Set([node]))
    }
  }

  const parameterOf = new Map<Node, Node>(request.updates.map(({ parameter, value }) => [value, parameter]))
  for (const node of inOrder(nodes, request)) {
    if (inlined.has(node)) continue
    const overwrites = parameterOf.get(node)
    const isLast = (at: number) =>
      !overwrites || [...(readers.get(overwrites) ?? [])].every((reader) => kernelOf.get(reader)! <= at)
    const sum = target.contractions && !isProduct(node) ? columnSum(node, reads(node)) : null
    if (sum) {
      const loops = sum.loops.map(({ extent, index }) => ({ extent, index }))
      const fits = (at: number) => canRunInside(node, loops, kernels[at], reads) && isLast(at)
      const at = chooseKernel(node, loops.length, kernels, kernelOf, reads, fits)
      if (at !== null || standsAlone(sum)) {
        place(node, at, sum)
        continue
      }
    }
    const fits = (at: number) => canJoin(node, kernels[at], reads) && isLast(at)
    place(node, chooseKernel(node, node.shape.length, kernels, kernelOf, reads, fits), null)
  }
  return { nodes, inlined, kernels, kernelOf, reads }
}

/** Computed nodes, operands first; new values of parameters last where nothing else needs them, so that the old ones have been read. */
function inOrder(nodes: readonly Node[], request: ComputedRequest): readonly ComputedNode[] {
  const computed = besideTwins(
    nodes.filter((node): node is ComputedNode => node.kind === 'comprehension' || node.kind === 'scatter'),
  )
  const values = new Set<Node>(request.updates.map((update) => update.value))
  const needed = new Set<Node>()
  for (const node of computed.toReversed()) {
    if (values.has(node) && !needed.has(node)) continue
    for (const read of readsOf(node)) needed.add(storageNode(read.node))
  }
  const isLate = (node: ComputedNode): boolean => values.has(node) && !needed.has(node)
  return updatesAfterReaders([...computed.filter((node) => !isLate(node)), ...computed.filter(isLate)], request)
}

/**
 * A maximum or minimum and the place of its winner go next to each other, where the first of them was: one loop finds both,
 * and what reads either comes after.
 */
function besideTwins(computed: readonly ComputedNode[]): readonly ComputedNode[] {
  const winners = new Map<string, ComputedNode>()
  for (const node of computed) {
    const op = operatorOf(node)
    if (op === 'argmax' || op === 'argmin') winners.set(`${op.slice(3)} ${bodyKey(node)}`, node)
  }
  if (winners.size === 0) return computed
  const pairs = new Map<ComputedNode, readonly [ComputedNode, ComputedNode]>()
  for (const node of computed) {
    const op = operatorOf(node)
    const winner = op === 'max' || op === 'min' ? winners.get(`${op} ${bodyKey(node)}`) : undefined
    if (!winner) continue
    pairs.set(node, [node, winner])
    pairs.set(winner, [node, winner])
  }
  const ordered = new Set<ComputedNode>()
  for (const node of computed) for (const one of pairs.get(node) ?? [node]) ordered.add(one)
  return [...ordered]
}

const operatorOf = (node: ComputedNode): string | undefined =>
  node.kind === 'comprehension' ? node.reduction?.op : undefined

/** Equal for reductions of the same body over the same ranges. */
function bodyKey(node: ComputedNode): string {
  const { axes, reduction, body, operands } = node as ComprehensionNode
  const ranges = [...axes, ...reduction!.ranges].map(({ index, start, extent }) => `${index}:${start}+${extent}`)
  const where = reduction!.where ? print(reduction!.where) : ''
  return `${ranges}|${where}|${print(body)}|${[...operands].map(([name, operand]) => `${name}=${operand.id}`)}`
}

/** The kernel a node joins: the one that makes what it reads, or one over the same elements; null for a kernel of its own. */
function chooseKernel(
  node: ComputedNode,
  loops: number,
  kernels: readonly KernelPlan[],
  kernelOf: ReadonlyMap<Node, number>,
  reads: Schedule['reads'],
  fits: (at: number) => boolean,
): number | null {
  if (node.kind === 'scatter') return null
  let after = -1
  const sources = new Set<Node>()
  for (const read of reads(node)) {
    sources.add(read.node)
    const made = kernelOf.get(read.node)
    if (made !== undefined && made > after) after = made
  }
  if (after >= 0 && fits(after)) return after
  for (let at = kernels.length - 1; at > after && at >= kernels.length - siblingWindow; at--) {
    const shared = kernels[at].members.some((member) => reads(member).some((read) => sources.has(read.node)))
    if (shared && kernels[at].extents.length === loops && fits(at)) return at
  }
  return null
}

/** Whether a node may run inside the shared loops of a kernel: same outer extents, and it reads members only at the same place. */
function canJoin(node: ComputedNode, kernel: KernelPlan, reads: Schedule['reads']): boolean {
  if (node.kind === 'scatter' || kernel.members[0].kind === 'scatter' || kernel.members.length >= maxMembers)
    return false
  const prefix = kernel.extents.length
  if (node.shape.length < prefix || kernel.extents.some((extent, axis) => node.shape[axis] !== extent)) return false
  if (prefix === 0 && (node.shape.length > 0 || node.reduction || kernel.members.some(hasLoops))) return false
  if (isContraction(node)) return false
  const [first] = kernel.members
  if (isContraction(first) && !kernel.sums.has(first) && (node.reduction || node.shape.length > prefix)) return false
  return readsAtSamePlace(node, node.axes, kernel, reads)
}

/** Whether a sum may run inside the shared loops of a kernel. */
function canRunInside(
  node: ComputedNode,
  loops: readonly { readonly extent: number; readonly index: string }[],
  kernel: KernelPlan,
  reads: Schedule['reads'],
): boolean {
  const [first] = kernel.members
  if (first.kind === 'scatter' || kernel.members.length >= maxMembers) return false
  // After a product stands what reads it.
  if (isProduct(first) && !reads(node).some((read) => kernel.members.includes(read.node as ComputedNode))) return false
  if (kernel.extents.length !== loops.length) return false
  if (kernel.extents.some((extent, axis) => extent !== loops[axis].extent)) return false
  return readsAtSamePlace(node, loops, kernel, reads)
}

/** Whether what a node reads of a kernel's members is made in the same round of the shared loops. */
function readsAtSamePlace(
  node: ComputedNode,
  loops: readonly { readonly index: string }[],
  kernel: KernelPlan,
  reads: Schedule['reads'],
): boolean {
  const members = new Set<Node>(kernel.members)
  for (const read of reads(node)) {
    if (!members.has(read.node)) continue
    if (kernel.sums.has(read.node as ComputedNode)) return false
    for (let axis = 0; axis < kernel.extents.length; axis++) {
      const at = read.at[axis]
      if (at === null || plainName(at) !== loops[axis].index) return false
    }
  }
  return true
}

const hasLoops = (node: ComputedNode): boolean => node.shape.length > 0 || rangesOf(node).length > 0

/** Follows reads through inlined nodes, positions composed. */
function deepReader(inlined: ReadonlySet<Node>): (node: ComputedNode) => readonly DeepRead[] {
  const known = new Map<ComputedNode, readonly DeepRead[]>()
  const deepReads = (node: ComputedNode): readonly DeepRead[] => {
    const found = known.get(node)
    if (found) return found
    const intervals = intervalsOf(node)
    const result: DeepRead[] = []
    for (const { expr, node: operand } of readsOf(node)) {
      const at = expr.at.map((part) => affineOf(part, intervals))
      if (operand.kind === 'reshape') {
        const stored = storageNode(operand)
        const moved = throughOnes(at, operand.shape, stored.shape)
        if (stored.kind === 'comprehension' && inlined.has(stored)) {
          for (const read of deepReads(stored))
            result.push({ node: read.node, at: compose(read.at, stored, moved, intervals) })
        } else result.push({ node: stored, at: moved })
      } else if (operand.kind === 'comprehension' && inlined.has(operand)) {
        for (const read of deepReads(operand))
          result.push({ node: read.node, at: compose(read.at, operand, at, intervals) })
      } else result.push({ node: operand, at })
    }
    const unique = deduplicate(result)
    known.set(node, unique)
    return unique
  }
  return deepReads
}

/** Positions under another shape: followed where only axes of extent 1 come and go, unknown after any other change. */
function throughOnes(
  at: readonly (Affine | null)[],
  from: readonly number[],
  to: readonly number[],
): readonly (Affine | null)[] {
  const moving = at.filter((_, axis) => from[axis] !== 1)
  const same = from.filter((extent) => extent !== 1).join() === to.filter((extent) => extent !== 1).join()
  let next = 0
  return to.map((extent) => (!same ? null : extent === 1 ? constant(0) : moving[next++]))
}

function compose(
  inner: readonly (Affine | null)[],
  operand: ComputedNode & { kind: 'comprehension' },
  at: readonly (Affine | null)[],
  intervals: Intervals,
): readonly (Affine | null)[] {
  const values = new Map<string, Affine>()
  operand.axes.forEach((axis, position) => {
    const value = at[position]
    if (value) values.set(axis.index, value)
  })
  if (values.size < operand.axes.length) return inner.map(() => null)
  return inner.map((affine) => (affine ? substituteIndices(affine, values, intervals) : null))
}

function deduplicate(reads: readonly DeepRead[]): readonly DeepRead[] {
  const seen = new Map<string, DeepRead>()
  for (const read of reads) {
    const where = read.at.map((affine) => (affine ? affineKey(affine) : '?')).join()
    seen.set(`${read.node.id}:${where}`, read)
  }
  return [...seen.values()]
}
