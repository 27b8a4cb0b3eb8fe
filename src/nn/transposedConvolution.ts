import { ShapeError } from '../errors.ts'
import { sizeOf } from '../graph/node.ts'
import { shapeText } from '../graph/operations/axes.ts'
import type { Tensor } from '../graph/tensor.ts'
import { apply } from './apply.ts'
import { badOption, checkExtent, checkRank } from './checks.ts'
import type { ConvolutionOptions } from './convolution.ts'
import { checkChannels, groupStart, optionText } from './convolution.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import { biasOf } from './linear.ts'
import { parameter, tellFans } from './parameter.ts'
import type { Channels, PerAxis, Window } from './spatial.ts'
import {
  axesOf,
  channelAxis,
  checkLayout,
  extentOperands,
  firstSpatialAxis,
  perAxis,
  placed,
  resultAxes,
  resultIndices,
  scaled,
  windowIndices,
  windowsOf,
} from './spatial.ts'

export interface TransposedConvolutionOptions extends Omit<ConvolutionOptions, 'padding'> {
  /** What the convolution whose adjoint this is would be padded with: so much less comes out on either side. */
  readonly padding?: PerAxis
  /** Elements added behind, to choose between the sizes that the convolution would make one of. Less than the stride or the dilation. */
  readonly outputPadding?: PerAxis
}

/** As `convTranspose2d`, over [batch, channels, length]. */
export const convTranspose1d = (
  inChannels: number,
  outChannels: number,
  kernel: PerAxis,
  options?: TransposedConvolutionOptions,
): Layer => transposedConvolution(1, inChannels, outChannels, kernel, options)

/**
 * The adjoint of a convolution: [n, inChannels, h, w] to
 * [n, outChannels, (h - 1)·stride - 2·padding + dilation·(kernel - 1) + outputPadding + 1, …].
 * `weight` has shape [inChannels, outChannels / groups, kernel, kernel], `bias` [outChannels]; with layout 'NHWC', x has its
 * channels last and `weight` has shape [inChannels, kernel, kernel, outChannels / groups].
 * Throws EinfoldError `bad-option`; called, ShapeError.
 */
export const convTranspose2d = (
  inChannels: number,
  outChannels: number,
  kernel: PerAxis,
  options?: TransposedConvolutionOptions,
): Layer => transposedConvolution(2, inChannels, outChannels, kernel, options)

/** As `convTranspose2d`, over [batch, channels, depth, height, width]. */
export const convTranspose3d = (
  inChannels: number,
  outChannels: number,
  kernel: PerAxis,
  options?: TransposedConvolutionOptions,
): Layer => transposedConvolution(3, inChannels, outChannels, kernel, options)

function transposedConvolution(
  rank: number,
  inChannels: number,
  outChannels: number,
  kernel: PerAxis,
  options: TransposedConvolutionOptions = {},
): Layer {
  const { groups = 1, layout = 'NCHW', dtype } = options
  const sizes = perAxis(`convTranspose${rank}d`, 'the kernel', kernel, rank, 1)
  const name = `convTranspose${rank}d(${inChannels} → ${outChannels}, ${sizes.join('×')}${optionText(options)})`
  checkChannels(name, inChannels, outChannels, groups)
  checkLayout(name, layout)
  if (typeof options.padding === 'string') throw badOption(name, 'padding must be a number, or one number an axis')
  const windows = windowsOf(name, sizes, options)
  const behind = perAxis(name, 'outputPadding', options.outputPadding ?? 0, rank, 0)
  checkOutputPadding(name, behind, windows)
  const perGroup = outChannels / groups
  const fans = { fanIn: (inChannels / groups) * sizeOf(sizes), fanOut: perGroup * sizeOf(sizes) }
  const weightShape = layout === 'NCHW' ? [inChannels, perGroup, ...sizes] : [inChannels, ...sizes, perGroup]
  const weight = parameter(weightShape, options.weightInit, { name: 'weight', dtype })
  // PyTorch's default reads both fans off the weight's shape, where the first two axes are the other way round.
  const defaults = { fanIn: fans.fanOut, fanOut: fans.fanIn }
  const bias = biasOf([outChannels], options.biasInit ? fans : defaults, options)
  tellFans(weight, options.weightInit ? fans : defaults)
  const formula = transposedText(windows, { inChannels, outChannels, groups, layout, biased: bias !== undefined })
  return defineLayer({
    name,
    formula,
    parameters: { weight, bias },
    forward: (x: Tensor) => {
      checkRank(name, x, axesOf(layout, rank))
      checkExtent(name, x, channelAxis(layout), inChannels, 'channels')
      const extents = resultExtents(name, x, firstSpatialAxis(layout), windows, behind)
      return apply(formula, { x, weight, bias, ...extentOperands(extents) })
    },
  })
}

