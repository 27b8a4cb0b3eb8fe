// Softmax and its kin: computed from the distance to the maximum, so that exp cannot overflow, and with derivatives in
// terms of their results. Each is a rule over a plain form, which derives to the same gradient.
import { ShapeError } from '../../errors.ts'
import type { Expr } from '../../expression/tree.ts'
import { binary, call, name, number, read } from '../../expression/tree.ts'
import { comprehension, ruleNode } from '../build.ts'
import type { Node } from '../node.ts'
import { exp, log, stopGradient, sub } from './arithmetic.ts'
import type { Axes } from './axes.ts'
import { axisName, indicesOf, normalizeAxes, normalizeAxis, rangesOf, shapeText } from './axes.ts'
import { toFloat, toIndex } from './cast.ts'
import type { Over } from './reduction.ts'
import { keepAxes, keptIndices, max, reduceBody, sum } from './reduction.ts'

/** log(sum(exp(x))) over the axes (all when left out). */
export function logSumExp(x: Node, over: Over = {}): Node {
  const float = toFloat(x)
  const axes = normalizeAxes('logSumExp', over.axis, x.shape.length)
  const result = ruleNode({
    rule: 'logSumExp',
    of: plainLogSumExp(float, axes),
    inputs: [float],
    vjp: (adjoint) => [besideKept(softmax(float, axes), adjoint, axes, (y, dy) => binary('*', y, dy))],
  })
  return keepAxes(result, x.shape, axes, over)
}

/** The form of `logSumExp` whose derivative follows from its formula. `x` is a float, `axes` ascending. */
export function plainLogSumExp(x: Node, axes: readonly number[]): Node {
  const highest = finiteMax(x, axes)
  const total = reduceBody('sum', x, axes, { m: highest }, (element, kept) => expAbove(element, kept))
  const at = indicesOf(total.shape)
  return comprehension({
    axes: rangesOf(total.shape),
    body: binary('+', call('log', read('s', at)), read('m', at)),
    operands: { s: total, m: highest },
  })
}

/** exp(x) / sum(exp(x)) over the axes. */
export function softmax(x: Node, over: Axes): Node {
  const float = toFloat(x)
  const axes = normalizeAxes('softmax', over, x.shape.length)
  const result = ruleNode({
    rule: 'softmax',
    of: plainSoftmax(float, axes),
    inputs: [float],
    vjp: (adjoint) => {
      const total = reduceBody('sum', result, axes, { dy: adjoint }, (y) => binary('*', y, adjointAt(adjoint)))
      const at = indicesOf(float.shape)
      const distance = binary('-', read('dy', at), read('s', keptIndices(float.shape, axes)))
      return [
        comprehension({
          axes: rangesOf(float.shape),
          body: binary('*', read('y', at), distance),
          operands: { y: result, dy: adjoint, s: total },
        }),
      ]
    },
  })
  return result
}

const adjointAt = (adjoint: Node): Expr => read('dy', indicesOf(adjoint.shape))

/** The form of `softmax` whose derivative follows from its formula. `x` is a float, `axes` ascending. */
export function plainSoftmax(x: Node, axes: readonly number[]): Node {
  const highest = stopGradient(max(x, { axis: axes }))
  const powers = besideKept(x, highest, axes, (element, most) => call('exp', binary('-', element, most)))
  return besideKept(powers, sum(powers, { axis: axes }), axes, (power, total) => binary('/', power, total))
}

/** log(softmax(x)), exact where the softmax is near 0. */
export function logSoftmax(x: Node, over: Axes): Node {
  const float = toFloat(x)
  const axes = normalizeAxes('logSoftmax', over, x.shape.length)
  return ruleNode({
    rule: 'logSoftmax',
    of: plainLogSoftmax(float, axes),
    inputs: [float],
    vjp: (adjoint) => {
      const shares = besideKept(softmax(float, axes), sum(adjoint, { axis: axes }), axes, (y, total) =>
        binary('*', y, total),
      )
      return [sub(adjoint, shares)]
    },
  })
}

