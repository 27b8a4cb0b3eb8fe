import { ShapeError } from '../errors.ts'
import { shapeText } from '../graph/operations/axes.ts'
import type { Tensor } from '../graph/tensor.ts'
import { apply } from './apply.ts'
import { checkWhole } from './checks.ts'
import { normal } from './initializers.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import type { Init } from './parameter.ts'
import { parameter } from './parameter.ts'

/**
 * A row of `weight` [count, size] for each whole number (i32 or u8, 0 to count - 1): [b, …] to [b, …, size].
 * The rows begin normal, unless `weightInit` says otherwise. Throws EinfoldError `bad-option`; called, ShapeError.
 */
export function embedding(
  count: number,
  size: number,
  options: { readonly weightInit?: Init; readonly dtype?: 'f32' | 'f64' } = {},
): Layer {
  const name = `embedding(${count}, ${size})`
  checkWhole(name, 'count', count, 1)
  checkWhole(name, 'size', size, 1)
  const weight = parameter([count, size], options.weightInit ?? normal(), { name: 'weight', dtype: options.dtype })
  const formula = 'z[b,i] = weight[x[b],i]'
  return defineLayer({
    name,
    formula,
    parameters: { weight },
    forward: (x: Tensor) => {
      if (x.dtype !== 'i32' && x.dtype !== 'u8')
        throw new ShapeError(
          'index-dtype',
          `${name}: the input ${shapeText(x.shape)} is ${x.dtype}; it must be i32 or u8 (write .cast('i32'))`,
        )
      return apply(formula, { x: x.reshape([x.size]), weight }).reshape([...x.shape, size])
    },
  })
}
