// Reductions over some axes, or all.
import type { Expr } from '../../expression/tree.ts'
import { binary, call, name, number, read } from '../../expression/tree.ts'
import { comprehension, reshapeNode } from '../build.ts'
import type { Node, Reduction, Shape } from '../node.ts'
import { reductionDtype } from '../typing.ts'
import { abs, pow, sqrt } from './arithmetic.ts'
import type { Axes } from './axes.ts'
import { axisName, indicesOf, normalizeAxes, normalizeAxis, rangesOf } from './axes.ts'
import { cast, toFloat } from './cast.ts'
import { ne, toBool } from './comparison.ts'
import { pointwise } from './pointwise.ts'

/** What reductions share: the axes to go (all when left out), and whether they stay as axes of extent 1. */
export interface Over {
  readonly axis?: Axes
  readonly keepDims?: boolean
}

/** Bool and u8 are added up as i32. */
export const sum = (x: Node, over: Over = {}): Node => reduceAxes('sum', x, over)
export const prod = (x: Node, over: Over = {}): Node => reduceAxes('prod', x, over)
export const max = (x: Node, over: Over = {}): Node => reduceAxes('max', x, over)
export const min = (x: Node, over: Over = {}): Node => reduceAxes('min', x, over)
export const any = (x: Node, over: Over = {}): Node => reduceAxes('any', toBool(x), over)
export const all = (x: Node, over: Over = {}): Node => reduceAxes('all', toBool(x), over)

/** The mean, in floats. */
export function mean(x: Node, over: Over = {}): Node {
  return divideByCount(sum(toFloat(x), over), countOver('mean', x.shape, over))
}

const divideByCount = (total: Node, count: number): Node =>
  comprehension({
    axes: rangesOf(total.shape),
    body: binary('/', read('x', indicesOf(total.shape)), number(count)),
    operands: { x: total },
  })

/** How many elements are reduced to one. */
const countOver = (operation: string, shape: Shape, over: Over): number =>
  normalizeAxes(operation, over.axis, shape.length).reduce((count, axis) => count * shape[axis], 1)

/** The position of the first largest element: along `axis`, or in row-major order of all. i32; NaN counts as largest. */
export const argmax = (x: Node, over: { axis?: number; keepDims?: boolean } = {}): Node => winner('argmax', x, over)
/** The position of the first smallest element: along `axis`, or in row-major order of all. i32; NaN counts as smallest. */
export const argmin = (x: Node, over: { axis?: number; keepDims?: boolean } = {}): Node => winner('argmin', x, over)

function winner(op: 'argmax' | 'argmin', x: Node, over: { axis?: number; keepDims?: boolean }): Node {
  const axis = over.axis === undefined ? undefined : normalizeAxis(op, over.axis, x.shape.length)
  return reduceAxes(op, x, { axis, keepDims: over.keepDims })
}

/**
 * The mean squared distance from the mean. The sum of squares is divided by n - `correction`: 0 as in NumPy (the default),
 * 1 as in PyTorch.
 */
export function variance(x: Node, over: Over & { correction?: number } = {}): Node {
  const float = toFloat(x)
  const axes = normalizeAxes('variance', over.axis, x.shape.length)
  const count = countOver('variance', x.shape, over)
  const centre = mean(float, { axis: axes })
  const squares = reduceBody('sum', float, axes, { m: centre }, (element, kept) => {
    const distance = binary('-', element, read('m', kept))
    return binary('*', distance, distance)
  })
  return keepAxes(divideByCount(squares, count - (over.correction ?? 0)), x.shape, axes, over)
}

/** The square root of the variance. */
export const std = (x: Node, over: Over & { correction?: number } = {}): Node => sqrt(variance(x, over))

/** (Σ |x|^ord)^(1/ord); the largest |x| for Infinity, the smallest for -Infinity, the number of non-zeros for 0. */
export function norm(x: Node, over: Over & { ord?: number } = {}): Node {
  const ord = over.ord ?? 2
  const float = toFloat(x)
  if (ord === Number.POSITIVE_INFINITY) return max(abs(float), over)
  if (ord === Number.NEGATIVE_INFINITY) return min(abs(float), over)
  if (ord === 0) return sum(ne(float, 0), over)
  const axes = normalizeAxes('norm', over.axis, x.shape.length)
  const powers = reduceBody('sum', float, axes, {}, (element) => {
    if (ord === 1) return call('abs', element)
    return ord === 2 ? binary('*', element, element) : binary('^', call('abs', element), number(ord))
  })
  const length = ord === 1 ? powers : ord === 2 ? sqrt(powers) : pow(powers, 1 / ord)
  return keepAxes(length, x.shape, axes, over)
}

function reduceAxes(op: Reduction['op'], x: Node, over: Over): Node {
  const axes = normalizeAxes(op, over.axis, x.shape.length)
  if (axes.length === 0) return overNothing(op, x)
  const reduced = reduceBody(op, x, axes, {}, (element) => element)
  return keepAxes(reduced, x.shape, axes, over)
}

/** The reduction of each element alone. */
const overNothing = (op: Reduction['op'], x: Node): Node =>
  op === 'argmax' || op === 'argmin' ? pointwise(op, [x], () => number(0)) : cast(x, reductionDtype(op, x.dtype))

/**
 * The reduction over `axes` (ascending) of `body`, which is given x's element and the indices of the axes that stay,
 * and may read `others` at those.
 */
export function reduceBody(
  op: Reduction['op'],
  x: Node,
  axes: readonly number[],
  others: Readonly<Record<string, Node>>,
  body: (element: Expr, kept: readonly Expr[]) => Expr,
): Node {
  const ranges = rangesOf(x.shape)
  const kept = ranges.filter((_, axis) => !axes.includes(axis))
  const gone = ranges.filter((_, axis) => axes.includes(axis))
  const element = read('x', indicesOf(x.shape))
  return comprehension({
    axes: kept,
    reduction: gone.length > 0 ? { op, ranges: gone, where: null } : null,
    body: body(element, keptIndices(x.shape, axes)),
    operands: { x, ...others },
  })
}

/** The indices of the axes that stay when `axes` go. */
export const keptIndices = (shape: Shape, axes: readonly number[]): Expr[] =>
  shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [name(axisName(axis))]))

/** With `keepDims`, puts the reduced axes back with extent 1. */
export function keepAxes(reduced: Node, shape: Shape, axes: readonly number[], over: Over): Node {
  if (!over.keepDims) return reduced
  const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
  return reshapeNode(reduced, kept)
}
