import { ShapeError } from '../errors.ts'
import { ones, zeros } from '../graph/creation.ts'
import { shapeText } from '../graph/operations/axes.ts'
import type { Tensor } from '../graph/tensor.ts'
import { apply } from './apply.ts'
import { checkExtent, checkWhole } from './checks.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import { parameter } from './parameter.ts'
import type { Layout } from './spatial.ts'
import { channelAxis, checkLayout, placed, resultIndices } from './spatial.ts'

export interface BatchNormOptions {
  /** Added to the variance; 1e-5 when left out. */
  readonly eps?: number
  /** The share of the new batch in the running statistics; 0.1 when left out. */
  readonly momentum?: number
  /** Whether the result is scaled by `weight` and shifted by `bias`, one number a channel; true when left out. */
  readonly affine?: boolean
  readonly layout?: Layout
  readonly dtype?: 'f32' | 'f64'
}

/**
 * Each channel shifted and scaled to mean 0 and variance 1 over the batch and all spatial axes, of which there may be up to
 * three: [n, channels, …]. In training with the statistics of the batch (variance divided by the count), from which the
 * buffers `runningMean` and `runningVar` (divided by the count less 1) follow; else with those. As PyTorch's BatchNorm1d to 3d.
 * Source: Ioffe and Szegedy, 2015. Throws EinfoldError `bad-option`; called, ShapeError.
 */
export function batchNorm(channels: number, options: BatchNormOptions = {}): Layer {
  const { eps = 1e-5, momentum = 0.1, affine = true, layout = 'NCHW', dtype } = options
  const name = `batchNorm(${channels})`
  checkWhole(name, 'channels', channels, 1)
  checkLayout(name, layout)
  const weight = affine ? parameter([channels], ones, { name: 'weight', dtype }) : undefined
  const bias = affine ? parameter([channels], zeros, { name: 'bias', dtype }) : undefined
  const runningMean = parameter([channels], zeros, { name: 'runningMean', dtype })
  const runningVar = parameter([channels], ones, { name: 'runningVar', dtype })
  const layer: Layer = defineLayer({
    name,
    formula: Object.values(textsFor(2, layout, eps, affine)).join('\n'),
    parameters: { weight, bias },
    buffers: { runningMean, runningVar },
    forward: (x: Tensor) => {
      checkInput(name, x, channels, layout)
      const texts = textsFor(x.shape.length - 2, layout, eps, affine)
      if (!layer.training) return apply(texts.z, { x, m: runningMean, v: runningVar, weight, bias })
      const count = x.size / channels
      checkCount(name, x, count)
      const m = apply(texts.m, { x })
      const v = apply(texts.v, { x, m })
      runningMean.assign(runningMean.mul(1 - momentum).add(m.mul(momentum)))
      runningVar.assign(runningVar.mul(1 - momentum).add(v.mul((momentum * count) / (count - 1))))
      return apply(texts.z, { x, m, v, weight, bias })
    },
  })
  return layer
}

/** Mean and variance of the batch, and what becomes of x with them. */
function textsFor(spatialRank: number, layout: Layout, eps: number, affine: boolean) {
  const spatial = resultIndices.slice(0, spatialRank)
  const at = placed(layout, 'n', 'c', spatial)
  const others = ['n', ...spatial].join(',')
  const normalised = `(x${at} - m[c]) / sqrt(v[c] + ${eps})`
  return {
    m: `m[c] = mean(${others}) x${at}`,
    v: `v[c] = mean(${others}) (x${at} - m[c])^2`,
    z: `z${at} = ${affine ? `weight[c] * ${normalised} + bias[c]` : normalised}`,
  }
}

function checkInput(layer: string, x: Tensor, channels: number, layout: Layout): void {
  if (x.shape.length < 2 || x.shape.length > 5)
    throw new ShapeError(
      'wrong-rank',
      `${layer}: the input has shape ${shapeText(x.shape)}; it must have 2 to 5 axes: ` +
        (layout === 'NCHW' ? '[batch, channels, …]' : '[batch, …, channels]'),
    )
  checkExtent(layer, x, channelAxis(layout), channels, 'channels')
}

function checkCount(layer: string, x: Tensor, count: number): void {
  if (count > 1) return
  throw new ShapeError(
    'too-few-values',
    `${layer}: the input has shape ${shapeText(x.shape)}, which is ${count} value a channel; training needs 2 or more`,
  )
}
