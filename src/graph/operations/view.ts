// The same elements at other places: each is an index expression, and nothing is copied.
import { ShapeError } from '../../errors.ts'
import type { Expr } from '../../expression/tree.ts'
import { binary, call, number, read } from '../../expression/tree.ts'
import { comprehension, reshapeNode } from '../build.ts'
import type { Node, Shape } from '../node.ts'
import { sizeOf } from '../node.ts'
import type { Axes } from './axes.ts'
import {
  broadcastShapes,
  checkCount,
  checkShape,
  indicesOf,
  normalizeAxes,
  normalizeAxis,
  rangesOf,
  readBroadcast,
  shapeText,
} from './axes.ts'

/** A tensor of shape `shape` whose element is x's at `at(indices)`. */
export function viewOf(x: Node, shape: Shape, at: (indices: readonly Expr[]) => readonly Expr[]): Node {
  return comprehension({
    axes: rangesOf(shape),
    body: read('x', at(indicesOf(shape))),
    operands: { x },
  })
}

/** Replaces the index of one axis. */
const along = (axis: number, index: (own: Expr) => Expr) => (indices: readonly Expr[]) =>
  indices.map((own, position) => (position === axis ? index(own) : own))

/** The same elements in row-major order; one extent may be -1, for what is left. Throws ShapeError `reshape`. */
export function reshape(x: Node, shape: Shape): Node {
  const unknown = shape.indexOf(-1)
  const rest = sizeOf(shape.filter((_, axis) => axis !== unknown))
  const size = sizeOf(x.shape)
  const filled = unknown >= 0 && rest > 0 ? shape.with(unknown, size / rest) : shape
  if (filled.every((extent) => Number.isSafeInteger(extent) && extent >= 0) && sizeOf(filled) === size)
    return reshapeNode(x, filled)
  throw new ShapeError(
    'reshape',
    `reshape: ${shapeText(x.shape)} has ${size} elements, which do not fill ${shapeText(shape)}; the product of the extents ` +
      'must stay the same (one extent may be -1)',
  )
}

/** Joins the axes first … last to one. */
export function flatten(x: Node, first = 0, last = -1): Node {
  if (x.shape.length === 0) return reshapeNode(x, [1])
  const from = normalizeAxis('flatten', first, x.shape.length)
  const to = normalizeAxis('flatten', last, x.shape.length)
  if (from > to) throw new ShapeError('bad-axes', `flatten: the first axis, ${first}, comes after the last, ${last}`)
  const joined = sizeOf(x.shape.slice(from, to + 1))
  return reshapeNode(x, [...x.shape.slice(0, from), joined, ...x.shape.slice(to + 1)])
}

/** Axis d of the result is axis `axes[d]` of x. Throws ShapeError `bad-axes` unless each axis occurs once. */
export function permute(x: Node, axes: readonly number[]): Node {
  const rank = x.shape.length
  const order = axes.map((axis) => normalizeAxis('permute', axis, rank))
  if (new Set(order).size !== rank || order.length !== rank)
    throw new ShapeError(
      'bad-axes',
      `permute: axes [${axes}] must name each of the ${rank} axes of ${shapeText(x.shape)} once`,
    )
  if (order.every((axis, position) => axis === position)) return x
  const shape = order.map((axis) => x.shape[axis])
  return viewOf(x, shape, (indices) => x.shape.map((_, axis) => indices[order.indexOf(axis)]))
}

/** Exchanges two axes. */
export function transpose(x: Node, first = -2, second = -1): Node {
  const rank = x.shape.length
  const a = normalizeAxis('transpose', first, rank)
  const b = normalizeAxis('transpose', second, rank)
  const order = Array.from({ length: rank }, (_, axis) => axis)
  return permute(x, order.with(a, b).with(b, a))
}

/** Drops axes of extent 1: those named (each must be 1), or all. Throws ShapeError `squeeze`. */
export function squeeze(x: Node, axes?: Axes): Node {
  const gone =
    axes === undefined
      ? x.shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []))
      : normalizeAxes('squeeze', axes, x.shape.length)
  const wide = gone.find((axis) => x.shape[axis] !== 1)
  if (wide !== undefined)
    throw new ShapeError(
      'squeeze',
      `squeeze: axis ${wide} of ${shapeText(x.shape)} has extent ${x.shape[wide]}; only 1 can go`,
    )
  return reshapeNode(
    x,
    x.shape.filter((_, axis) => !gone.includes(axis)),
  )
}

/** Adds axes of extent 1, at the places they have in the result. */
export function unsqueeze(x: Node, axes: Axes): Node {
  const added = normalizeAxes('unsqueeze', axes, x.shape.length + [axes].flat().length)
  const shape = [...x.shape]
  for (const axis of added) shape.splice(axis, 0, 1)
  return reshapeNode(x, shape)
}