function checkOutputPadding(layer: string, behind: readonly number[], windows: readonly Window[]): void {
  windows.forEach(({ stride, dilation }, axis) => {
    if (behind[axis] < Math.max(stride, dilation)) return
    throw badOption(
      layer,
      `outputPadding is ${behind[axis]}; it must be less than the stride or the dilation (${stride} and ${dilation})`,
    )
  })
}

function resultExtents(
  layer: string,
  x: Tensor,
  first: number,
  windows: readonly Window[],
  behind: readonly number[],
): readonly number[] {
  return windows.map(({ size, stride, dilation, before }, at) => {
    const extent = (x.shape[first + at] - 1) * stride - 2 * before + dilation * (size - 1) + behind[at] + 1
    if (extent >= 1) return extent
    throw new ShapeError(
      'window-too-large',
      `${layer}: the input has shape ${shapeText(x.shape)}, of which axis ${first + at} would become ${extent} long; ` +
        'give a larger input, or less padding',
    )
  })
}

/**
 * In gather form: which elements of x and of the kernel meet at place i of the result. For stride s, padding p, dilation 1
 * these are, for every step u through the kernel, x at (i+p)/s - u and the kernel at (i+p) % s + s·u:
 *
 *     z[n,k,i] = bias[k] + sum(c,u) x?[n,c,(i+p)/s-u] * weight?[c,k,(i+p)%s+s*u]
 */
function transposedText(
  windows: readonly Window[],
  { inChannels, outChannels, groups, layout, biased }: Channels,
): string {
  const rank = windows.length
  const meetings = windows.map(meetingAt)
  const [inPerGroup, outPerGroup] = [inChannels / groups, outChannels / groups]
  const from = groups === 1 ? 'c' : `c+${groupStart('k', outPerGroup, inPerGroup)}`
  const filter = groups === 1 ? 'k' : outPerGroup === 1 ? '0' : `k%${outPerGroup}`
  const z = placed(layout, 'n', groups === 1 ? 'k' : `k<${outChannels}`, resultAxes(rank, true))
  const x = placed(
    layout,
    'n',
    from,
    meetings.map(({ place }) => place),
  )
  const at = meetings.map(({ tap }) => tap)
  const weight = placed(layout, from, filter, at)
  const partial = windows.some(({ size, stride, dilation }) => size % (stride / commonDivisor(stride, dilation)) !== 0)
  const ranges = [`c<${inPerGroup}`, ...meetings.map(({ range }) => range)]
  const sum = `sum(${ranges.join(',')}) x?${x} * weight${partial ? '?' : ''}${weight}`
  const conditions = meetings.flatMap(({ condition }) => condition ?? [])
  const guarded = conditions.length > 0 ? `where(${conditions.join(' and ')}, ${sum}, 0)` : sum
  return `z${z} = ${biased ? 'bias[k] + ' : ''}${guarded}`
}

/** Where x and the kernel meet along an axis at step u; and when they meet at all, where that is not always. */
interface Meeting {
  readonly place: string
  readonly tap: string
  readonly range: string
  readonly condition: string | null
}

/**
 * The solutions of stride·a + dilation·b = i + padding, by the steps u between them: with g the common divisor of stride
 * and dilation, s' = stride/g, d' = dilation/g and m = (i + padding)/g they are b = m·(1/d' mod s') % s' + s'·u, and a.
 */
function meetingAt({ size, stride, dilation, before }: Window, axis: number): Meeting {
  const divisor = commonDivisor(stride, dilation)
  const [s, d] = [stride / divisor, dilation / divisor]
  const index = resultIndices[axis]
  const u = windowIndices[axis]
  const sum = before > 0 ? `(${index}+${before})` : index
  const m = divisor === 1 ? sum : `(${sum}/${divisor})`
  const inverse = inverseModulo(d, s)
  const first = s === 1 ? '0' : inverse === 1 ? `${m}%${s}` : `(${scaled(inverse, m)})%${s}`
  const start = s === 1 ? m : d === 1 ? `${m}/${s}` : `(${m}-${d}*(${first}))/${s}`
  return {
    place: `${start}-${scaled(d, u)}`,
    tap: s === 1 ? u : `${first}+${scaled(s, u)}`,
    range: `${u}<${Math.ceil(size / s)}`,
    condition: divisor === 1 ? null : `${sum}%${divisor} == 0`,
  }
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b)
}

/** The number from 1 to modulus with number·inverse ≡ 1; the two have no common divisor. */
function inverseModulo(number: number, modulus: number): number {
  for (let inverse = 1; inverse < modulus; inverse++) if ((number * inverse) % modulus === 1) return inverse
  return 1
}
