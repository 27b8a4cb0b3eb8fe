import { ShapeError } from '../errors.ts'
import { ones, zeros } from '../graph/creation.ts'
import { sizeOf } from '../graph/node.ts'
import { shapeText } from '../graph/operations/axes.ts'
import type { Tensor } from '../graph/tensor.ts'
import { apply } from './apply.ts'
import { badOption, checkWhole } from './checks.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import { parameter } from './parameter.ts'

export interface LayerNormOptions {
  /** Added to the variance; 1e-5 when left out. */
  readonly eps?: number
  /** Whether the result is scaled by `weight` and shifted by `bias`, both of the normalised shape; true when left out. */
  readonly affine?: boolean
  readonly dtype?: 'f32' | 'f64'
}

/**
 * The last axes, of the extents given, shifted and scaled to mean 0 and variance 1, for each place of the axes before.
 * Source: Ba, Kiros and Hinton, 2016. Throws EinfoldError `bad-option`; called, ShapeError.
 */
export function layerNorm(normalizedShape: number | readonly number[], options: LayerNormOptions = {}): Layer {
  const { eps = 1e-5, affine = true, dtype } = options
  const shape = [normalizedShape].flat()
  const name = `layerNorm(${shape.join('×')})`
  if (shape.length === 0) throw badOption(name, 'there are no axes to normalise over; give one extent or more')
  for (const extent of shape) checkWhole(name, 'an extent', extent, 1)
  const weight = affine ? parameter(shape, ones, { name: 'weight', dtype }) : undefined
  const bias = affine ? parameter(shape, zeros, { name: 'bias', dtype }) : undefined
  const normalised = `(x[b,i] - m[b]) / sqrt(v[b] + ${eps})`
  const formula = [
    'm[b] = mean(i) x[b,i]',
    'v[b] = mean(i) (x[b,i] - m[b])^2',
    `z[b,i] = ${affine ? `weight[i] * ${normalised} + bias[i]` : normalised}`,
  ].join('\n')
  return defineLayer({
    name,
    formula,
    parameters: { weight, bias },
    forward: (x: Tensor) => {
      if (shapeText(x.shape.slice(-shape.length)) !== shapeText(shape))
        throw new ShapeError(
          'wrong-extent',
          `${name}: the input has shape ${shapeText(x.shape)}; its last axes must be ${shapeText(shape)}`,
        )
      const size = sizeOf(shape)
      const rows = x.reshape([x.size / size, size])
      return apply(formula, { x: rows, weight: weight?.reshape([size]), bias: bias?.reshape([size]) }).reshape(x.shape)
    },
  })
}
