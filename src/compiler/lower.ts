// From a kernel's plan to its loops.
import type { ComprehensionNode, Node, ScatterNode } from '../graph/node.ts'
import { type Affine, add, isConstant } from '../index/index.ts'
import { constantValue, KernelBuilder } from './blocks.ts'
import { type ColumnSum, type Inside, lowerColumnSums, sumRows } from './columnSums.ts'
import { type ChunkAxis, type ContractionContext, lowerContraction } from './contraction/lower.ts'
import { lowerOverlap } from './contraction/lowerOverlap.ts'
import { isProduct, overlapProduct } from './contraction/overlap.ts'
import { matrixProduct } from './contraction/roles.ts'
import { lowerFilterConvolution } from './contraction/winograd/filter.ts'
import { lowerImageConvolution } from './contraction/winograd/image.ts'
import { convolutionOf } from './contraction/winograd/roles.ts'
import { exprValue, flatten, frameOf, held, indexAffine, type Places, type Scope, scalarType } from './elements.ts'
import type { LoopMode, Statement, Value } from './ir.ts'
import { dependsOn, storageNode } from './reads.ts'
import { reductionValues } from './reductions.ts'
import { cast } from './scalars.ts'
import type { KernelPlan } from './schedule.ts'

export function lowerKernel(plan: KernelPlan, places: Places): readonly Statement[] {
  const b = new KernelBuilder()
  const [first] = plan.members
  if (first.kind === 'scatter') lowerScatter(b, first, places)
  else if (places.contractions && isProduct(first)) lowerProduct(b, first, plan, places)
  else if (plan.sums.size > 0) lowerWithSums(b, plan, places)
  else lowerMembers(b, plan.members as ComprehensionNode[], plan.extents, places)
  return b.body
}

/** Loops with sums over them: each sum's terms stand where the sum does among the members. */
function lowerWithSums(b: KernelBuilder, { members, extents, sums }: KernelPlan, places: Places): void {
  const inLoops = members.flatMap((member) => sums.get(member)?.terms ?? [member as ComprehensionNode])
  lowerColumnSums(b, extents, [...sums.values()], places, (outer) => {
    const scope = lowerRound(b, inLoops, outer, places)
    return new Map([...sums.values()].map((sum) => [sum, scope.registers.get(sum.terms.at(-1)!)!]))
  })
}

function lowerMembers(
  b: KernelBuilder,
  members: readonly ComprehensionNode[],
  extents: readonly number[],
  places: Places,
): void {
  const plain = members.every((member) => member.shape.length === extents.length && !member.reduction)
  nest(b, extents, plain ? 'lanes' : 'serial', (outer) => {
    lowerRound(b, members, outer, places)
  })
}

/** One round of the shared loops: all members, then their stores. */
function lowerRound(
  b: KernelBuilder,
  members: readonly ComprehensionNode[],
  outer: readonly Affine[],
  places: Places,
): Scope {
  const scope: Scope = { b, places, registers: new Map() }
  const stores: Statement[] = []
  for (let at = 0; at < members.length; ) {
    const group = groupFrom(members, at, outer.length)
    lowerGroup(scope, group, outer, stores)
    at += group.length
  }
  for (const store of stores) b.push(store)
  return scope
}

/** A matrix product, then the members that follow on its elements. */
function lowerProduct(b: KernelBuilder, first: ComprehensionNode, { members, sums }: KernelPlan, places: Places): void {
  const rest = members.slice(1) as ComprehensionNode[]
  const targets = places.targetsOf(first)
  const follow = rest.length > 0 || targets.length > 1
  const inLoops = rest.flatMap((member) => sums.get(member)?.terms ?? [member])
  let finish = (): void => {}
  const epilogue: ContractionContext['epilogue'] = (axes, place, chunk) => {
    const inside = (at: readonly Affine[]): ReadonlyMap<ColumnSum, Value> => {
      const scope: Scope = { b, places, registers: new Map() }
      const value = b.loadHere('f32', place.buffer, place.offset(at))
      scope.registers.set(first, value)
      const stores = targets.slice(1).map((buffer) => store(first, buffer, at, value))
      for (const member of inLoops) lowerGroup(scope, [member], at, stores)
      for (const statement of stores) b.push(statement)
      return new Map([...sums.values()].map((sum) => [sum, scope.registers.get(sum.terms.at(-1)!)!]))
    }
    const isWhole = axes.every((axis) => 'extent' in axis && isConstant(axis.from))
    if (sums.size > 0) finish = lowerSumsOf(b, [...sums.values()], axes, isWhole ? null : chunk, places, inside)
    else openAxes(b, axes, [], isWhole, inside)
  }
  const context: ContractionContext = {
    b,
    bufferOf: (access) => places.bufferOf(storageNode(access.node)),
    target: targets[0] ?? null,
    scratch: places.scratch,
    epilogue: follow ? epilogue : null,
  }
  const product = matrixProduct(first)
  const convolution = product && convolutionOf(first, product, places.tileSide)
  if (!product) lowerOverlap(first, overlapProduct(first)!, context)
  else if (convolution?.kind === 'image') lowerImageConvolution(first, convolution, context)
  else if (convolution) lowerFilterConvolution(first, convolution, context)
  else lowerContraction(first, product, context)
  finish()
}