/** x as if it had `shape`: axes of extent 1 are repeated, axes are added in front. Throws ShapeError `shape-mismatch`. */
export function broadcastTo(x: Node, shape: Shape): Node {
  checkShape('broadcastTo', shape)
  const common = broadcastShapes('broadcastTo', [x.shape, shape])
  if (common.length !== shape.length || common.some((extent, axis) => extent !== shape[axis]))
    throw new ShapeError(
      'shape-mismatch',
      `broadcastTo: ${shapeText(x.shape)} does not broadcast to ${shapeText(shape)}; only extents of 1 grow`,
    )
  if (x.shape.length === shape.length && x.shape.every((extent, axis) => extent === shape[axis])) return x
  return comprehension({
    axes: rangesOf(shape),
    body: readBroadcast('x', x.shape, shape),
    operands: { x },
  })
}

/** `broadcastTo` where -1 stands for the extent that is there. */
export function expand(x: Node, shape: Shape): Node {
  const missing = shape.length - x.shape.length
  return broadcastTo(
    x,
    shape.map((extent, axis) => (extent === -1 && axis >= missing ? x.shape[axis - missing] : extent)),
  )
}

/**
 * What to take of one axis, as `start:stop:step` in Python: `[start, stop, step]` with null for what is left open;
 * a number for one element (the axis goes); null for the whole axis.
 */
export type SliceSpec = number | null | readonly [start: number | null, stop?: number | null, step?: number | null]

/**
 * The elements that `specs` take of the leading axes; the other axes are whole. Throws ShapeError `bad-slice` or
 * `index-out-of-range`.
 */
export function slice(x: Node, specs: readonly SliceSpec[]): Node {
  if (specs.length > x.shape.length)
    throw new ShapeError(
      'bad-slice',
      `slice: ${specs.length} slices for the ${x.shape.length} axes of ${shapeText(x.shape)}`,
    )
  const taken = x.shape.map((extent, axis) => takenOf(specs[axis] ?? null, extent, axis))
  if (taken.every(({ one, start, step, count }, axis) => !one && start === 0 && step === 1 && count === x.shape[axis]))
    return x
  const shape = taken.filter(({ one }) => !one).map(({ count }) => count)
  return viewOf(x, shape, (indices) => {
    let next = 0
    return taken.map(({ one, start, step }) => (one ? number(start) : affine(indices[next++], step, start)))
  })
}

interface Taken {
  readonly one: boolean
  readonly start: number
  readonly step: number
  readonly count: number
}

function takenOf(spec: SliceSpec, extent: number, axis: number): Taken {
  if (spec === null) return { one: false, start: 0, step: 1, count: extent }
  if (typeof spec === 'number') return { one: true, start: elementOf('slice', spec, extent, axis), step: 1, count: 1 }
  const step = spec[2] ?? 1
  if (!Number.isSafeInteger(step) || step === 0)
    throw new ShapeError(
      'bad-slice',
      `slice: the step on axis ${axis} is ${step}; it must be a whole number other than 0`,
    )
  const [lowest, highest] = step > 0 ? [0, extent] : [-1, extent - 1]
  const place = (position: number | null | undefined, open: number) => {
    if (position === null || position === undefined) return open
    if (!Number.isSafeInteger(position))
      throw new ShapeError(
        'bad-slice',
        `slice: ${position} on axis ${axis} is no position; positions are whole numbers`,
      )
    return Math.min(Math.max(position < 0 ? position + extent : position, lowest), highest)
  }
  const start = place(spec[0], step > 0 ? lowest : highest)
  const stop = place(spec[1], step > 0 ? highest : lowest)
  return { one: false, start, step, count: Math.max(0, Math.ceil((stop - start) / step)) }
}

/** `position` as 0 … extent - 1. Throws ShapeError `index-out-of-range`. */
function elementOf(operation: string, position: number, extent: number, axis: number): number {
  if (Number.isSafeInteger(position) && position >= -extent && position < extent)
    return position < 0 ? position + extent : position
  throw new ShapeError(
    'index-out-of-range',
    `${operation}: there is no element ${position} on axis ${axis}, whose extent is ${extent}` +
      (extent > 0 ? `; positions go from ${-extent} to ${extent - 1}` : ''),
  )
}

/** index * step + start, without the parts that do nothing. */
function affine(index: Expr, step: number, start: number): Expr {
  if (step === -1) return binary('-', number(start), index)
  const scaled = step === 1 ? index : binary('*', number(step), index)
  return start === 0 ? scaled : binary('+', scaled, number(start))
}

