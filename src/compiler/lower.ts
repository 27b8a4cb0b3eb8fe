// From a kernel's plan to its loops.
import type { Dtype } from '../dtype.ts'
import type { Expr, ReductionOperator } from '../expression/tree.ts'
import type { BoundRange, ComprehensionNode, Node, ScatterNode } from '../graph/node.ts'
import {
  type Affine,
  add,
  affineKey,
  bounds,
  constant,
  floorDivide,
  isConstant,
  remainder,
  scale,
  subtract,
} from '../index/index.ts'
import { constantValue, indexValue, KernelBuilder } from './blocks.ts'
import { type ChunkAxis, lowerContraction, type ProductPlace } from './contraction/lower.ts'
import { type MatrixProduct, matrixProduct } from './contraction/roles.ts'
import type { AccumulateOperator, LoopMode, ScalarType, Statement, Value } from './ir.ts'
import { type ComputedNode, type PlainNode, resolve, storageNode } from './reads.ts'
import { binaryValue, both, callValue, cast, literal, unaryValue } from './scalars.ts'
import type { KernelPlan } from './schedule.ts'

/** What lowering must know of the nodes outside a kernel. */
export interface Places {
  readonly inlined: ReadonlySet<Node>
  /** The buffer that holds a leaf's or a stored node's elements in row-major order. */
  bufferOf(node: Node): string
  /** Whether matrix products become contraction statements; else they are loops like all else. */
  readonly contractions: boolean
  /** A new f32 buffer that only this kernel uses. */
  scratch(length: number): string
  /** Where a member is written: its own buffer, results, parameters; none when only this kernel needs it. */
  targetsOf(node: ComputedNode): readonly string[]
}

export function lowerKernel(plan: KernelPlan, places: Places): readonly Statement[] {
  const b = new KernelBuilder()
  const [first] = plan.members
  const product = places.contractions && first.kind === 'comprehension' ? matrixProduct(first) : null
  if (first.kind === 'scatter') lowerScatter(b, first, places)
  else if (product) lowerProduct(b, product, plan.members as ComprehensionNode[], places)
  else lowerMembers(b, plan.members as ComprehensionNode[], plan.extents, places)
  return b.body
}

interface Scope {
  readonly b: KernelBuilder
  readonly places: Places
  /** Members whose value is in a register, at the point the shared loops are at. */
  readonly registers: Map<Node, Value>
}

/** Names of one node's axes and ranges, and the condition under which it is evaluated at all. */
interface Frame {
  readonly operands: ReadonlyMap<string, Node>
  readonly env: ReadonlyMap<string, Affine>
  readonly guard: Value | null
}

function lowerMembers(
  b: KernelBuilder,
  members: readonly ComprehensionNode[],
  extents: readonly number[],
  places: Places,
): void {
  const plain = members.every((member) => member.shape.length === extents.length && !member.reduction)
  nest(b, extents, plain ? 'lanes' : 'serial', (outer) => {
    const scope: Scope = { b, places, registers: new Map() }
    const stores: Statement[] = []
    for (let at = 0; at < members.length; ) {
      const group = groupFrom(members, at, extents.length)
      lowerGroup(scope, group, outer, stores)
      at += group.length
    }
    for (const store of stores) b.push(store)
  })
}

