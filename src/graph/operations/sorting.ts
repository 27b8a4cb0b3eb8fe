// Sorting by a network of comparisons: which elements are compared does not depend on their values, so every pass is a
// comprehension. Source: Batcher, "Sorting networks and their applications", 1968, in the form with all comparisons one way.
import type { Dtype } from '../../dtype.ts'
import { isFloat } from '../../dtype.ts'
import { ShapeError } from '../../errors.ts'
import type { Expr } from '../../expression/tree.ts'
import { binary, call, name, number, read, unary } from '../../expression/tree.ts'
import { comprehension, reshapeNode } from '../build.ts'
import type { Node } from '../node.ts'
import { sizeOf } from '../node.ts'
import { axisName, indicesOf, normalizeAxis, rangesOf, shapeText } from './axes.ts'
import { widen } from './cast.ts'
import { gather } from './indexing.ts'
import { pad, slice, transpose } from './view.ts'

export interface SortOptions {
  /** The axis to sort along; the last when left out. */
  readonly axis?: number
  readonly descending?: boolean
}

/** x sorted along an axis. Equal elements keep their order; NaN counts as the largest number. */
export function sort(x: Node, options: SortOptions = {}): Node {
  if (x.shape.length === 0) return x
  return gather(x, options.axis ?? -1, argsort(x, options))
}

/** The positions of the elements in sorted order, i32. Equal elements keep their order; NaN counts as the largest number. */
export function argsort(x: Node, options: SortOptions = {}): Node {
  const axis = normalizeAxis('argsort', options.axis ?? -1, x.shape.length)
  if (axis !== x.shape.length - 1)
    return transpose(argsort(transpose(x, axis, -1), { descending: options.descending }), axis, -1)
  const extent = x.shape[axis]
  const rows = sizeOf(x.shape.slice(0, -1))
  const length = 2 ** Math.ceil(Math.log2(Math.max(1, extent)))
  const order = options.descending ? '>' : '<'
  let values = padLast(reshapeNode(widen(x), [rows, extent]), length, lastOf(x.dtype, order))
  let positions = positionsOf(rows, length)
  for (let block = 2; block <= length; block *= 2)
    for (let half = block / 2; half >= 1; half /= 2)
      [values, positions] = compareExchange(values, positions, half, half === block / 2, order)
  return reshapeNode(slice(positions, [null, [0, extent]]), x.shape)
}

/** What comes after, or is equal to, every value of the dtype in the given order. */
function lastOf(dtype: Dtype, order: '<' | '>'): number {
  if (isFloat(dtype)) return order === '<' ? Number.NaN : Number.NEGATIVE_INFINITY
  return order === '<' ? 2 ** 31 - 1 : -(2 ** 31)
}

const padLast = (x: Node, length: number, value: number): Node => pad(x, [0, [0, length - x.shape[1]]], value)

const positionsOf = (rows: number, length: number): Node =>
  comprehension({ axes: rangesOf([rows, length]), body: name(axisName(1)), operands: {} })

/**
 * Puts each two partners of a row in order. In blocks of 2 `half` elements, the partner of an element of the lower half is
 * the one at the same place of the upper half, or at the mirrored place.
 */
function compareExchange(
  values: Node,
  positions: Node,
  half: number,
  mirrored: boolean,
  order: '<' | '>',
): [values: Node, positions: Node] {
  const flat = values.shape
  const shape = [flat[0], flat[1] / (2 * half), 2, half]
  const [row, block, upper, place] = indicesOf(shape)
  const own = [row, block, upper, place]
  const partner = [row, block, binary('-', number(1), upper), mirrored ? binary('-', number(half - 1), place) : place]
  const first = comesFirst(
    { value: read('x', own), position: read('at', own) },
    { value: read('x', partner), position: read('at', partner) },
    order,
    isFloat(values.dtype),
  )
  const keep = binary('==', first, binary('==', upper, number(0)))
  const operands = { x: reshapeNode(values, shape), at: reshapeNode(positions, shape) }
  const chosen = (tensor: string) =>
    reshapeNode(
      comprehension({
        axes: rangesOf(shape),
        reduction: null,
        body: call('where', keep, read(tensor, own), read(tensor, partner)),
        operands,
      }),
      flat,
    )
  return [chosen('x'), chosen('at')]
}

interface Entry {
  readonly value: Expr
  readonly position: Expr
}

/** Whether `a` comes before `b`; of equal values, the one that was first. A total order, since no two positions are equal. */
function comesFirst(a: Entry, b: Entry, order: '<' | '>', float: boolean): Expr {
  const before = (one: Expr, other: Expr): Expr => {
    const plain = binary(order, one, other)
    if (!float) return plain
    const [larger, smaller] = order === '<' ? [other, one] : [one, other]
    return binary('or', plain, binary('and', isNan(larger), unary('not', isNan(smaller))))
  }
  const tie = binary('and', unary('not', before(b.value, a.value)), binary('<', a.position, b.position))
  return binary('or', before(a.value, b.value), tie)
}

const isNan = (value: Expr): Expr => binary('!=', value, value)

/**
 * The `count` largest (or smallest) elements along the last axis, in order, and their positions (i32). Of equal elements
 * the first come first; NaN counts as the largest number. Throws ShapeError `bad-count`.
 */
export function topk(x: Node, count: number, largest = true): { values: Node; indices: Node } {
  const axis = normalizeAxis('topk', -1, x.shape.length)
  if (!Number.isSafeInteger(count) || count < 0 || count > x.shape[axis])
    throw new ShapeError(
      'bad-count',
      `topk: ${count} elements of the last axis of ${shapeText(x.shape)}; it has ${x.shape[axis]}`,
    )
  const whole = argsort(x, { descending: largest })
  const indices = slice(whole, [...x.shape.slice(0, -1).map(() => null), [0, count]])
  return { values: gather(x, axis, indices), indices }
}
