// What a tensor stands for, before it has any numbers: a graph of comprehensions over data.
import type { Dtype } from '../dtype.ts'
import type { Expr, ReductionOperator } from '../expression/tree.ts'

export type Shape = readonly number[]

interface NodeBase {
  /** Unique and increasing: an operand's id is always smaller than its user's. */
  readonly id: number
  readonly shape: Shape
  readonly dtype: Dtype
}

/** An index and the values it takes: start … start + extent - 1. Axes start at 0. */
export interface BoundRange {
  readonly index: string
  readonly start: number
  readonly extent: number
}

/**
 * The reduction of a comprehension. Combinations of indices where `where` fails are left out; when all are, the result
 * is the operator's neutral element (0, 1, -inf, inf, false, true; argmax and argmin give 0).
 * `argmax`/`argmin` give the row-major offset of the first winner within the ranges, starts not added, as i32.
 * `mean` does not occur here: it is built as a sum divided by a count.
 */
export interface Reduction {
  readonly op: Exclude<ReductionOperator, 'mean'>
  readonly ranges: readonly BoundRange[]
  readonly where: Expr | null
}

/**
 * One output element for every combination of the axes: the body, or its reduction over further ranges.
 *
 * The body is pointwise (no reductions inside: each reduction is a node of its own, over just the axes it depends on).
 * Names in it are axes and ranges, all distinct; a read names an operand and has one index a dimension; a rank-0 operand
 * is a read with no indices. A read with `maybe` is 0 outside its tensor; any other is known to lie inside.
 * Inside a read's indices `/` is floor division and `%` the remainder in 0 … n-1, by positive integers;
 * an index may be a read of an i32 operand (gather), which is trusted to lie inside (out of range is clamped).
 */
export interface ComprehensionNode extends NodeBase {
  readonly kind: 'comprehension'
  readonly axes: readonly BoundRange[]
  readonly reduction: Reduction | null
  readonly body: Expr
  readonly operands: ReadonlyMap<string, Node>
}

/** The same elements in the same row-major order under another shape; never copies. */
export interface ReshapeNode extends NodeBase {
  readonly kind: 'reshape'
  readonly of: Node
}

/**
 * Zeros, to which `value` is added at position `at` for every combination of `ranges`, in row-major order of the ranges.
 * A position outside is taken to the nearest inside (what is added there is 0 if it stems from a read that may be absent).
 * Made only where a derivative must add at data-dependent positions.
 */
export interface ScatterNode extends NodeBase {
  readonly kind: 'scatter'
  readonly ranges: readonly BoundRange[]
  readonly at: readonly Expr[]
  readonly value: Expr
  readonly operands: ReadonlyMap<string, Node>
}

/** `of`, with a registered derivative: given the adjoint of `of`, `vjp` returns one adjoint (or null for zero) an input. */
export interface RuleNode extends NodeBase {
  readonly kind: 'rule'
  readonly rule: string
  readonly of: Node
  readonly inputs: readonly Node[]
  readonly vjp: (adjoint: Node) => readonly (Node | null)[]
}

/** Numbers that are there: `storage` belongs to the runtime. A constant of few elements may be deduplicated by value. */
export interface DataNode extends NodeBase {
  readonly kind: 'data'
  readonly storage: StorageRef
}

/**
 * A parameter's numbers between two assignments. Each assignment makes a new node, so that what was built from the old one
 * is never taken for something else; when the old numbers were overwritten in place its `storage` is null.
 */
export interface ParameterNode extends NodeBase {
  readonly kind: 'parameter'
  readonly cell: ParameterCell
  storage: StorageRef | null
}

/** The parameter itself: a name, and the node that stands for it now (while a step is traced: its value so far). */
export interface ParameterCell {
  readonly name: string
  current: Node
}

/** An argument of a compiled step. */
export interface InputNode extends NodeBase {
  readonly kind: 'input'
  readonly position: number
}

export type Node = ComprehensionNode | ReshapeNode | ScatterNode | RuleNode | DataNode | ParameterNode | InputNode

/**
 * Where the numbers of a data or parameter node are. They start on the host; the runtime puts them on a device at first
 * use and keeps them there (`device` set, `host` dropped when it is stale).
 */
export interface StorageRef {
  host: import('../dtype.ts').TypedArray | null
  /** The device's own handle, and which device it is of. */
  device: { readonly device: object; readonly handle: unknown } | null
}

/** The nodes a node is computed from. */
export function operandsOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'comprehension':
    case 'scatter':
      return [...node.operands.values()]
    case 'reshape':
    case 'rule':
      return [node.of]
    default:
      return []
  }
}

export const sizeOf = (shape: Shape): number => shape.reduce((product, extent) => product * extent, 1)
