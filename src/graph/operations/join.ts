// Several tensors as one, and one as several.
import { ShapeError } from '../../errors.ts'
import type { Expr } from '../../expression/tree.ts'
import { binary, call, name, number, read } from '../../expression/tree.ts'
import { comprehension } from '../build.ts'
import type { Node } from '../node.ts'
import { axisName, checkCount, indicesOf, normalizeAxis, rangesOf, shapeText } from './axes.ts'
import { nameOperands } from './pointwise.ts'
import { slice, unsqueeze } from './view.ts'

/** The tensors one after the other along `axis`; the other extents must agree. Throws ShapeError `shape-mismatch`. */
export function concat(nodes: readonly Node[], axis = 0): Node {
  const shape = checkJoinable('concat', nodes, axis)
  const own = normalizeAxis('concat', axis, shape.length)
  if (nodes.length === 1) return nodes[0]
  const index = name(axisName(own))
  const { operands, nameOf } = nameOperands(nodes)
  let start = 0
  const parts = nodes.map((node) => {
    const begin = start
    start += node.shape[own]
    const at = indicesOf(shape).with(own, begin === 0 ? index : binary('-', index, number(begin)))
    return { end: start, element: read(nameOf(node), at, true) }
  })
  const body = parts
    .slice(0, -1)
    .reduceRight(
      (rest: Expr, part) => call('where', binary('<', index, number(part.end)), part.element, rest),
      parts[parts.length - 1].element,
    )
  return comprehension({ axes: rangesOf(shape.with(own, start)), body, operands })
}

/** The shape of the first, once it is known that all others differ from it only along `axis`. */
function checkJoinable(operation: string, nodes: readonly Node[], axis: number): readonly number[] {
  if (nodes.length === 0) throw new ShapeError('no-operands', `${operation}: no tensors given; give one or more`)
  const { shape } = nodes[0]
  const own = normalizeAxis(operation, axis, shape.length)
  for (const [position, node] of nodes.entries())
    if (node.shape.length !== shape.length || node.shape.some((extent, d) => d !== own && extent !== shape[d]))
      throw new ShapeError(
        'shape-mismatch',
        `${operation}: tensor 0 has shape ${shapeText(shape)}, tensor ${position} has ${shapeText(node.shape)}; ` +
          `all extents but that of axis ${own} must agree`,
      )
  return shape
}

/** Tensors of one shape along a new axis, at place `axis` of the result. Throws ShapeError `shape-mismatch`. */
export function stack(nodes: readonly Node[], axis = 0): Node {
  if (nodes.length === 0) throw new ShapeError('no-operands', 'stack: no tensors given; give one or more')
  const { shape } = nodes[0]
  const own = normalizeAxis('stack', axis, shape.length + 1)
  for (const [position, node] of nodes.entries())
    if (shapeText(node.shape) !== shapeText(shape))
      throw new ShapeError(
        'shape-mismatch',
        `stack: tensor 0 has shape ${shapeText(shape)}, tensor ${position} has ${shapeText(node.shape)}; they must be equal`,
      )
  return concat(
    nodes.map((node) => unsqueeze(node, own)),
    own,
  )
}

/** Pieces along `axis`: of `sizes` elements each (the last may be smaller), or of the sizes listed. Throws ShapeError `bad-split`. */
export function split(x: Node, sizes: number | readonly number[], axis = 0): Node[] {
  const own = normalizeAxis('split', axis, x.shape.length)
  const extent = x.shape[own]
  const list = typeof sizes === 'number' ? equalSizes(extent, sizes) : sizes
  for (const size of list) checkCount('split', 'a size', size, 0)
  const total = list.reduce((sum, size) => sum + size, 0)
  if (total !== extent)
    throw new ShapeError(
      'bad-split',
      `split: the sizes [${list}] add up to ${total}, and axis ${own} of ${shapeText(x.shape)} has extent ${extent}`,
    )
  let start = 0
  return list.map((size) => {
    const begin = start
    start += size
    return slice(x, [...x.shape.slice(0, own).map(() => null), [begin, start]])
  })
}

function equalSizes(extent: number, size: number): number[] {
  checkCount('split', 'the size', size, 1)
  const count = Math.max(1, Math.ceil(extent / size))
  return Array.from({ length: count }, (_, piece) => Math.min(size, extent - piece * size))
}

/** At most `count` pieces of equal size along `axis`, the last smaller when it does not divide (PyTorch's chunk). */
export function chunk(x: Node, count: number, axis = 0): Node[] {
  checkCount('chunk', 'the number of chunks', count, 1)
  const extent = x.shape[normalizeAxis('chunk', axis, x.shape.length)]
  return split(x, Math.max(1, Math.ceil(extent / count)), axis)
}
