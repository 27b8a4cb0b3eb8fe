// The grid networks: dense in, a grid of units that see their neighbours, dense out; or planes of units the size of the image.
import { UsageError } from '../../src/cli/command.ts'
import { type Tensor, zeros } from '../../src/index.ts'
import {
  defineLayer,
  dropout,
  flatten,
  type Initializer,
  type Layer,
  layer,
  linear,
  neuralGrid,
  parameter,
  sequential,
  sin,
  tanh,
  xavierUniform,
} from '../../src/nn/index.ts'

/** With a width, each layer is a plane of units. */
export interface GridSize {
  readonly height: number
  readonly width?: number
  readonly layers: number
}

export const activations = ['sin', 'tanh'] as const
export type Activation = (typeof activations)[number]

/**
 * Which units p of the layer before a unit sees: its neighbours p-1, p and p+1; or `below`, p-2, p-1 and p, which is what the
 * draft's loop comes to (it reads an array that is shifted by one with indices that are not).
 */
export const readings = ['neighbours', 'below'] as const
export type Reading = (typeof readings)[number]

export interface NetworkOptions {
  readonly size: GridSize
  readonly activation: Activation
  /** Of the Xavier bound; as many as the units seen when left out. */
  readonly fanOut?: number
  readonly reads: Reading
  /** Whether each layer's weights have a further unit at both ends, which meets the zeros around the signal. */
  readonly padded: boolean
  /** Whether the units before and behind the grid have the activation too, as the draft's equations have it. */
  readonly denseActivation: boolean
  /** The share of pixels that is left out of a training step. */
  readonly dropout: number
}

/** The code behind the draft. */
export const codeOptions = {
  size: { height: 64, layers: 64 },
  activation: 'sin',
  reads: 'neighbours',
  padded: false,
  denseActivation: false,
  dropout: 0,
} as const satisfies NetworkOptions

/** A network, and its grid's layers. */
export interface GridNetwork {
  readonly net: Layer
  readonly before: Layer
  readonly grid: readonly Layer[]
  readonly behind: Layer
}

/** Images [b, 1, h, w] to [b, classes]. Throws UsageError for planes that are not of the images' size, or with options for rows only. */
export function gridNetwork(
  image: readonly [h: number, w: number],
  classes: number,
  options: NetworkOptions,
): GridNetwork {
  const { size, activation, denseActivation, dropout: share } = options
  const { height, width } = size
  const outer = denseActivation ? [activation === 'sin' ? sin() : tanh()] : []
  const dropped = share > 0 ? [dropout(share)] : []
  const grid = Array.from({ length: size.layers }, () => gridLayer(options))
  if (width === undefined) {
    const before = sequential(flatten(), ...dropped, linear(image[0] * image[1], height), ...outer)
    const behind = sequential(linear(height, classes), ...outer)
    return { net: sequential(before, ...grid, behind), before, grid, behind }
  }
  if (height !== image[0] || width !== image[1])
    throw new UsageError(`--grid ${sizeText(size)}: planes must be of the images' size, ${image.join('x')}`)
  const plane = defineLayer({ name: 'plane', forward: (x: Tensor) => x.reshape([x.shape[0], height, width]) })
  const before = sequential(plane, ...dropped)
  const behind = sequential(flatten(), linear(height * width, classes), ...outer)
  return { net: sequential(before, ...grid, behind), before, grid, behind }
}

function gridLayer({ size: { height, width }, activation, fanOut, reads, padded }: NetworkOptions): Layer {
  if (width !== undefined) {
    if (padded || reads !== 'neighbours') throw new UsageError('--padded and --reads below are for grids of rows')
    return neuralGrid([height, width], { activation, weightInit: xavierUniform({ fanIn: 9, fanOut: fanOut ?? 9 }) })
  }
  const weightInit = xavierUniform({ fanIn: 3, fanOut: fanOut ?? 3 })
  if (!padded && reads === 'neighbours') return neuralGrid(height, { activation, weightInit })
  const w = parameter([padded ? height + 2 : height], padded ? withZeroEnds(weightInit) : weightInit, { name: 'w' })
  const c = parameter([height], zeros, { name: 'c' })
  const [first, last] = reads === 'below' ? [-2, 0] : [-1, 1]
  const at = padded ? 'p+q+1' : 'p+q'
  return layer(`z[b,p] = ${activation}(c[p] + sum(${first}<=q<=${last}) w?[${at}] * x?[b,p+q])`, { w, c })
}

const withZeroEnds = (inner: Initializer): Initializer => ({
  fill(values, uniformAt, fans) {
    inner.fill(values.subarray(1, -1), uniformAt, fans)
    values[0] = 0
    values[values.length - 1] = 0
  },
})

export const parameterCount = (net: Layer): number =>
  net.parameters().reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0)

/** `64x64`, `28x28x16`. */
export const sizeText = ({ height, width, layers }: GridSize): string =>
  [height, width, layers].filter((extent) => extent !== undefined).join('x')

/** Throws UsageError for what is no size. */
export function parseSize(text: string): GridSize {
  const numbers = text.split('x').map(Number)
  const isSize = numbers.every((value) => Number.isSafeInteger(value) && value > 0)
  if (isSize && numbers.length === 2) return { height: numbers[0], layers: numbers[1] }
  if (isSize && numbers.length === 3) return { height: numbers[0], width: numbers[1], layers: numbers[2] }
  throw new UsageError(
    `--grid ${text}: a size is height x layers, as in 64x64, or height x width x layers, as in 28x28x16`,
  )
}