/** Sums over what follows a product, for one of its chunks or in parts of the whole; gives what is left to do at the end. */
function lowerSumsOf(
  b: KernelBuilder,
  sums: readonly ColumnSum[],
  axes: readonly ChunkAxis[],
  chunk: { readonly index: Affine; readonly count: number } | null,
  places: Places,
  inside: Inside,
): () => void {
  if (!chunk) {
    const extents = axes.map((axis) => ('extent' in axis ? axis.extent : 1))
    lowerColumnSums(b, extents, sums, places, inside)
    return () => {}
  }
  const rows = sumRows(b, sums, chunk.count, places)
  rows.part(chunk.index, axes, inside)
  return rows.finish
}

/** Loops over what follows a product. */
function openAxes(
  b: KernelBuilder,
  axes: readonly ChunkAxis[],
  at: readonly Affine[],
  isWhole: boolean,
  inside: (at: readonly Affine[]) => void,
): void {
  const depth = at.length
  if (depth === axes.length) {
    inside(at)
    return
  }
  const axis = axes[depth]
  const open = (index: Affine) => openAxes(b, axes, [...at, index], isWhole, inside)
  if ('fixed' in axis) {
    open(axis.fixed)
    return
  }
  const mode: LoopMode = depth === axes.length - 1 ? 'lanes' : isWhole && depth === 0 ? 'parallel' : 'serial'
  b.loop(axis.extent, 0, mode, (index) => open(add(axis.from, index)))
}

/** Loops over `extents`; the outermost may be shared among threads. */
function nest(
  b: KernelBuilder,
  extents: readonly number[],
  innermost: LoopMode,
  inside: (at: readonly Affine[]) => void,
) {
  const open = (at: readonly Affine[]): void => {
    const depth = at.length
    if (depth === extents.length) {
      inside(at)
      return
    }
    const mode = depth === extents.length - 1 && innermost === 'lanes' ? 'lanes' : depth === 0 ? 'parallel' : 'serial'
    b.loop(extents[depth], 0, mode, (index) => {
      open([...at, index])
    })
  }
  open([])
}

/** Neighbouring reductions over the same ranges that do not read one another run in one loop. */
function groupFrom(members: readonly ComprehensionNode[], at: number, prefix: number): readonly ComprehensionNode[] {
  const first = members[at]
  if (!first.reduction || first.shape.length !== prefix) return [first]
  const group = [first]
  for (const next of members.slice(at + 1)) {
    if (!next.reduction || next.shape.length !== prefix || !sameRanges(first, next)) break
    if (group.some((member) => dependsOn(next, member))) break
    group.push(next)
  }
  return group
}

const sameRanges = (a: ComprehensionNode, b: ComprehensionNode): boolean => {
  const one = a.reduction!.ranges
  const two = b.reduction!.ranges
  return (
    one.length === two.length &&
    one.every((range, at) => range.start === two[at].start && range.extent === two[at].extent)
  )
}

function lowerGroup(
  scope: Scope,
  group: readonly ComprehensionNode[],
  outer: readonly Affine[],
  stores: Statement[],
): void {
  const { b, places } = scope
  const [first] = group
  const prefix = outer.length
  const inner = first.axes.slice(prefix).map((axis) => axis.extent)
  if (inner.length === 0) {
    const values = first.reduction
      ? reductionValues(scope, group, outer)
      : [cast(b, pointValue(scope, first, outer), scalarType(first.dtype))]
    group.forEach((node, at) => {
      scope.registers.set(node, values[at])
      for (const buffer of places.targetsOf(node)) stores.push(store(node, buffer, outer, values[at]))
    })
    return
  }
  const open = (at: readonly Affine[]): void => {
    if (at.length < first.axes.length) {
      const last = at.length === first.axes.length - 1
      const mode = last && !first.reduction ? 'lanes' : at.length === 0 ? 'parallel' : 'serial'
      b.loop(first.axes[at.length].extent, 0, mode, (index) => {
        open([...at, index])
      })
      return
    }
    const value = first.reduction
      ? reductionValues(scope, [first], at)[0]
      : cast(b, pointValue(scope, first, at), scalarType(first.dtype))
    for (const buffer of places.targetsOf(first)) b.push(store(first, buffer, at, value))
  }
  open(outer)
}

const store = (node: Node, buffer: string, at: readonly Affine[], value: Value): Statement => ({
  kind: 'store',
  buffer,
  offset: flatten(at, node.shape),
  value,
  add: false,
})

const pointValue = (scope: Scope, node: ComprehensionNode, at: readonly Affine[]): Value =>
  exprValue(scope, frameOf(node, node.axes, at, null), node.body)

/** Zeros, then additions one after another. */
function lowerScatter(b: KernelBuilder, node: ScatterNode, places: Places): void {
  const scope: Scope = { b, places, registers: new Map() }
  const targets = places.targetsOf(node)
  const size = node.shape.reduce((product, extent) => product * extent, 1)
  const type = scalarType(node.dtype)
  b.loop(size, 0, 'lanes', (index) => {
    for (const buffer of targets)
      b.push({ kind: 'store', buffer, offset: index, value: constantValue(type, 0), add: false })
  })
  const open = (at: readonly Affine[]): void => {
    if (at.length < node.ranges.length) {
      const { extent, start } = node.ranges[at.length]
      b.loop(extent, start, 'serial', (index) => {
        open([...at, index])
      })
      return
    }
    const frame = frameOf(node, node.ranges, at, null)
    const position = node.at.map((part, axis) => held(b, indexAffine(scope, frame, part), node.shape[axis]))
    const value = cast(b, exprValue(scope, frame, node.value), type)
    for (const buffer of targets)
      b.push({ kind: 'store', buffer, offset: flatten(position, node.shape), value, add: true })
  }
  open([])
}
