import { sizeOf } from '../graph/node.ts'
import type { Tensor } from '../graph/tensor.ts'
import { apply } from './apply.ts'
import { badOption, checkExtent, checkRank, checkWhole } from './checks.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import type { WeightOptions } from './linear.ts'
import { biasOf } from './linear.ts'
import { parameter, tellFans } from './parameter.ts'
import type { Channels, Layout, Padding, PerAxis, Window } from './spatial.ts'
import {
  axesOf,
  channelAxis,
  checkLayout,
  extentOperands,
  extentsOver,
  firstSpatialAxis,
  isPadded,
  perAxis,
  placed,
  positions,
  resultAxes,
  scaled,
  windowIndices,
  windowsOf,
} from './spatial.ts'

export interface ConvolutionOptions extends WeightOptions {
  readonly stride?: PerAxis
  /** 0 when left out. */
  readonly padding?: Padding
  /** The distance between the elements of a window. */
  readonly dilation?: PerAxis
  /** The channels are cut into so many groups, each with filters of its own. */
  readonly groups?: number
  readonly layout?: Layout
}

/** As `conv2d`, over [batch, channels, length]. */
export const conv1d = (inChannels: number, outChannels: number, kernel: PerAxis, options?: ConvolutionOptions): Layer =>
  convolution(1, inChannels, outChannels, kernel, options)

/**
 * A convolution (as everywhere in the field, the kernel is not flipped): [n, inChannels, h, w] to
 * [n, outChannels, (h + 2·padding - dilation·(kernel - 1) - 1) / stride + 1, …], rounded down.
 * `weight` has shape [outChannels, inChannels / groups, kernel, kernel], `bias` [outChannels]; with layout 'NHWC', x has its
 * channels last and `weight` has shape [outChannels, kernel, kernel, inChannels / groups].
 * Throws EinfoldError `bad-option`; called, ShapeError.
 */
export const conv2d = (inChannels: number, outChannels: number, kernel: PerAxis, options?: ConvolutionOptions): Layer =>
  convolution(2, inChannels, outChannels, kernel, options)

/** As `conv2d`, over [batch, channels, depth, height, width]. */
export const conv3d = (inChannels: number, outChannels: number, kernel: PerAxis, options?: ConvolutionOptions): Layer =>
  convolution(3, inChannels, outChannels, kernel, options)

function convolution(
  rank: number,
  inChannels: number,
  outChannels: number,
  kernel: PerAxis,
  options: ConvolutionOptions = {},
): Layer {
  const { groups = 1, layout = 'NCHW', dtype } = options
  const sizes = perAxis(`conv${rank}d`, 'the kernel', kernel, rank, 1)
  const name = `conv${rank}d(${inChannels} → ${outChannels}, ${sizes.join('×')}${optionText(options)})`
  checkChannels(name, inChannels, outChannels, groups)
  checkLayout(name, layout)
  const windows = windowsOf(name, sizes, options)
  const padded = isPadded(windows)
  const perGroup = inChannels / groups
  const fans = { fanIn: perGroup * sizeOf(sizes), fanOut: (outChannels / groups) * sizeOf(sizes) }
  const weightShape = layout === 'NCHW' ? [outChannels, perGroup, ...sizes] : [outChannels, ...sizes, perGroup]
  const weight = parameter(weightShape, options.weightInit, { name: 'weight', dtype })
  const bias = biasOf([outChannels], fans, options)
  tellFans(weight, fans)
  const formula = convolutionText(windows, { inChannels, outChannels, groups, layout, biased: bias !== undefined })
  return defineLayer({
    name,
    formula,
    parameters: { weight, bias },
    forward: (x: Tensor) => {
      checkRank(name, x, axesOf(layout, rank))
      checkExtent(name, x, channelAxis(layout), inChannels, 'channels')
      const extents = extentsOver(name, x, firstSpatialAxis(layout), windows)
      return apply(formula, { x, weight, bias, ...(padded ? extentOperands(extents) : {}) })
    },
  })
}

/** `z[n,k,i,j] = bias[k] + sum(c,u,v) x[n,c,i+u,j+v] * weight[k,c,u,v]`, as the options have it. */
function convolutionText(
  windows: readonly Window[],
  { inChannels, outChannels, groups, layout, biased }: Channels,
): string {
  const rank = windows.length
  const padded = isPadded(windows)
  const window = windowIndices.slice(0, rank)
  const channel = groups === 1 ? 'c' : `c+${groupStart('k', outChannels / groups, inChannels / groups)}`
  const z = placed(layout, 'n', 'k', resultAxes(rank, padded))
  const x = placed(layout, 'n', channel, positions(windows))
  const over = layout === 'NCHW' ? ['c', ...window] : [...window, 'c']
  const sum = `sum(${over.join(',')}) x${padded ? '?' : ''}${x} * weight${placed(layout, 'k', 'c', window)}`
  return `z${z} = ${biased ? 'bias[k] + ' : ''}${sum}`
}

/** The first input channel of the group that channel `index` belongs to. */
export function groupStart(index: string, outPerGroup: number, inPerGroup: number): string {
  if (outPerGroup === 1) return scaled(inPerGroup, index)
  return inPerGroup === 1 ? `${index}/${outPerGroup}` : `${inPerGroup}*(${index}/${outPerGroup})`
}

export function checkChannels(layer: string, inChannels: number, outChannels: number, groups: number): void {
  checkWhole(layer, 'inChannels', inChannels, 1)
  checkWhole(layer, 'outChannels', outChannels, 1)
  checkWhole(layer, 'groups', groups, 1)
  if (inChannels % groups === 0 && outChannels % groups === 0) return
  throw badOption(layer, `${groups} groups do not divide ${inChannels} and ${outChannels} channels`)
}

/** The options that differ from their defaults, as a name shows them. */
export function optionText({ stride = 1, padding = 0, dilation = 1, groups = 1 }: ConvolutionOptions): string {
  const shown = (what: string, value: PerAxis | string, usual: number): string =>
    value === usual ? '' : `, ${what} ${typeof value === 'object' ? value.join('×') : value}`
  return [
    shown('stride', stride, 1),
    shown('padding', padding, 0),
    shown('dilation', dilation, 1),
    shown('groups', groups, 1),
  ].join('')
}
