// A prepared contraction as a matrix product: which index is a row, a column, a summand, or a batch of products.
import type { ReadExpr } from '../../expression/tree.ts'
import type { BoundRange, ComprehensionNode, Node } from '../../graph/node.ts'
import { type Affine, add, affineOf, constant, scale } from '../../index/index.ts'
import { intervalsOf, isContraction } from '../reads.ts'

/** An operand's position in memory: a multiple of each index, plus a constant. */
export interface Access {
  readonly node: Node
  readonly strides: ReadonlyMap<string, number>
  readonly constant: number
}

/**
 * `a` and `b` are the operands; the indices of the result are in `batch` (both depend on it), `rows` (only a) or `columns`
 * (only b), in the order of the axes. The last axis is a column wherever it is not a batch.
 */
export interface MatrixProduct {
  readonly a: Access
  readonly b: Access
  readonly batch: readonly BoundRange[]
  readonly rows: readonly BoundRange[]
  readonly columns: readonly BoundRange[]
  readonly sums: readonly BoundRange[]
}

/** The matrix product that a comprehension is; null where its body is not a product of two plain affine reads of f32. */
export function matrixProduct(node: ComprehensionNode): MatrixProduct | null {
  const { body, reduction } = node
  if (node.dtype !== 'f32' || reduction?.op !== 'sum' || reduction.where || !isContraction(node)) return null
  if (body.kind !== 'binary' || body.op !== '*') return null
  if (body.left.kind !== 'read' || body.right.kind !== 'read' || body.left.maybe || body.right.maybe) return null
  const left = accessOf(node, body.left)
  const right = accessOf(node, body.right)
  if (!left || !right) return null
  const batch: BoundRange[] = []
  const ofLeft: BoundRange[] = []
  const ofRight: BoundRange[] = []
  for (const axis of node.axes) {
    const inLeft = left.strides.has(axis.index)
    const inRight = right.strides.has(axis.index)
    if (inLeft === inRight) batch.push(axis)
    else if (inLeft) ofLeft.push(axis)
    else ofRight.push(axis)
  }
  const last = node.axes[node.axes.length - 1]
  const leftIsColumns = ofLeft.includes(last) || (!ofRight.includes(last) && count(ofLeft) > count(ofRight))
  const sums = reduction.ranges
  return leftIsColumns
    ? { a: right, b: left, batch, rows: ofRight, columns: ofLeft, sums }
    : { a: left, b: right, batch, rows: ofLeft, columns: ofRight, sums }
}

export const count = (ranges: readonly BoundRange[]): number =>
  ranges.reduce((product, range) => product * range.extent, 1)

/** Where a read of an f32 node is; null where its indices are not affine. */
export function accessOf(node: ComprehensionNode, expr: ReadExpr): Access | null {
  const operand = node.operands.get(expr.tensor)!
  if (operand.dtype !== 'f32') return null
  const intervals = intervalsOf(node)
  let offset: Affine = constant(0)
  let stride = 1
  for (let axis = operand.shape.length - 1; axis >= 0; axis--) {
    const at = affineOf(expr.at[axis], intervals)
    if (!at) return null
    offset = add(offset, scale(at, stride))
    stride *= operand.shape[axis]
  }
  const strides = new Map<string, number>()
  for (const { coefficient, atom } of offset.terms) {
    if (atom.kind !== 'index') return null
    strides.set(atom.name, coefficient)
  }
  return { node: operand, strides, constant: offset.constant }
}

/** The offsets of all combinations of the ranges, the last running fastest. */
export function offsetsOf(ranges: readonly BoundRange[], strideOf: (index: string) => number): Int32Array {
  let offsets = Int32Array.of(0)
  for (const { index, start, extent } of ranges) {
    const stride = strideOf(index)
    const longer = new Int32Array(offsets.length * extent)
    for (let at = 0; at < offsets.length; at++) {
      for (let step = 0; step < extent; step++) longer[at * extent + step] = offsets[at] + (start + step) * stride
    }
    offsets = longer
  }
  return offsets
}

/** How far apart the elements of a shape are along each axis. */
export function stridesOf(shape: readonly number[]): readonly number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]
  }
  return strides
}
