// Random tensors. Element i of a drawing is a function of seed, stream, step and i (see threefry.ts): no state is advanced
// when it is computed, so it is the same on every device, in every order, and again in a backward pass.
import type { Dtype } from '../dtype.ts'
import { EinfoldError, ShapeError } from '../errors.ts'
import type { Expr } from '../expression/tree.ts'
import { binary, call, number, read } from '../expression/tree.ts'
import { comprehension } from '../graph/build.ts'
import type { Node, Shape } from '../graph/node.ts'
import { add, clamp, mul } from '../graph/operations/arithmetic.ts'
import { checkCount, checkShape, indicesOf, rangesOf, shapeText } from '../graph/operations/axes.ts'
import { cast } from '../graph/operations/cast.ts'
import { argsort } from '../graph/operations/sorting.ts'
import type { Tensor } from '../graph/tensor.ts'
import { wrap } from '../graph/tensor.ts'
import type { Generator } from './generator.ts'
import { defaultGenerator, wholeSeed } from './generator.ts'
import { inverseErf } from './inverseErf.ts'

/** Where the numbers of a drawing come from. */
export interface Source {
  /** Gives the seed and the stream that are not named. The one `manualSeed` starts, when left out. */
  readonly generator?: Generator
  readonly seed?: number
  /** Drawings of one seed with different streams are independent. With a seed and no stream, stream 0. */
  readonly stream?: number
  /** A count, or a rank-0 i32 tensor: a compiled step that advances it draws anew each time. 0 when left out. */
  readonly step?: number | Tensor
}

interface Drawing extends Source {
  /** f32 when left out. The numbers are those of f32, with 24 random bits, in either dtype. */
  readonly dtype?: 'f32' | 'f64'
}

/** Uniform in [low, high), [0, 1) when left out. */
export function uniform<const S extends Shape>(
  shape: S,
  options: Drawing & { low?: number; high?: number } = {},
): Tensor<S['length']> {
  const { low = 0, high = 1 } = options
  return drawn('uniform', shape, options, 1, (unit) => between(unit, low, high))
}

const between = (unit: Expr, low: number, high: number): Expr =>
  binary('+', number(low), binary('*', number(high - low), unit))

/** Normal, with the mean and standard deviation given (0 and 1). Source: Box and Muller, 1958; of each pair, one is used. */
export function normal<const S extends Shape>(
  shape: S,
  options: Drawing & { mean?: number; std?: number } = {},
): Tensor<S['length']> {
  const { mean = 0, std = 1 } = options
  return drawn('normal', shape, options, 2, (first, second) => {
    const radius = call('sqrt', binary('*', number(-2), call('log', binary('-', number(1), first))))
    const angle = binary('*', number(2 * Math.PI), second)
    return binary('+', number(mean), binary('*', number(std), binary('*', radius, call('cos', angle))))
  })
}

/**
 * Normal, of which only what lies in [low, high] is kept (mean 0, std 1, low -2, high 2, as PyTorch's trunc_normal_).
 * Drawn by inversion: a uniform number between the distribution's values at the bounds, through its inverse.
 * Throws EinfoldError `bad-bounds`.
 */
export function truncatedNormal<const S extends Shape>(
  shape: S,
  options: Drawing & { mean?: number; std?: number; low?: number; high?: number } = {},
): Tensor<S['length']> {
  const { mean = 0, std = 1, low = -2, high = 2 } = options
  if (!(low < high && std > 0))
    throw new EinfoldError(
      'bad-bounds',
      `truncatedNormal: low ${low}, high ${high}, std ${std}; low must be less than high, and std more than 0`,
    )
  const scale = std * Math.SQRT2
  const atLow = call('erf', number((low - mean) / scale))
  const atHigh = call('erf', number((high - mean) / scale))
  const level = drawn('truncatedNormal', shape, { ...options, dtype: 'f32' }, 1, (unit) =>
    binary('+', atLow, binary('*', binary('-', atHigh, atLow), unit)),
  )
  const value = add(mul(inverseErf(level.node), scale), mean)
  return wrap(cast(clamp(value, low, high), options.dtype ?? 'f32'))
}

