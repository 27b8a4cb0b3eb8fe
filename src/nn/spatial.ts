// Windows that slide over one to three axes: their options, how far they reach, and the indices they are written with.
import { ShapeError } from '../errors.ts'
import { shapeText } from '../graph/operations/axes.ts'
import type { Tensor } from '../graph/tensor.ts'
import { badOption, checkWhole } from './checks.ts'

/** The same for every axis, or one an axis. */
export type PerAxis = number | readonly number[]

/** `same`: as much as keeps the size, the odd one behind; `valid`: none; else how much on either side. */
export type Padding = PerAxis | 'same' | 'valid'

/** Where the channels stand: before the spatial axes ([batch, channels, …], the default), or last ([batch, …, channels]). */
export type Layout = 'NCHW' | 'NHWC'

/** What a convolution, transposed or not, has besides its windows. */
export interface Channels {
  readonly inChannels: number
  readonly outChannels: number
  readonly groups: number
  readonly layout: Layout
  readonly biased: boolean
}

/** A window along one axis. */
export interface Window {
  readonly size: number
  readonly stride: number
  readonly dilation: number
  /** Elements of nothing before and after the axis. */
  readonly before: number
  readonly after: number
}

/** Indices of results and windows, and names of the results' extents. */
export const resultIndices = ['i', 'j', 'l']
export const windowIndices = ['u', 'v', 'w']
export const resultExtents = ['I', 'J', 'L']
const spatialNames = [['length'], ['height', 'width'], ['depth', 'height', 'width']]

export const spatialAxes = (rank: number): readonly string[] => spatialNames[rank - 1]

/** Throws EinfoldError `bad-option` unless there are `rank` whole numbers, `least` or more. */
export function perAxis(layer: string, what: string, value: PerAxis, rank: number, least: number): readonly number[] {
  const values = typeof value === 'number' ? Array<number>(rank).fill(value) : value
  if (values.length !== rank)
    throw badOption(layer, `${what} is [${values.join(',')}]; give one number, or one for each of the ${rank} axes`)
  for (const own of values) checkWhole(layer, what, own, least)
  return values
}

export interface WindowOptions {
  readonly stride?: PerAxis
  readonly padding?: Padding
  readonly dilation?: PerAxis
}

/** Throws EinfoldError `bad-option`. */
export function windowsOf(layer: string, kernel: readonly number[], options: WindowOptions): readonly Window[] {
  const rank = kernel.length
  const strides = perAxis(layer, 'stride', options.stride ?? 1, rank, 1)
  const dilations = perAxis(layer, 'dilation', options.dilation ?? 1, rank, 1)
  const { padding = 0 } = options
  if (typeof padding === 'string' && padding !== 'same' && padding !== 'valid')
    throw badOption(layer, `padding is '${padding}'; it must be 'same', 'valid', a number, or one number an axis`)
  if (padding === 'same' && strides.some((stride) => stride !== 1))
    throw badOption(layer, "padding 'same' keeps the size only with stride 1; state the padding as a number")
  const sides = typeof padding === 'string' ? null : perAxis(layer, 'padding', padding, rank, 0)
  return kernel.map((size, axis) => {
    const total = padding === 'same' ? dilations[axis] * (size - 1) : 0
    const before = sides ? sides[axis] : Math.floor(total / 2)
    const after = sides ? sides[axis] : total - before
    return { size, stride: strides[axis], dilation: dilations[axis], before, after }
  })
}

/** The results' extents of windows over x, whose spatial axes begin at `first`. Throws ShapeError `window-too-large`. */
export function extentsOver(layer: string, x: Tensor, first: number, windows: readonly Window[]): readonly number[] {
  return windows.map((window, at) => {
    const axis = first + at
    const span = window.dilation * (window.size - 1) + 1
    const room = x.shape[axis] + window.before + window.after
    if (span > room)
      throw new ShapeError(
        'window-too-large',
        `${layer}: the input has shape ${shapeText(x.shape)}; on axis ${axis} the window spans ${span} and there are ${room}` +
          (window.before + window.after > 0 ? `, of which ${window.before + window.after} are padding` : ''),
      )
    return Math.floor((room - span) / window.stride) + 1
  })
}

export const isPadded = (windows: readonly Window[]): boolean => windows.some(({ before, after }) => before + after > 0)

/** The input's spatial indices, such as `2*i+u-1`. */
export const positions = (windows: readonly Window[]): readonly string[] =>
  windows.map(({ stride, dilation, before }, axis) => {
    const start = scaled(stride, resultIndices[axis])
    const offset = scaled(dilation, windowIndices[axis])
    return `${start}+${offset}${before > 0 ? `-${before}` : ''}`
  })

export const scaled = (factor: number, index: string): string => (factor === 1 ? index : `${factor}*${index}`)

/** `[n,c,i,j]`, or with the channels last. */
export const placed = (layout: Layout, batch: string, channel: string, spatial: readonly string[]): string =>
  `[${(layout === 'NCHW' ? [batch, channel, ...spatial] : [batch, ...spatial, channel]).join(',')}]`

export const firstSpatialAxis = (layout: Layout): number => (layout === 'NCHW' ? 2 : 1)
export const channelAxis = (layout: Layout): number => (layout === 'NCHW' ? 1 : -1)

/** What the axes of an input hold, for messages. */
export const axesOf = (layout: Layout, rank: number): readonly string[] =>
  layout === 'NCHW' ? ['batch', 'channels', ...spatialAxes(rank)] : ['batch', ...spatialAxes(rank), 'channels']

/** Throws EinfoldError `bad-option`. */
export function checkLayout(layer: string, layout: Layout): void {
  if (layout !== 'NCHW' && layout !== 'NHWC')
    throw badOption(layer, `layout is '${layout}'; it must be 'NCHW' or 'NHWC'`)
}

/** `I`, `J`, … with the extents. */
export const extentOperands = (extents: readonly number[]): Readonly<Record<string, number>> =>
  Object.fromEntries(extents.map((extent, axis) => [resultExtents[axis], extent]))

/** The results' indices, with `<I`, … behind them where the extents cannot be inferred. */
export const resultAxes = (rank: number, bounded: boolean): readonly string[] =>
  resultIndices.slice(0, rank).map((index, axis) => (bounded ? `${index}<${resultExtents[axis]}` : index))
