// Names, numbers and ranges of axes: what every operation needs to say which elements it means.
import { ShapeError } from '../../errors.ts'
import type { Expr } from '../../expression/tree.ts'
import { name, number, read } from '../../expression/tree.ts'
import type { BoundRange, Shape } from '../node.ts'

/** One axis, several, or (left out) all of them. A negative axis counts from the last: -1 is the last. */
export type Axes = number | readonly number[]

export const shapeText = (shape: Shape): string => `[${shape.join(',')}]`

const letters = ['i', 'j', 'k', 'l', 'm', 'n', 'p', 'q']

/** The name of the index that runs along axis number `axis`: i, j, k, … */
export const axisName = (axis: number): string => letters[axis] ?? `i${axis}`

export const rangeOf = (index: string, extent: number): BoundRange => ({ index, start: 0, extent })

/** One range an axis, each under the axis's name. */
export const rangesOf = (shape: Shape): BoundRange[] => shape.map((extent, axis) => rangeOf(axisName(axis), extent))

/** The indices of `rangesOf(shape)`, as expressions. */
export const indicesOf = (shape: Shape): Expr[] => shape.map((_, axis) => name(axisName(axis)))

/**
 * The read of operand `operand` that has `shape`, at the indices of a result of shape `result`: axes are matched from
 * the last, and an axis of extent 1 is read at 0, as NumPy broadcasts.
 */
export function readBroadcast(operand: string, shape: Shape, result: Shape, at = indicesOf(result)): Expr {
  const missing = result.length - shape.length
  return read(
    operand,
    shape.map((extent, axis) => (extent === result[axis + missing] ? at[axis + missing] : number(0))),
  )
}

/** The shape all of `shapes` broadcast to. Throws ShapeError `shape-mismatch`. */
export function broadcastShapes(operation: string, shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length))
  return Array.from({ length: rank }, (_, axis) => {
    let extent = 1
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1
      if (own === 1 || own === extent) continue
      if (extent !== 1) throw mismatch(operation, shapes, axis - rank, extent, own)
      extent = own
    }
    return extent
  })
}

function mismatch(operation: string, shapes: readonly Shape[], axis: number, one: number, other: number): ShapeError {
  return new ShapeError(
    'shape-mismatch',
    `${operation}: shapes ${shapes.map(shapeText).join(' and ')} do not broadcast: on axis ${axis} the extents are ${one} and ` +
      `${other}; they must be equal, or one of them 1 (axes are matched from the last)`,
  )
}

/** `axis` as 0 … rank - 1. Throws ShapeError `axis-out-of-range`. */
export function normalizeAxis(operation: string, axis: number, rank: number): number {
  if (Number.isInteger(axis) && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis
  const accepted =
    rank === 0 ? 'a tensor of rank 0 has no axes' : `a tensor of rank ${rank} has axes ${-rank} … ${rank - 1}`
  throw new ShapeError('axis-out-of-range', `${operation}: there is no axis ${axis}; ${accepted}`)
}

/** The axes meant, ascending and in 0 … rank - 1. Throws ShapeError `axis-out-of-range` or `repeated-axis`. */
export function normalizeAxes(operation: string, axes: Axes | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis)
  const found = [axes].flat().map((axis) => normalizeAxis(operation, axis, rank))
  if (new Set(found).size < found.length)
    throw new ShapeError(
      'repeated-axis',
      `${operation}: axes [${[axes].flat().join(',')}] name an axis twice; name each once`,
    )
  return found.sort((a, b) => a - b)
}

/** Throws ShapeError `bad-shape` unless every extent is a whole number, 0 or more. */
export function checkShape(operation: string, shape: Shape): Shape {
  if (shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) return shape
  throw new ShapeError(
    'bad-shape',
    `${operation}: ${shapeText(shape)} is no shape; every extent is a whole number, 0 or more`,
  )
}

/** Throws ShapeError `bad-count` unless `count` is a whole number, `least` or more. */
export function checkCount(operation: string, what: string, count: number, least: number): void {
  if (Number.isSafeInteger(count) && count >= least) return
  throw new ShapeError('bad-count', `${operation}: ${what} is ${count}; it must be a whole number, ${least} or more`)
}
