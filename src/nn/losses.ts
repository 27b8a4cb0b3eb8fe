// What training makes small, and the share of right answers.
import { ShapeError } from '../errors.ts'
import { crossEntropy as crossEntropyOf, where } from '../graph/functions.ts'
import { shapeText } from '../graph/operations/axes.ts'
import type { Tensor } from '../graph/tensor.ts'
import { badOption } from './checks.ts'

export interface LossOptions {
  /** `mean` (the default) or `sum` over all elements (samples, for `crossEntropy`), to a rank-0 tensor; `none`: one loss each. */
  readonly reduction?: 'mean' | 'sum' | 'none'
}

/** (prediction - target)², both of one shape. Throws ShapeError `shape-mismatch`. */
export function mse(prediction: Tensor, target: Tensor, options?: LossOptions): Tensor {
  return reduced('mse', difference('mse', prediction, target).square(), options)
}

/** |prediction - target|, both of one shape. Throws ShapeError `shape-mismatch`. */
export function l1(prediction: Tensor, target: Tensor, options?: LossOptions): Tensor {
  return reduced('l1', difference('l1', prediction, target).abs(), options)
}

/**
 * Half the squared distance up to `delta` (1 when left out), from there on linear: delta·(|distance| - delta/2).
 * Source: Huber, 1964. Throws ShapeError `shape-mismatch`.
 */
export function huber(
  prediction: Tensor,
  target: Tensor,
  options: LossOptions & { readonly delta?: number } = {},
): Tensor {
  const { delta = 1 } = options
  const distance = difference('huber', prediction, target).abs()
  const far = distance.sub(delta / 2).mul(delta)
  return reduced('huber', where(distance.le(delta), distance.square().mul(0.5), far), options)
}

/**
 * -log(softmax(logits)) at each sample's class. Logits [n,c] and classes [n] (i32 or u8, each in 0 … c-1); with further axes
 * logits are [n,c,…] and classes [n,…], as in PyTorch. Throws ShapeError `shape-mismatch` or `index-dtype`.
 */
export function crossEntropy(logits: Tensor, classes: Tensor, options?: LossOptions): Tensor {
  return reduced('crossEntropy', crossEntropyOf(logits, classes, classAxis(logits)), options)
}

/** Of one sample's logits axis 0, else axis 1. */
const classAxis = (logits: Tensor): number => Math.min(1, logits.shape.length - 1)

/**
 * The cross-entropy of yes-or-no answers: log(1 + exp(x)) - x·target for logits x and targets in 0 … 1, both of one shape.
 * Throws ShapeError `shape-mismatch`.
 */
export function binaryCrossEntropyWithLogits(logits: Tensor, target: Tensor, options?: LossOptions): Tensor {
  checkSameShape('binaryCrossEntropyWithLogits', logits, target)
  return reduced('binaryCrossEntropyWithLogits', logits.softplus().sub(logits.mul(target)), options)
}

/** The share of samples whose largest logit is that of their class, as a rank-0 tensor. Shapes as for `crossEntropy`. */
export function accuracy(logits: Tensor, classes: Tensor): Tensor {
  const best = logits.argmax(classAxis(logits))
  checkSameShape('accuracy', best, classes)
  return best.eq(classes).mean()
}

function reduced(loss: string, each: Tensor, { reduction = 'mean' }: LossOptions = {}): Tensor {
  if (reduction === 'mean') return each.mean()
  if (reduction === 'sum') return each.sum()
  if (reduction === 'none') return each
  throw badOption(loss, `reduction is '${reduction}'; it must be 'mean', 'sum' or 'none'`)
}

function difference(loss: string, prediction: Tensor, target: Tensor): Tensor {
  checkSameShape(loss, prediction, target)
  return prediction.sub(target)
}

/** Broadcasting a loss hides mistakes: [n] against [n,1] would compare every prediction with every target. */
function checkSameShape(loss: string, prediction: Tensor, target: Tensor): void {
  if (shapeText(prediction.shape) === shapeText(target.shape)) return
  throw new ShapeError(
    'shape-mismatch',
    `${loss}: shapes ${shapeText(prediction.shape)} and ${shapeText(target.shape)} differ; they must be equal`,
  )
}
