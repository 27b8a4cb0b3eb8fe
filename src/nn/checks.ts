// What layers say about their options and inputs.
import { EinfoldError, ShapeError } from '../errors.ts'
import { shapeText } from '../graph/operations/axes.ts'
import type { Tensor } from '../graph/tensor.ts'

/** Throws EinfoldError `bad-option` unless `value` is a whole number, `least` or more. */
export function checkWhole(layer: string, what: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw badOption(layer, `${what} is ${value}; it must be a whole number, ${least} or more`)
}

/** Throws EinfoldError `bad-option` unless 0 ≤ value < 1. */
export function checkProbability(layer: string, what: string, value: number): void {
  if (value >= 0 && value < 1) return
  throw badOption(layer, `${what} is ${value}; it must be 0 or more and less than 1`)
}

export const badOption = (layer: string, message: string): EinfoldError =>
  new EinfoldError('bad-option', `${layer}: ${message}`)

/** Throws ShapeError `wrong-rank` unless x has an axis for each of `axes`, which say what they are. */
export function checkRank(layer: string, x: Tensor, axes: readonly string[]): void {
  if (x.shape.length === axes.length) return
  const wanted = `it must have ${axes.length} ${axes.length === 1 ? 'axis' : 'axes'}: [${axes.join(', ')}]`
  throw new ShapeError('wrong-rank', `${layer}: the input has shape ${shapeText(x.shape)}; ${wanted}`)
}

/** Throws ShapeError `wrong-extent` unless x has `extent` of what axis `axis` holds. */
export function checkExtent(layer: string, x: Tensor, axis: number, extent: number, what: string): void {
  if (x.shape.at(axis) === extent) return
  const own = axis < 0 ? axis + x.shape.length : axis
  const wanted = `it must have ${extent} ${extent === 1 ? what.replace(/s$/, '') : what} on axis ${own}`
  throw new ShapeError('wrong-extent', `${layer}: the input has shape ${shapeText(x.shape)}; ${wanted}`)
}