/** The form of `logSoftmax` whose derivative follows from its formula. `x` is a float, `axes` ascending. */
export function plainLogSoftmax(x: Node, axes: readonly number[]): Node {
  const highest = stopGradient(max(x, { axis: axes }))
  const distance = besideKept(x, highest, axes, (element, most) => binary('-', element, most))
  const total = sum(exp(distance), { axis: axes })
  return besideKept(distance, log(total), axes, (element, lse) => binary('-', element, lse))
}

/**
 * The cross-entropy of each sample: -log(softmax(logits)) at the sample's class. Logits [n,c] and classes [n] (i32 or u8)
 * give [n]; with further axes, `axis` is that of the classes. Throws ShapeError `shape-mismatch` or `index-dtype`.
 */
export function crossEntropy(logits: Node, classes: Node, axis = -1): Node {
  const float = toFloat(logits)
  const { shape } = float
  const own = normalizeAxis('crossEntropy', axis, shape.length)
  const samples = shape.toSpliced(own, 1)
  if (shapeText(samples) !== shapeText(classes.shape))
    throw new ShapeError(
      'shape-mismatch',
      `crossEntropy: logits ${shapeText(shape)} with their classes on axis ${own} need class indices of shape ` +
        `${shapeText(samples)}, not ${shapeText(classes.shape)}`,
    )
  const labels = toIndex('crossEntropy', classes)
  return ruleNode({
    rule: 'crossEntropy',
    of: plainCrossEntropy(float, labels, own),
    inputs: [float, labels],
    vjp: (adjoint) => {
      const kept = keptIndices(shape, [own])
      const isClass = binary('==', name(axisName(own)), read('label', kept))
      const slope = binary('-', read('y', indicesOf(shape)), call('where', isClass, number(1), number(0)))
      const gradient = comprehension({
        axes: rangesOf(shape),
        body: binary('*', slope, read('dy', kept)),
        operands: { y: softmax(float, own), label: labels, dy: adjoint },
      })
      return [gradient, null]
    },
  })
}

/** The form of `crossEntropy` whose derivative follows from its formula. `x` is a float, `labels` i32. */
export function plainCrossEntropy(x: Node, labels: Node, axis: number): Node {
  const highest = stopGradient(max(x, { axis }))
  const total = reduceBody('sum', x, [axis], { m: highest }, (element, kept) => expAbove(element, kept))
  const at = indicesOf(total.shape)
  const chosen = read('x', indicesOf(x.shape.toSpliced(axis, 1)).toSpliced(axis, 0, read('label', at)))
  const distance = binary('-', chosen, read('m', at))
  return comprehension({
    axes: rangesOf(total.shape),
    body: binary('-', call('log', read('s', at)), distance),
    operands: { x, label: labels, s: total, m: highest },
  })
}

/** exp(x - m), with m at the indices that stay. */
const expAbove = (element: Expr, kept: readonly Expr[]): Expr => call('exp', binary('-', element, read('m', kept)))

/** The maximum, as a constant to derivatives; 0 where it is infinite, so that infinity is not subtracted from itself. */
function finiteMax(x: Node, axes: readonly number[]): Node {
  const highest = max(x, { axis: axes })
  const element = call('stopGradient', read('x', indicesOf(highest.shape)))
  const infinite = binary('==', call('abs', element), number(Number.POSITIVE_INFINITY))
  return comprehension({
    axes: rangesOf(highest.shape),
    body: call('where', infinite, number(0), element),
    operands: { x: highest },
  })
}

/** `body` of x's elements and those of `reduced`, which has all of x's axes but `axes`. */
function besideKept(
  x: Node,
  reduced: Node,
  axes: readonly number[],
  body: (element: Expr, beside: Expr) => Expr,
): Node {
  return comprehension({
    axes: rangesOf(x.shape),
    body: body(read('x', indicesOf(x.shape)), read('s', keptIndices(x.shape, axes))),
    operands: { x, s: reduced },
  })
}
