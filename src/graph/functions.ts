// Operations on several tensors, as functions.
import { where as whereNode } from './operations/comparison.ts'
import { einsum as einsumNode } from './operations/contraction.ts'
import { concat as concatNodes, stack as stackNodes } from './operations/join.ts'
import { crossEntropy as crossEntropyNode } from './operations/softmax.ts'
import type { Tensor, TensorOrNumber } from './tensor.ts'
import { operandOf, wrap } from './tensor.ts'

/** `a` where `condition` is not 0, else `b`; all broadcast. Throws ShapeError `shape-mismatch`. */
export const where = (condition: Tensor, a: TensorOrNumber, b: TensorOrNumber): Tensor =>
  wrap(whereNode(condition.node, operandOf(a), operandOf(b)))

/** The tensors one after the other along `axis`; their other extents agree. Throws ShapeError `shape-mismatch`. */
export const concat = <Rank extends number>(tensors: readonly Tensor<Rank>[], axis = 0): Tensor<Rank> =>
  wrap(
    concatNodes(
      tensors.map(({ node }) => node),
      axis,
    ),
  )

/** Tensors of one shape along a new axis, at place `axis` of the result. Throws ShapeError `shape-mismatch`. */
export const stack = (tensors: readonly Tensor[], axis = 0): Tensor =>
  wrap(
    stackNodes(
      tensors.map(({ node }) => node),
      axis,
    ),
  )

/**
 * NumPy's einsum: `einsum('ij,jk->ik', x, y)` sums the product over every label that is not in the output. Without `->`
 * the output has the labels that occur once, in alphabetical order; `...` stands for axes that broadcast.
 * Throws ShapeError `bad-einsum`.
 */
export const einsum = (equation: string, ...tensors: readonly Tensor[]): Tensor =>
  wrap(
    einsumNode(
      equation,
      tensors.map(({ node }) => node),
    ),
  )

/**
 * The cross-entropy of each sample, -log(softmax(logits)) at its class: logits [n,c] and classes [n] (i32 or u8, each in
 * 0 … c-1) give [n]. With further axes, `axis` is that of the classes. Throws ShapeError `shape-mismatch` or `index-dtype`.
 */
export const crossEntropy = (logits: Tensor, classes: Tensor, axis = -1): Tensor =>
  wrap(crossEntropyNode(logits.node, classes.node, axis))
