// Running sums and products, in log2(n) passes: after pass p each element holds the total of the 2^p up to it.
import type { Expr } from '../../expression/tree.ts'
import { binary, call, name, number, read } from '../../expression/tree.ts'
import { comprehension } from '../build.ts'
import type { Node } from '../node.ts'
import { axisName, indicesOf, normalizeAxis, rangesOf } from './axes.ts'
import { widen } from './cast.ts'

/** Each element is the sum of those up to it along `axis`. Source: Hillis and Steele, "Data parallel algorithms", 1986. */
export const cumsum = (x: Node, axis: number): Node =>
  scan('cumsum', x, axis, (element, before) => binary('+', element, before))

/** Each element is the product of those up to it along `axis`. */
export const cumprod = (x: Node, axis: number): Node =>
  scan('cumprod', x, axis, (element, before, present) =>
    binary('*', element, call('where', present, before, number(1))),
  )

function scan(
  operation: string,
  x: Node,
  axis: number,
  combine: (element: Expr, before: Expr, present: Expr) => Expr,
): Node {
  const { shape } = x
  const own = normalizeAxis(operation, axis, shape.length)
  const index = name(axisName(own))
  const indices = indicesOf(shape)
  let result = widen(x)
  for (let distance = 1; distance < shape[own]; distance *= 2) {
    const before = read('x', indices.with(own, binary('-', index, number(distance))), true)
    const present = binary('>=', index, number(distance))
    result = comprehension({
      axes: rangesOf(shape),
      reduction: null,
      body: combine(read('x', indices), before, present),
      operands: { x: result },
    })
  }
  return result
}