/** A matrix product, then the members that follow on its elements. */
function lowerProduct(
  b: KernelBuilder,
  product: MatrixProduct,
  members: readonly ComprehensionNode[],
  places: Places,
): void {
  const [first, ...rest] = members
  const targets = places.targetsOf(first)
  const follow = rest.length > 0 || targets.length > 1
  const epilogue = (axes: readonly ChunkAxis[], place: ProductPlace): void => {
    const whole = axes.every((axis) => 'extent' in axis && isConstant(axis.from))
    const modeOf = (depth: number): LoopMode => {
      if (depth === axes.length - 1) return 'lanes'
      return whole && depth === 0 ? 'parallel' : 'serial'
    }
    const open = (at: readonly Affine[]): void => {
      if (at.length < axes.length) {
        const axis = axes[at.length]
        if ('fixed' in axis) open([...at, axis.fixed])
        else
          b.loop(axis.extent, 0, modeOf(at.length), (index) => {
            open([...at, add(axis.from, index)])
          })
        return
      }
      const scope: Scope = { b, places, registers: new Map() }
      const value = b.loadHere('f32', place.buffer, place.offset(at))
      scope.registers.set(first, value)
      const stores = targets.slice(1).map((buffer) => store(first, buffer, at, value))
      for (const member of rest) lowerGroup(scope, [member], at, stores)
      for (const statement of stores) b.push(statement)
    }
    open([])
  }
  lowerContraction(first, product, {
    b,
    bufferOf: (access) => places.bufferOf(storageNode(access.node)),
    target: targets[0] ?? null,
    scratch: places.scratch,
    epilogue: follow ? epilogue : null,
  })
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

function dependsOn(node: Node, wanted: Node): boolean {
  const open: PlainNode[] = [resolve(node)]
  const seen = new Set<Node>()
  while (open.length > 0) {
    const next = open.pop()!
    if (next === wanted) return true
    if (seen.has(next) || next.id < wanted.id) continue
    seen.add(next)
    if (next.kind === 'comprehension' || next.kind === 'scatter')
      for (const operand of next.operands.values()) open.push(resolve(operand))
    if (next.kind === 'reshape') open.push(resolve(next.of))
  }
  return false
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

const frameOf = (
  node: ComputedNode,
  axes: readonly BoundRange[],
  at: readonly Affine[],
  guard: Value | null,
): Frame => ({
  operands: node.operands,
  env: new Map(axes.map((axis, position) => [axis.index, at[position]])),
  guard,
})

const pointValue = (scope: Scope, node: ComprehensionNode, at: readonly Affine[]): Value =>
  exprValue(scope, frameOf(node, node.axes, at, null), node.body)

const accumulators: Readonly<Record<string, { op: AccumulateOperator; initial: number }>> = {
  sum: { op: 'sum', initial: 0 },
  prod: { op: 'prod', initial: 1 },
  max: { op: 'max', initial: Number.NEGATIVE_INFINITY },
  min: { op: 'min', initial: Number.POSITIVE_INFINITY },
  any: { op: 'any', initial: 0 },
  all: { op: 'all', initial: 1 },
}

const smallest = -2147483648
const largest = 2147483647

const isWinner = (op: ReductionOperator): op is 'argmax' | 'argmin' => op === 'argmax' || op === 'argmin'

/** Runs the reductions of a group in one loop nest; their results, in order. */
function reductionValues(
  scope: Scope,
  group: readonly ComprehensionNode[],
  outer: readonly Affine[],
): readonly Value[] {
  const { b } = scope
  const ranges = group[0].reduction!.ranges
  const unrolled = unrolledRanges(ranges)
  const slots = group.map((node) => {
    const { op } = node.reduction!
    if (!isWinner(op)) {
      const type = accumulatorType(node)
      const { initial } = accumulators[op]
      const start = type === 'i32' ? Math.max(smallest, Math.min(largest, initial)) : initial
      return { value: b.accumulator(type, start), position: null }
    }
    const type = comparedType(node)
    const worst = op === 'argmax' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
    const start = type === 'i32' ? Math.max(smallest, Math.min(largest, worst)) : worst
    return { value: b.accumulator(type, start), position: b.accumulator('i32', 0) }
  })
  const inside = (at: readonly Affine[]): void => {
    group.forEach((node, member) => {
      const { op, where } = node.reduction!
      const frame: Frame = {
        operands: node.operands,
        env: new Map([
          ...node.axes.map((axis, position) => [axis.index, outer[position]] as const),
          ...node.reduction!.ranges.map((range, position) => [range.index, at[position]] as const),
        ]),
        guard: null,
      }
      const condition = where ? cast(b, exprValue(scope, frame, where), 'bool') : null
      const value = exprValue(scope, frame, node.body)
      const slot = slots[member]
      if (isWinner(op)) {
        const starts = ranges.map((range) => constant(range.start))
        const offsets = at.map((index, position) => subtract(index, starts[position]))
        b.push({
          kind: 'accumulateWinner',
          op: op === 'argmax' ? 'max' : 'min',
          name: slot.value.name,
          positionName: slot.position!.name,
          value: cast(b, value, slot.value.type),
          position: indexValue(
            flatten(
              offsets,
              ranges.map((range) => range.extent),
            ),
          ),
          where: condition,
        })
      } else {
        const cleared = cast(b, value, slot.value.type)
        b.push({ kind: 'accumulate', name: slot.value.name, op: accumulators[op].op, value: cleared, where: condition })
      }
    })
  }
  const open = (at: readonly Affine[]): void => {
    if (at.length === ranges.length) {
      inside(at)
      return
    }
    const range = ranges[at.length]
    const { extent, start } = range
    if (unrolled.has(range)) {
      for (let step = 0; step < extent; step++) open([...at, constant(start + step)])
      return
    }
    b.loop(extent, start, at.length === ranges.length - 1 ? 'lanes' : 'serial', (index) => {
      open([...at, index])
    })
  }
  open([])
  return group.map((node, member) => cast(b, slots[member].position ?? slots[member].value, scalarType(node.dtype)))
}

/** Loops of so few rounds are written out: windows of pooling, of grids, of small filters. */
const unrolledExtent = 4
const unrolledRounds = 16

function unrolledRanges(ranges: readonly BoundRange[]): ReadonlySet<BoundRange> {
  const unrolled = new Set<BoundRange>()
  let rounds = 1
  for (const range of [...ranges].reverse()) {
    if (range.extent > unrolledExtent || rounds * range.extent > unrolledRounds) continue
    rounds *= range.extent
    unrolled.add(range)
  }
  return unrolled
}

function accumulatorType(node: ComprehensionNode): ScalarType {
  const { op } = node.reduction!
  if (op === 'any' || op === 'all') return 'bool'
  const type = scalarType(node.dtype)
  return type === 'bool' ? 'i32' : type
}

/** Winners of a comparison are compared in the widest type their operands may need. */
function comparedType(node: ComprehensionNode): ScalarType {
  let type: ScalarType = 'f32'
  for (const operand of node.operands.values()) if (operand.dtype === 'f64') type = 'f64'
  return type
}

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

function exprValue(scope: Scope, frame: Frame, expr: Expr): Value {
  const { b } = scope
  switch (expr.kind) {
    case 'number':
      return literal(expr.value)
    case 'name':
      return indexValue(frame.env.get(expr.name)!)
    case 'unary':
      return unaryValue(b, expr.op, exprValue(scope, frame, expr.arg))
    case 'binary':
      return binaryValue(b, expr.op, exprValue(scope, frame, expr.left), exprValue(scope, frame, expr.right))
    case 'call':
      return callValue(
        b,
        expr.fn,
        expr.args.map((arg) => exprValue(scope, frame, arg)),
      )
    case 'read':
      return readValue(scope, frame, expr)
    case 'reduce':
      throw new Error('a reduction inside a body')
  }
}

function readValue(scope: Scope, frame: Frame, expr: Expr & { kind: 'read' }): Value {
  const { b } = scope
  const node = resolve(frame.operands.get(expr.tensor)!)
  if (!expr.maybe) {
    const at = expr.at.map((part, axis) => insideIndex(scope, frame, part, node.shape[axis]))
    return elementValue(scope, node, at, frame.guard)
  }
  const at = expr.at.map((part) => indexAffine(scope, frame, part))
  const inside = at.reduce(
    (guard: Value | null, index, axis) => both(b, guard, insideCondition(b, index, node.shape[axis])),
    null,
  )
  return elementValue(scope, node, at, both(b, frame.guard, inside))
}

/** The condition that an index lies in 0 … extent-1; null when it always does. */
function insideCondition(b: KernelBuilder, index: Affine, extent: number): Value | null {
  const { min, max } = bounds(index, b.intervals)
  const low = min < 0 ? b.operation('bool', 'le', constantValue('i32', 0), indexValue(index)) : null
  const high = max >= extent ? b.operation('bool', 'lt', indexValue(index), constantValue('i32', extent)) : null
  return both(b, low, high)
}

/** The element of any node at a position; 0, and no memory touched, where `guard` fails. */
function elementValue(scope: Scope, node: PlainNode, at: readonly Affine[], guard: Value | null): Value {
  const { b, places } = scope
  const register = scope.registers.get(node)
  if (register) return guard ? selectOrZero(b, guard, register) : register
  if (node.kind === 'reshape') return flatElement(scope, resolve(node.of), flatten(at, node.shape), guard)
  if (node.kind === 'comprehension' && places.inlined.has(node)) {
    const key = `${node.id}@${at.map(affineKey).join()}${guard ? `?${guardName(guard)}` : ''}`
    return b.remember(key, () => {
      const value = cast(b, exprValue(scope, frameOf(node, node.axes, at, guard), node.body), scalarType(node.dtype))
      return guard ? selectOrZero(b, guard, value) : value
    })
  }
  return b.load(scalarType(node.dtype), places.bufferOf(node), flatten(at, node.shape), guard)
}

/** The element at a row-major position. */
function flatElement(scope: Scope, node: PlainNode, flat: Affine, guard: Value | null): Value {
  const { b, places } = scope
  if (node.kind === 'reshape') return flatElement(scope, resolve(node.of), flat, guard)
  if (node.kind !== 'comprehension' || (!places.inlined.has(node) && !scope.registers.has(node)))
    return b.load(scalarType(node.dtype), places.bufferOf(node), flat, guard)
  let rest = flat
  const at: Affine[] = []
  for (let axis = node.shape.length - 1; axis > 0; axis--) {
    at.unshift(remainder(rest, node.shape[axis], b.intervals))
    rest = floorDivide(rest, node.shape[axis], b.intervals)
  }
  if (node.shape.length > 0) at.unshift(rest)
  return elementValue(scope, node, at, guard)
}

const guardName = (guard: Value): string => (guard.kind === 'variable' ? guard.name : JSON.stringify(guard))

const selectOrZero = (b: KernelBuilder, guard: Value, value: Value): Value =>
  value.kind === 'constant' && value.value === 0
    ? value
    : b.operation(value.type, 'select', guard, value, constantValue(value.type, 0))

/** An index that must lie in 0 … extent-1; data-dependent ones are held inside. */
function insideIndex(scope: Scope, frame: Frame, expr: Expr, extent: number): Affine {
  const index = indexAffine(scope, frame, expr)
  return hasRead(expr) ? held(scope.b, index, extent) : index
}

/** The nearest index in 0 … extent-1. */
function held(b: KernelBuilder, index: Affine, extent: number): Affine {
  const { min, max } = bounds(index, b.intervals)
  if (min >= 0 && max < extent) return index
  const low = b.operation('i32', 'max', indexValue(index), constantValue('i32', 0))
  const inside = b.operation('i32', 'min', low, constantValue('i32', extent - 1))
  return b.asIndex(inside, { min: 0, max: extent - 1 })
}

const hasRead = (expr: Expr): boolean =>
  expr.kind === 'read' ||
  (expr.kind === 'binary' && (hasRead(expr.left) || hasRead(expr.right))) ||
  (expr.kind === 'unary' && hasRead(expr.arg))

function indexAffine(scope: Scope, frame: Frame, expr: Expr): Affine {
  const { b } = scope
  switch (expr.kind) {
    case 'number':
      return constant(expr.value)
    case 'name':
      return frame.env.get(expr.name)!
    case 'unary':
      return scale(indexAffine(scope, frame, expr.arg), -1)
    case 'binary': {
      const left = indexAffine(scope, frame, expr.left)
      const right = indexAffine(scope, frame, expr.right)
      if (expr.op === '+') return add(left, right)
      if (expr.op === '-') return subtract(left, right)
      const [factor, other] = right.terms.length === 0 ? [right.constant, left] : [left.constant, right]
      if (expr.op === '*') return scale(other, factor)
      if (expr.op === '/') return floorDivide(left, right.constant, b.intervals)
      return remainder(left, right.constant, b.intervals)
    }
    case 'read': {
      const value = cast(b, readValue(scope, frame, expr), 'i32')
      // A data-dependent index can be anything an i32 can; halved, so that sums of a few stay exact.
      return b.asIndex(value, { min: smallest / 2, max: largest / 2 })
    }
    default:
      throw new Error(`no index can be a ${expr.kind}`)
  }
}

function flatten(at: readonly Affine[], shape: readonly number[]): Affine {
  let offset = constant(0)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    offset = add(offset, scale(at[axis], stride))
    stride *= shape[axis]
  }
  return offset
}

export function scalarType(dtype: Dtype): ScalarType {
  return dtype === 'u8' ? 'i32' : dtype
}
