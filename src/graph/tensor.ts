// Tensors: what people hold. A tensor is a node of the graph with operations as methods; it computes nothing by itself.
import type { Dtype, TypedArray } from '../dtype.ts'
import { ShapeError } from '../errors.ts'
import { evaluator } from './evaluator.ts'
import type { NestedArray } from './nested.ts'
import { nest } from './nested.ts'
import type { Node, Shape } from './node.ts'
import { sizeOf } from './node.ts'
import * as arithmetic from './operations/arithmetic.ts'
import type { Axes } from './operations/axes.ts'
import { shapeText } from './operations/axes.ts'
import { cast } from './operations/cast.ts'
import * as comparison from './operations/comparison.ts'
import { matmul } from './operations/contraction.ts'
import * as indexing from './operations/indexing.ts'
import * as join from './operations/join.ts'
import type { Operand } from './operations/pointwise.ts'
import * as reduction from './operations/reduction.ts'
import * as scan from './operations/scan.ts'
import * as softmax from './operations/softmax.ts'
import type { SortOptions } from './operations/sorting.ts'
import * as sorting from './operations/sorting.ts'
import type { Padding, SliceSpec } from './operations/view.ts'
import * as view from './operations/view.ts'
import { tensorText } from './print.ts'

/** A tensor, or a number that takes the dtype of what it meets. */
export type TensorOrNumber = Tensor | number

/** The rank of two broadcast together, where it is easily known. */
export type BroadcastRank<A extends number, B extends number> = number extends A | B
  ? number
  : 0 extends B
    ? A
    : 0 extends A
      ? B
      : A extends B
        ? A
        : number

/**
 * An array of numbers of one dtype, known by how it is computed: numbers appear when they are asked for (`data`, `array`,
 * `item`). Immutable. Operands broadcast, negative axes count from the last, dtypes promote, as in NumPy; `Rank` is the
 * number of axes where TypeScript can know it. What does not fit throws a ShapeError.
 */
export class Tensor<out Rank extends number = number> {
  readonly #node: Node

  constructor(node: Node) {
    this.#node = node
  }

  /** What the tensor stands for. */
  get node(): Node {
    return this.#node
  }

  /** The extents of the axes. */
  get shape(): Shape {
    return this.node.shape
  }

  get dtype(): Dtype {
    return this.node.dtype
  }

