// An element of a node, and the expressions that give it, as values of the loop IR.
import type { Dtype } from '../dtype.ts'
import type { Expr } from '../expression/tree.ts'
import type { BoundRange, Node } from '../graph/node.ts'
import {
  type Affine,
  add,
  affineKey,
  bounds,
  constant,
  floorDivide,
  remainder,
  scale,
  subtract,
} from '../index/index.ts'
import { constantValue, indexValue, type KernelBuilder } from './blocks.ts'
import { largest, type ScalarType, smallest, type Value } from './ir.ts'
import { type ComputedNode, type PlainNode, resolve } from './reads.ts'
import { binaryValue, both, callValue, cast, literal, unaryValue } from './scalars.ts'

/** What lowering must know of the nodes outside a kernel. */
export interface Places {
  readonly inlined: ReadonlySet<Node>
  /** The buffer that holds a leaf's or a stored node's elements in row-major order. */
  bufferOf(node: Node): string
  /** Whether matrix products become contraction statements; else they are loops like all else. */
  readonly contractions: boolean
  /** Sums along an axis that a tile of a transformed convolution holds at most. */
  readonly tileSide: number
  /** A new f32 buffer that only this kernel uses. */
  scratch(length: number, owner: 'thread' | 'kernel'): string
  /** Where a member is written: its own buffer, results, parameters; none when only this kernel needs it. */
  targetsOf(node: ComputedNode): readonly string[]
}

export interface Scope {
  readonly b: KernelBuilder
  readonly places: Places
  /** Members whose value is in a register, at the point the shared loops are at. */
  readonly registers: Map<Node, Value>
}

/** Names of one node's axes and ranges, and the condition under which it is evaluated at all. */
export interface Frame {
  readonly operands: ReadonlyMap<string, Node>
  readonly env: ReadonlyMap<string, Affine>
  readonly guard: Value | null
}

export const frameOf = (
  node: ComputedNode,
  axes: readonly BoundRange[],
  at: readonly Affine[],
  guard: Value | null,
): Frame => ({
  operands: node.operands,
  env: new Map(axes.map((axis, position) => [axis.index, at[position]])),
  guard,
})

export function exprValue(scope: Scope, frame: Frame, expr: Expr): Value {
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
export function held(b: KernelBuilder, index: Affine, extent: number): Affine {
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

export function indexAffine(scope: Scope, frame: Frame, expr: Expr): Affine {
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

export function flatten(at: readonly Affine[], shape: readonly number[]): Affine {
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