/** Element `position` of axis `axis`, which goes. Throws ShapeError `index-out-of-range`. */
export function select(x: Node, axis: number, position: number): Node {
  const own = normalizeAxis('select', axis, x.shape.length)
  const at = elementOf('select', position, x.shape[own], own)
  return slice(x, [...x.shape.slice(0, own).map(() => null), at])
}

/** Reverses the order along the axes (all when left out). */
export function flip(x: Node, axes?: Axes): Node {
  const flipped = normalizeAxes('flip', axes, x.shape.length)
  return slice(
    x,
    x.shape.map((_, axis) => (flipped.includes(axis) ? [null, null, -1] : null)),
  )
}

/** Moves elements `shift` places on along an axis, those at the end to the front; without an axis, in row-major order of all. */
export function roll(x: Node, shift: number, axis?: number): Node {
  if (!Number.isSafeInteger(shift))
    throw new ShapeError('bad-count', `roll: the shift is ${shift}; it must be a whole number`)
  if (axis === undefined) return reshapeNode(roll(reshapeNode(x, [sizeOf(x.shape)]), shift, 0), x.shape)
  const own = normalizeAxis('roll', axis, x.shape.length)
  const extent = x.shape[own]
  const back = extent === 0 ? 0 : (extent - (shift % extent)) % extent
  if (back === 0) return x
  return viewOf(
    x,
    x.shape,
    along(own, (index) => binary('%', binary('+', index, number(back)), number(extent))),
  )
}

/** How many elements to put before and after: for every axis the same, or axis by axis. */
export type Padding = number | readonly (number | readonly [before: number, after: number])[]

/** x with `value` around it. Throws ShapeError `bad-padding`. */
export function pad(x: Node, padding: Padding, value = 0): Node {
  if (typeof padding !== 'number' && padding.length !== x.shape.length)
    throw new ShapeError(
      'bad-padding',
      `pad: ${padding.length} widths for the ${x.shape.length} axes of ${shapeText(x.shape)}; give one an axis, or one number`,
    )
  const widths = x.shape.map((_, axis) => {
    const width = typeof padding === 'number' ? padding : padding[axis]
    const [before, after] = typeof width === 'number' ? [width, width] : width
    checkCount('pad', `the width before axis ${axis}`, before, 0)
    checkCount('pad', `the width after axis ${axis}`, after, 0)
    return { before, after }
  })
  if (widths.every(({ before, after }) => before === 0 && after === 0)) return x
  const shape = x.shape.map((extent, axis) => extent + widths[axis].before + widths[axis].after)
  const indices = indicesOf(shape)
  const inner = indices.map((index, axis) => affine(index, 1, -widths[axis].before))
  const element = read('x', inner, true)
  const inside = indices.flatMap((index, axis) => {
    const { before, after } = widths[axis]
    const low = before > 0 ? [binary('>=', index, number(before))] : []
    const high = after > 0 ? [binary('<', index, number(before + x.shape[axis]))] : []
    return [...low, ...high]
  })
  const body =
    value === 0
      ? element
      : call(
          'where',
          inside.reduce((one, other) => binary('and', one, other)),
          element,
          number(value),
        )
  const dtype = x.dtype === 'bool' ? 'bool' : undefined
  return comprehension({ axes: rangesOf(shape), body, operands: { x }, dtype })
}

/** Each element `times` times in a row along an axis; without an axis, of the flattened tensor (NumPy's repeat). */
export function repeat(x: Node, times: number, axis?: number): Node {
  checkCount('repeat', 'the number of times', times, 0)
  if (axis === undefined) return repeat(reshapeNode(x, [sizeOf(x.shape)]), times, 0)
  const own = normalizeAxis('repeat', axis, x.shape.length)
  if (times === 1) return x
  return viewOf(
    x,
    x.shape.with(own, x.shape[own] * times),
    along(own, (index) => binary('/', index, number(Math.max(1, times)))),
  )
}

/** The whole tensor side by side, `times[d]` times along axis d, matched from the last axis (NumPy's tile). */
export function tile(x: Node, times: Axes): Node {
  const counts = [times].flat()
  for (const count of counts) checkCount('tile', 'a number of times', count, 0)
  const rank = Math.max(counts.length, x.shape.length)
  const inner = [...Array<number>(rank - x.shape.length).fill(1), ...x.shape]
  const outer = [...Array<number>(rank - counts.length).fill(1), ...counts]
  return viewOf(
    reshapeNode(x, inner),
    inner.map((extent, axis) => extent * outer[axis]),
    (indices) =>
      indices.map((index, axis) => (outer[axis] === 1 ? index : binary('%', index, number(Math.max(1, inner[axis]))))),
  )
}
