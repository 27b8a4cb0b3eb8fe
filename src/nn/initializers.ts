// How the numbers of a parameter begin. Bounds and deviations are PyTorch's (torch.nn.init).
import type { TypedArray } from '../dtype.ts'
import { EinfoldError } from '../errors.ts'

/** How many terms are summed to one output through a weight, and how many outputs one input feeds through it. */
export interface Fans {
  readonly fanIn: number
  readonly fanOut: number
}

/** What an initializer draws from: the numbers of one stream, each a function of its index (and of a step). */
export type UniformAt = (index: number, step?: number) => number

/** Writes the first numbers of a parameter. */
export interface Initializer {
  /** `fans()` throws when nobody knows them. */
  fill(values: TypedArray, uniformAt: UniformAt, fans: () => Fans): void
}

/** The same value everywhere. */
export const constant = (value: number): Initializer => ({ fill: (values) => values.fill(value) })

/** Uniform in [low, high), [0, 1) when left out. */
export const uniform = (low = 0, high = 1): Initializer => ({
  fill: (values, uniformAt) => fillUniform(values, uniformAt, low, high),
})

function fillUniform(values: TypedArray, uniformAt: UniformAt, low: number, high: number): void {
  for (let i = 0; i < values.length; i++) values[i] = low + (high - low) * uniformAt(i)
}

/** Normal, with mean 0 and standard deviation 1 when left out. */
export const normal = (mean = 0, std = 1): Initializer => ({
  fill: (values, uniformAt) => fillNormal(values, uniformAt, mean, std),
})

function fillNormal(values: TypedArray, uniformAt: UniformAt, mean: number, std: number): void {
  for (let i = 0; i < values.length; i++) values[i] = mean + std * normalAt(uniformAt, i, 0)
}

/** Box and Muller, 1958; of each pair, one is used. */
function normalAt(uniformAt: UniformAt, index: number, step: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniformAt(2 * index, step)))
  return radius * Math.cos(2 * Math.PI * uniformAt(2 * index + 1, step))
}

/**
 * Normal, of which only what lies in [low, high] is kept (mean 0, std 1, low -2, high 2). Drawn by rejection.
 * Throws EinfoldError `bad-bounds` when the interval is empty, or holds less than about a thousandth of the distribution.
 */
export function truncatedNormal(mean = 0, std = 1, low = -2, high = 2): Initializer {
  const isRare = (low - mean) / std > 3 || (high - mean) / std < -3 || (high - low) / std < 0.003
  if (!(std > 0 && low < high) || isRare)
    throw new EinfoldError(
      'bad-bounds',
      `truncatedNormal: mean ${mean}, std ${std}, low ${low}, high ${high}; std must be more than 0, low less than high, and ` +
        'the interval must begin or end within 3 std of the mean and not be narrower than 0.003 std',
    )
  return {
    fill: (values, uniformAt) => {
      for (let i = 0; i < values.length; i++) {
        let value = Number.NaN
        for (let step = 0; !(value >= low && value <= high); step++) value = mean + std * normalAt(uniformAt, i, step)
        values[i] = value
      }
    },
  }
}

interface XavierOptions extends Partial<Fans> {
  /** Of the nonlinearity that follows, see `gainOf`. 1 when left out. */
  readonly gain?: number
}

/** Uniform in ±gain·√(6 / (fanIn + fanOut)). Source: Glorot and Bengio, 2010. */
export const xavierUniform = (options: XavierOptions = {}): Initializer => ({
  fill: (values, uniformAt, fans) => {
    const bound = Math.sqrt(3) * xavierStd(options, fans)
    fillUniform(values, uniformAt, -bound, bound)
  },
})

/** Normal with standard deviation gain·√(2 / (fanIn + fanOut)). Source: Glorot and Bengio, 2010. */
export const xavierNormal = (options: XavierOptions = {}): Initializer => ({
  fill: (values, uniformAt, fans) => fillNormal(values, uniformAt, 0, xavierStd(options, fans)),
})

function xavierStd({ gain = 1, fanIn, fanOut }: XavierOptions, fans: () => Fans): number {
  return gain * Math.sqrt(2 / ((fanIn ?? fans().fanIn) + (fanOut ?? fans().fanOut)))
}

export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu'

interface KaimingOptions extends Partial<Fans> {
  /** The slope of a leaky ReLU for negative numbers. 0 when left out. */
  readonly a?: number
  /** Which of the two keeps its variance: the signal (`fanIn`, the default) or the gradient (`fanOut`). */
  readonly mode?: 'fanIn' | 'fanOut'
  /** What follows the layer. `leakyRelu` when left out, which with a = 0 is `relu`. */
  readonly nonlinearity?: Nonlinearity
}

/** Uniform in ±gain·√(3 / fan). Source: He, Zhang, Ren and Sun, 2015. */
export const kaimingUniform = (options: KaimingOptions = {}): Initializer => ({
  fill: (values, uniformAt, fans) => {
    const bound = Math.sqrt(3) * kaimingStd(options, fans)
    fillUniform(values, uniformAt, -bound, bound)
  },
})

/** Normal with standard deviation gain / √fan. Source: He, Zhang, Ren and Sun, 2015. */
export const kaimingNormal = (options: KaimingOptions = {}): Initializer => ({
  fill: (values, uniformAt, fans) => fillNormal(values, uniformAt, 0, kaimingStd(options, fans)),
})

function kaimingStd(options: KaimingOptions, fans: () => Fans): number {
  const { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' } = options
  return gainOf(nonlinearity, a) / Math.sqrt(options[mode] ?? fans()[mode])
}

/** What a nonlinearity takes from the signal's deviation, as PyTorch's `calculate_gain`. `a` is a leaky ReLU's slope. */
export function gainOf(nonlinearity: Nonlinearity, a = 0.01): number {
  switch (nonlinearity) {
    case 'tanh':
      return 5 / 3
    case 'relu':
      return Math.SQRT2
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + a * a))
    case 'selu':
      return 3 / 4
    default:
      return 1
  }
}

/** PyTorch's default for weights and biases of its layers: uniform in ±1/√fanIn. */
export const layerDefault: Initializer = kaimingUniform({ a: Math.sqrt(5) })