/** True with probability `p`: a number, or a tensor whose elements are the probabilities (then `shape` is its shape). */
export function bernoulli<const S extends Shape>(
  shape: S,
  options: Source & { p?: number | Tensor; dtype?: Dtype } = {},
): Tensor<S['length']> {
  const { p = 0.5, dtype = 'bool' } = options
  if (typeof p === 'number')
    return drawn('bernoulli', shape, { ...options, dtype }, 1, (unit) => binary('<', unit, number(p)))
  if (shapeText(p.shape) !== shapeText(shape))
    throw new ShapeError(
      'shape-mismatch',
      `bernoulli: probabilities of shape ${shapeText(p.shape)} for a drawing of shape ${shapeText(shape)}; they must be equal`,
    )
  const body = (unit: Expr) => binary('<', unit, read('p', indicesOf(shape)))
  return drawn('bernoulli', shape, { ...options, dtype }, 1, body, { p: p.node })
}

/** Whole numbers in [low, high), i32; the range holds at most 2^24. Throws EinfoldError `bad-bounds`. */
export function randint<const S extends Shape>(
  low: number,
  high: number,
  shape: S,
  options: Source = {},
): Tensor<S['length']> {
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || low >= high || high - low > 2 ** 24)
    throw new EinfoldError(
      'bad-bounds',
      `randint: from ${low} to ${high}; both must be whole numbers, low less than high, by at most 2^24`,
    )
  const offsets = drawn('randint', shape, { ...options, dtype: 'i32' }, 1, (unit) =>
    call('floor', binary('*', number(high - low), unit)),
  )
  return low === 0 ? offsets : wrap(add(offsets.node, low))
}

/** 0 … n - 1 in random order, i32. */
export function permutation(n: number, options: Source = {}): Tensor<1> {
  checkCount('permutation', 'the number of elements', n, 0)
  return wrap(argsort(uniform([n], options).node))
}

/** A tensor whose element i is `body` of `count` uniform numbers: those at count * i, count * i + 1, … */
function drawn<const S extends Shape>(
  operation: string,
  shape: S,
  options: Source & { dtype?: Dtype },
  count: number,
  body: (...units: Expr[]) => Expr,
  operands: Readonly<Record<string, Node>> = {},
): Tensor<S['length']> {
  checkShape(operation, shape)
  const { seed, stream } = streamOf(options)
  const step = stepOf(operation, options.step ?? 0)
  const element = offsetOf(shape)
  const units = Array.from({ length: count }, (_, which) => {
    const position = binary('+', binary('*', number(count), element), number(which))
    return call('uniform', number(seed), number(stream), step.expr, position)
  })
  return wrap(
    comprehension({
      axes: rangesOf(shape),
      body: body(...units),
      operands: { ...operands, ...step.operands },
      dtype: options.dtype ?? 'f32',
    }),
  )
}

function streamOf(options: Source): { seed: number; stream: number } {
  const { seed, stream } = options
  if (seed !== undefined && options.generator === undefined) return { seed: wholeSeed(seed), stream: stream ?? 0 }
  const from = options.generator ?? defaultGenerator()
  return { seed: seed === undefined ? from.seed : wholeSeed(seed), stream: stream ?? from.nextStream() }
}

function stepOf(operation: string, step: number | Tensor): { expr: Expr; operands: Readonly<Record<string, Node>> } {
  if (typeof step === 'number') {
    checkCount(operation, 'the step', step, 0)
    return { expr: number(step), operands: {} }
  }
  if (step.shape.length > 0 || step.dtype !== 'i32')
    throw new ShapeError(
      'bad-step',
      `${operation}: the step is a tensor ${step.dtype} ${shapeText(step.shape)}; it must be i32 of rank 0`,
    )
  return { expr: read('step', []), operands: { step: step.node } }
}

/** The row-major number of the element at the indices of `shape`. */
function offsetOf(shape: Shape): Expr {
  return indicesOf(shape).reduce<Expr>(
    (offset, index, axis) => (axis === 0 ? index : binary('+', binary('*', offset, number(shape[axis])), index)),
    number(0),
  )
}
