export type { Dtype, TypedArray } from '../dtype.ts'
export type { TensorValues } from './creation.ts'
export {
  arange,
  eye,
  fromArray,
  full,
  fullLike,
  linspace,
  ones,
  onesLike,
  scalar,
  tensor,
  zeros,
  zerosLike,
} from './creation.ts'
export type { Evaluator } from './evaluator.ts'
export { setEvaluator } from './evaluator.ts'
export { concat, crossEntropy, einsum, stack, where } from './functions.ts'
export type { NestedArray, NestedNumbers, NestedValues } from './nested.ts'
export type { Shape } from './node.ts'
export type { Axes } from './operations/axes.ts'
export type { SortOptions } from './operations/sorting.ts'
export type { Padding, SliceSpec } from './operations/view.ts'
export { Parameter } from './parameter.ts'
export type { BroadcastRank, TensorOrNumber } from './tensor.ts'
export { Tensor } from './tensor.ts'