  /** The number of axes. */
  get rank(): Rank {
    return this.node.shape.length as Rank
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.node.shape)
  }

  // Reading

  /** The elements in row-major order; conditions as 0 and 1. */
  async data(): Promise<TypedArray> {
    const [values] = await evaluator().evaluate([this.node])
    return values
  }

  /** The elements as nested arrays; a number for rank 0. */
  async array(): Promise<NestedArray<Rank>> {
    return nest(await this.data(), this.shape) as NestedArray<Rank>
  }

  /** The one element. Throws ShapeError `not-one-element`. */
  async item(): Promise<number> {
    if (this.size !== 1)
      throw new ShapeError(
        'not-one-element',
        `item: a tensor of shape ${shapeText(this.shape)} has ${this.size} elements; item reads tensors of one (use data or array)`,
      )
    return (await this.data())[0]
  }

  /** The same numbers, computed now and known by themselves: derivatives and later steps do not see how they came about. */
  detach(): Tensor<Rank> {
    const [leaf] = evaluator().realize([this.node])
    return new Tensor(leaf)
  }

  /** Gives back at once the memory that holds computed numbers (`using t = …`); without it that happens when nothing refers to them. */
  [Symbol.dispose](): void {
    evaluator().release(this.node)
  }

  /** dtype and shape; then the numbers where they are at hand, else the formula. */
  toString(): string {
    return tensorText(this.node, 'Tensor')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  // Arithmetic

  add<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(arithmetic.add(this.node, operandOf(other)))
  }

  sub<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(arithmetic.sub(this.node, operandOf(other)))
  }

  mul<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(arithmetic.mul(this.node, operandOf(other)))
  }

  /** Division; in floats, even of integers. */
  div<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(arithmetic.div(this.node, operandOf(other)))
  }

  pow<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(arithmetic.pow(this.node, operandOf(other)))
  }

  /** The remainder, with the sign of the divisor. */
  mod<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(arithmetic.mod(this.node, operandOf(other)))
  }

  /** The larger of two, element by element. */
  maximum<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(arithmetic.maximum(this.node, operandOf(other)))
  }

  /** The smaller of two, element by element. */
  minimum<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(arithmetic.minimum(this.node, operandOf(other)))
  }

  /** The angle of the point (other, this). */
  atan2<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(arithmetic.atan2(this.node, operandOf(other)))
  }

  /** Held between two bounds; one that is left out does not bind. */
  clamp(low?: TensorOrNumber, high?: TensorOrNumber): Tensor {
    return wrap(
      arithmetic.clamp(
        this.node,
        low === undefined ? undefined : operandOf(low),
        high === undefined ? undefined : operandOf(high),
      ),
    )
  }

  neg(): Tensor<Rank> {
    return wrap(arithmetic.neg(this.node))
  }

  /** x times x. */
  square(): Tensor<Rank> {
    return wrap(arithmetic.square(this.node))
  }

  exp(): Tensor<Rank> {
    return wrap(arithmetic.exp(this.node))
  }

  /** The natural logarithm. */
  log(): Tensor<Rank> {
    return wrap(arithmetic.log(this.node))
  }

  /** log(1 + x), exact near 0. */
  log1p(): Tensor<Rank> {
    return wrap(arithmetic.log1p(this.node))
  }

  /** exp(x) - 1, exact near 0. */
  expm1(): Tensor<Rank> {
    return wrap(arithmetic.expm1(this.node))
  }

  sqrt(): Tensor<Rank> {
    return wrap(arithmetic.sqrt(this.node))
  }

  sin(): Tensor<Rank> {
    return wrap(arithmetic.sin(this.node))
  }

  cos(): Tensor<Rank> {
    return wrap(arithmetic.cos(this.node))
  }

  tan(): Tensor<Rank> {
    return wrap(arithmetic.tan(this.node))
  }

  tanh(): Tensor<Rank> {
    return wrap(arithmetic.tanh(this.node))
  }

  /** 1 / (1 + exp(-x)). */
  sigmoid(): Tensor<Rank> {
    return wrap(arithmetic.sigmoid(this.node))
  }

  /** The error function. */
  erf(): Tensor<Rank> {
    return wrap(arithmetic.erf(this.node))
  }

  /** max(x, 0). */
  relu(): Tensor<Rank> {
    return wrap(arithmetic.relu(this.node))
  }

  /** x times the normal distribution function at x. */
  gelu(): Tensor<Rank> {
    return wrap(arithmetic.gelu(this.node))
  }

  /** x * sigmoid(x). */
  silu(): Tensor<Rank> {
    return wrap(arithmetic.silu(this.node))
  }

  /** log(1 + exp(x)). */
  softplus(): Tensor<Rank> {
    return wrap(arithmetic.softplus(this.node))
  }

  abs(): Tensor<Rank> {
    return wrap(arithmetic.abs(this.node))
  }

  /** -1, 0 or 1. */
  sign(): Tensor<Rank> {
    return wrap(arithmetic.sign(this.node))
  }

  floor(): Tensor<Rank> {
    return wrap(arithmetic.floor(this.node))
  }

  ceil(): Tensor<Rank> {
    return wrap(arithmetic.ceil(this.node))
  }

  /** The nearest integer, halves to even. */
  round(): Tensor<Rank> {
    return wrap(arithmetic.round(this.node))
  }

  /** The same, taken as a constant by derivatives. */
  stopGradient(): Tensor<Rank> {
    return wrap(arithmetic.stopGradient(this.node))
  }

  // Comparison

  eq<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(comparison.eq(this.node, operandOf(other)))
  }

  ne<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(comparison.ne(this.node, operandOf(other)))
  }

  lt<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(comparison.lt(this.node, operandOf(other)))
  }

  le<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(comparison.le(this.node, operandOf(other)))
  }

  gt<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(comparison.gt(this.node, operandOf(other)))
  }

  ge<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(comparison.ge(this.node, operandOf(other)))
  }

  /** Both are not 0. */
  logicalAnd<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(comparison.logicalAnd(this.node, operandOf(other)))
  }

  /** One or both are not 0. */
  logicalOr<R extends number = 0>(other: Tensor<R> | number): Tensor<BroadcastRank<Rank, R>> {
    return wrap(comparison.logicalOr(this.node, operandOf(other)))
  }

  logicalNot(): Tensor<Rank> {
    return wrap(comparison.logicalNot(this.node))
  }

  isNaN(): Tensor<Rank> {
    return wrap(comparison.isNan(this.node))
  }

  isFinite(): Tensor<Rank> {
    return wrap(comparison.isFiniteValue(this.node))
  }

  // Reduction: over `axis` (all axes when left out), which stay with extent 1 when `keepDims`

  sum(axis?: Axes, keepDims = false): Tensor {
    return wrap(reduction.sum(this.node, { axis, keepDims }))
  }

  mean(axis?: Axes, keepDims = false): Tensor {
    return wrap(reduction.mean(this.node, { axis, keepDims }))
  }

  max(axis?: Axes, keepDims = false): Tensor {
    return wrap(reduction.max(this.node, { axis, keepDims }))
  }

  min(axis?: Axes, keepDims = false): Tensor {
    return wrap(reduction.min(this.node, { axis, keepDims }))
  }

  prod(axis?: Axes, keepDims = false): Tensor {
    return wrap(reduction.prod(this.node, { axis, keepDims }))
  }

  /** The position of the first largest element along `axis`, or in row-major order of all. */
  argmax(axis?: number, keepDims = false): Tensor {
    return wrap(reduction.argmax(this.node, { axis, keepDims }))
  }

  /** The position of the first smallest element along `axis`, or in row-major order of all. */
  argmin(axis?: number, keepDims = false): Tensor {
    return wrap(reduction.argmin(this.node, { axis, keepDims }))
  }

  /** Whether any element is not 0. */
  any(axis?: Axes, keepDims = false): Tensor {
    return wrap(reduction.any(this.node, { axis, keepDims }))
  }

  /** Whether no element is 0. */
  all(axis?: Axes, keepDims = false): Tensor {
    return wrap(reduction.all(this.node, { axis, keepDims }))
  }

  /** The mean squared distance from the mean; the divisor is n - `correction` (0 as in NumPy; PyTorch has 1). */
  variance(axis?: Axes, options: { keepDims?: boolean; correction?: number } = {}): Tensor {
    return wrap(reduction.variance(this.node, { axis, ...options }))
  }

  /** The square root of `variance`. */
  std(axis?: Axes, options: { keepDims?: boolean; correction?: number } = {}): Tensor {
    return wrap(reduction.std(this.node, { axis, ...options }))
  }

  /** (Σ |x|^ord)^(1/ord): Euclidean length with the default `ord` of 2. */
  norm(axis?: Axes, options: { keepDims?: boolean; ord?: number } = {}): Tensor {
    return wrap(reduction.norm(this.node, { axis, ...options }))
  }

  /** log(sum(exp(x))), without overflow. */
  logSumExp(axis?: Axes, keepDims = false): Tensor {
    return wrap(softmax.logSumExp(this.node, { axis, keepDims }))
  }

  /** exp(x) / sum(exp(x)) over the axes, without overflow. */
  softmax(axis: Axes = -1): Tensor<Rank> {
    return wrap(softmax.softmax(this.node, axis))
  }

  /** log(softmax(x)), exact where the softmax is near 0. */
  logSoftmax(axis: Axes = -1): Tensor<Rank> {
    return wrap(softmax.logSoftmax(this.node, axis))
  }

  /** Running sums along an axis. */
  cumsum(axis: number): Tensor<Rank> {
    return wrap(scan.cumsum(this.node, axis))
  }

  /** Running products along an axis. */
  cumprod(axis: number): Tensor<Rank> {
    return wrap(scan.cumprod(this.node, axis))
  }

  // Contraction

  /** The matrix product over the last two axes, the others broadcast; vectors are a row on the left, a column on the right. */
  matmul(other: Tensor): Tensor {
    return wrap(matmul(this.node, other.node))
  }

  // Views

  /** The same elements in row-major order; one extent may be -1, for what is left. */
  reshape<const S extends Shape>(shape: S): Tensor<S['length']> {
    return wrap(view.reshape(this.node, shape))
  }

  /** The axes first … last (all when left out) joined to one. */
  flatten(): Tensor<1>
  flatten(first: number, last?: number): Tensor
  flatten(first = 0, last = -1): Tensor {
    return wrap(view.flatten(this.node, first, last))
  }

  /** Two axes exchanged; the last two when left out. */
  transpose(first = -2, second = -1): Tensor<Rank> {
    return wrap(view.transpose(this.node, first, second))
  }

  /** The axes in reverse order. */
  get T(): Tensor<Rank> {
    const axes = this.shape.map((_, axis) => this.shape.length - 1 - axis)
    return wrap(view.permute(this.node, axes))
  }

  /** Axis d of the result is axis `axes[d]` of this. */
  permute(...axes: readonly number[]): Tensor<Rank> {
    return wrap(view.permute(this.node, axes))
  }

  /** Without the axes given, which must have extent 1; without all such axes when left out. */
  squeeze(axes?: Axes): Tensor {
    return wrap(view.squeeze(this.node, axes))
  }

  /** With axes of extent 1 added, at the places they have in the result. */
  unsqueeze(axes: Axes): Tensor {
    return wrap(view.unsqueeze(this.node, axes))
  }

  /** As if it had `shape`: extents of 1 grow, axes are added in front. */
  broadcastTo<const S extends Shape>(shape: S): Tensor<S['length']> {
    return wrap(view.broadcastTo(this.node, shape))
  }

  /** `broadcastTo` where -1 stands for the extent that is there. */
  expand<const S extends Shape>(shape: S): Tensor<S['length']> {
    return wrap(view.expand(this.node, shape))
  }

  /**
   * What to take of each leading axis: `[start, stop, step]` as start:stop:step in Python, null for what is left open; a
   * number for one element; null for the whole axis. `x.slice(null, [0, 10], [null, null, -1])` is x[:, 0:10, ::-1].
   */
  slice(...specs: readonly SliceSpec[]): Tensor {
    return wrap(view.slice(this.node, specs))
  }

  /** The element, or the slice, at positions of the leading axes: `x.at(2, -1)` is x[2, -1]. */
  at(...positions: readonly number[]): Tensor {
    return wrap(view.slice(this.node, positions))
  }

  /** Element `position` of one axis, which goes. */
  select(axis: number, position: number): Tensor {
    return wrap(view.select(this.node, axis, position))
  }

  /** With `value` around it: as many on all sides, or `[before, after]` (or one number for both) an axis. */
  pad(padding: Padding, value = 0): Tensor<Rank> {
    return wrap(view.pad(this.node, padding, value))
  }

  /** In reverse order along the axes; along all when left out. */
  flip(axes?: Axes): Tensor<Rank> {
    return wrap(view.flip(this.node, axes))
  }

  /** Moved on by `shift` places along an axis, the last to the front; in row-major order of all without one. */
  roll(shift: number, axis?: number): Tensor<Rank> {
    return wrap(view.roll(this.node, shift, axis))
  }

  /** Each element `times` times in a row along an axis; flattened without one. */
  repeat(times: number, axis?: number): Tensor {
    return wrap(view.repeat(this.node, times, axis))
  }

  /** The whole side by side, so many times along each axis (matched from the last). */
  tile(times: Axes): Tensor {
    return wrap(view.tile(this.node, times))
  }

  // Splitting, indexing, sorting

  /** Pieces along `axis`: of so many elements each, or of the sizes listed. */
  split(sizes: number | readonly number[], axis = 0): Tensor<Rank>[] {
    return join.split(this.node, sizes, axis).map(wrap<Rank>)
  }

  /** At most `count` pieces of equal size along `axis`, the last smaller when it does not divide. */
  chunk(count: number, axis = 0): Tensor<Rank>[] {
    return join.chunk(this.node, count, axis).map(wrap<Rank>)
  }

  /** For axis 1, the element of the result at i, j, k is this[i, index[i,j,k], k]. Positions outside go to the nearest. */
  gather(axis: number, index: Tensor): Tensor<Rank> {
    return wrap(indexing.gather(this.node, axis, index.node))
  }

  /** The slices at positions `indices` of an axis, whose place their axes take; elements of the flattened without one. */
  take(indices: Tensor, axis?: number): Tensor {
    return wrap(indexing.take(this.node, indices.node, axis))
  }

  /** A new last axis: 1 at the element's value, else 0. */
  oneHot(classes: number, dtype: Dtype = 'f32'): Tensor {
    return wrap(indexing.oneHot(this.node, classes, dtype))
  }

  /** In order along an axis (the last when left out). Equal elements keep their order; NaN counts as largest. */
  sort(options: SortOptions = {}): Tensor<Rank> {
    return wrap(sorting.sort(this.node, options))
  }

  /** The positions (i32) that `sort` takes the elements from. */
  argsort(options: SortOptions = {}): Tensor<Rank> {
    return wrap(sorting.argsort(this.node, options))
  }

  /** The `count` largest (or smallest) elements of the last axis in order, and their positions. */
  topk(count: number, options: { largest?: boolean } = {}): { values: Tensor<Rank>; indices: Tensor<Rank> } {
    const { values, indices } = sorting.topk(this.node, count, options.largest)
    return { values: wrap(values), indices: wrap(indices) }
  }

  // dtype

  /** In another dtype: floats are cut towards 0 for integers, and all but 0 is true. */
  cast(dtype: Dtype): Tensor<Rank> {
    return wrap(cast(this.node, dtype))
  }

  toF32(): Tensor<Rank> {
    return this.cast('f32')
  }

  toF64(): Tensor<Rank> {
    return this.cast('f64')
  }

  toI32(): Tensor<Rank> {
    return this.cast('i32')
  }

  toBool(): Tensor<Rank> {
    return this.cast('bool')
  }
}

export const wrap = <Rank extends number>(node: Node): Tensor<Rank> => new Tensor<Rank>(node)

export const operandOf = (operand: TensorOrNumber): Operand => (typeof operand === 'number' ? operand : operand.node)
