// Elements at positions that other tensors hold.

import type { Dtype } from '../../dtype.ts'
import { ShapeError } from '../../errors.ts'
import { binary, call, name, number, read } from '../../expression/tree.ts'
import { comprehension, reshapeNode } from '../build.ts'
import type { Node } from '../node.ts'
import { sizeOf } from '../node.ts'
import { axisName, checkCount, indicesOf, normalizeAxis, rangesOf, shapeText } from './axes.ts'
import { toIndex } from './cast.ts'

/**
 * PyTorch's gather: the result has the shape of `index`, and its element at i, j, k is x[i, index[i,j,k], k] for axis 1.
 * Positions lie in 0 … extent - 1 (others are taken to the nearest). Throws ShapeError `shape-mismatch` or `index-dtype`.
 */
export function gather(x: Node, axis: number, index: Node): Node {
  const own = normalizeAxis('gather', axis, x.shape.length)
  const { shape } = index
  if (shape.length !== x.shape.length || shape.some((extent, d) => d !== own && extent > x.shape[d]))
    throw new ShapeError(
      'shape-mismatch',
      `gather: the index has shape ${shapeText(shape)}, the tensor ${shapeText(x.shape)}; they must have the same rank, and ` +
        `the index may be larger only on axis ${own}`,
    )
  checkNotEmpty('gather', x, own, index)
  const indices = indicesOf(shape)
  return comprehension({
    axes: rangesOf(shape),
    body: read('x', indices.with(own, read('index', indices))),
    operands: { x, index: toIndex('gather', index) },
  })
}

/**
 * NumPy's take: x's slices at positions `indices` along `axis`; without an axis, elements of the flattened tensor.
 * [a,b,c] at [n,m] along axis 1 gives [a,n,m,c]. Positions lie in 0 … extent - 1 (others are taken to the nearest).
 */
export function take(x: Node, indices: Node, axis?: number): Node {
  if (axis === undefined) return take(reshapeNode(x, [sizeOf(x.shape)]), indices, 0)
  const own = normalizeAxis('take', axis, x.shape.length)
  checkNotEmpty('take', x, own, indices)
  const shape = [...x.shape.slice(0, own), ...indices.shape, ...x.shape.slice(own + 1)]
  const at = indicesOf(shape)
  const inner = at.slice(own, own + indices.shape.length)
  return comprehension({
    axes: rangesOf(shape),
    body: read('x', [...at.slice(0, own), read('index', inner), ...at.slice(own + indices.shape.length)]),
    operands: { x, index: toIndex('take', indices) },
  })
}

function checkNotEmpty(operation: string, x: Node, axis: number, index: Node): void {
  if (x.shape[axis] > 0 || sizeOf(index.shape) === 0) return
  throw new ShapeError(
    'index-out-of-range',
    `${operation}: axis ${axis} of ${shapeText(x.shape)} has no elements to take`,
  )
}

/** 1 where the position on the new last axis (of extent `classes`) is the element's value, else 0. */
export function oneHot(x: Node, classes: number, dtype: Dtype = 'f32'): Node {
  checkCount('oneHot', 'the number of classes', classes, 0)
  const shape = [...x.shape, classes]
  const hot = binary('==', read('x', indicesOf(x.shape)), name(axisName(x.shape.length)))
  return comprehension({
    axes: rangesOf(shape),
    body: call('where', hot, number(1), number(0)),
    operands: { x: toIndex('oneHot', x) },
    dtype,
  })
}
