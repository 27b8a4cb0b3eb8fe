import { sizeOf } from '../graph/node.ts'
import type { Tensor } from '../graph/tensor.ts'
import { apply } from './apply.ts'
import { checkExtent, checkRank, checkWhole } from './checks.ts'
import { layerDefault } from './initializers.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import type { Init } from './parameter.ts'
import { parameter, tellFans } from './parameter.ts'

/** What all layers with weights can be told. */
export interface WeightOptions {
  /** Whether a bias is added; true when left out. */
  readonly bias?: boolean
  /** How weights and biases begin; uniform in ±1/√fanIn when left out, as in PyTorch. */
  readonly weightInit?: Init
  readonly biasInit?: Init
  /** Of the parameters; f32 when left out. */
  readonly dtype?: 'f32' | 'f64'
}

/**
 * A fully connected layer over the last axis: [b, inFeatures] to [b, outFeatures], any axes before it kept.
 * `weight` has shape [outFeatures, inFeatures], `bias` [outFeatures]. Throws EinfoldError `bad-option`; called, ShapeError.
 */
export function linear(inFeatures: number, outFeatures: number, options: WeightOptions = {}): Layer {
  const name = `linear(${inFeatures} → ${outFeatures})`
  checkWhole(name, 'inFeatures', inFeatures, 1)
  checkWhole(name, 'outFeatures', outFeatures, 1)
  const { dtype } = options
  const fans = { fanIn: inFeatures, fanOut: outFeatures }
  const weight = parameter([outFeatures, inFeatures], options.weightInit, { name: 'weight', dtype })
  const bias = biasOf([outFeatures], fans, options)
  tellFans(weight, fans)
  const formula = `z[b,i] = ${bias ? 'bias[i] + ' : ''}sum(j) weight[i,j] * x[b,j]`
  return defineLayer({
    name,
    formula,
    parameters: { weight, bias },
    forward: (x: Tensor) => {
      if (x.shape.length === 0) checkRank(name, x, ['batch', 'features'])
      checkExtent(name, x, -1, inFeatures, 'features')
      const before = x.shape.slice(0, -1)
      const rows = x.shape.length === 2 ? x : x.reshape([sizeOf(before), inFeatures])
      const z = apply(formula, { x: rows, weight, bias })
      return x.shape.length === 2 ? z : z.reshape([...before, outFeatures])
    },
  })
}

/** The bias that the options ask for, drawn with the fans of the weights. */
export function biasOf(
  shape: readonly number[],
  fans: { readonly fanIn: number; readonly fanOut: number },
  { bias = true, biasInit = layerDefault, dtype }: WeightOptions,
) {
  if (!bias) return undefined
  const made = parameter(shape, biasInit, { name: 'bias', dtype })
  tellFans(made, fans)
  return made
}
