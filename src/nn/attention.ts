import { ShapeError } from '../errors.ts'
import { zeros } from '../graph/creation.ts'
import { shapeText } from '../graph/operations/axes.ts'
import type { Tensor } from '../graph/tensor.ts'
import { apply } from './apply.ts'
import { badOption, checkExtent, checkRank, checkWhole } from './checks.ts'
import { xavierUniform } from './initializers.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import { linear } from './linear.ts'
import type { Init } from './parameter.ts'
import { parameter, tellFans } from './parameter.ts'

export interface AttentionOptions {
  /** Whether a place sees only itself and the places before it; false when left out. */
  readonly causal?: boolean
  readonly bias?: boolean
  /** Of the weights of query, key and value; Xavier uniform when left out, as in PyTorch. */
  readonly weightInit?: Init
  readonly dtype?: 'f32' | 'f64'
}

/**
 * Multi-head attention: query [batch, time, features] to the same shape. Key and value, [batch, other time, features], are
 * the query when left out (self-attention), and the value is the key. `inProjWeight` [3·features, features] and
 * `inProjBias` hold the rows for query, key and value; `outProj` is a linear layer.
 * Source: Vaswani and others, 2017. Throws EinfoldError `bad-option`; called, ShapeError.
 */
export function multiHeadAttention(
  features: number,
  heads: number,
  options: AttentionOptions = {},
): Layer<[query: Tensor, key?: Tensor, value?: Tensor]> {
  const { causal = false, bias = true, weightInit = xavierUniform(), dtype } = options
  const name = `multiHeadAttention(${features}, ${heads} ${heads === 1 ? 'head' : 'heads'}${causal ? ', causal' : ''})`
  checkWhole(name, 'features', features, 1)
  checkWhole(name, 'heads', heads, 1)
  if (features % heads !== 0) throw badOption(name, `${heads} heads do not divide ${features} features`)
  const inProjWeight = parameter([3 * features, features], weightInit, { name: 'inProjWeight', dtype })
  // The three are one matrix, of which PyTorch takes the fans.
  tellFans(inProjWeight, { fanIn: features, fanOut: 3 * features })
  const inProjBias = bias ? parameter([3 * features], zeros, { name: 'inProjBias', dtype }) : undefined
  const outProj = linear(features, features, { bias, biasInit: zeros, dtype })
  const size = features / heads
  const texts = attentionTexts(heads, size, causal, bias)
  const projected = (part: number, x: Tensor): Tensor => apply(texts.projection[part], { x, inProjWeight, inProjBias })
  return defineLayer({
    name,
    formula: [...texts.projection, texts.scores, texts.weights, texts.mixed].join('\n'),
    parameters: { inProjWeight, inProjBias },
    children: { outProj },
    forward: (query: Tensor, key: Tensor = query, value: Tensor = key) => {
      for (const x of [query, key, value]) {
        checkRank(name, x, ['batch', 'time', 'features'])
        checkExtent(name, x, 2, features, 'features')
      }
      if (shapeText(key.shape) !== shapeText(value.shape) || key.shape[0] !== query.shape[0])
        throw new ShapeError(
          'shape-mismatch',
          `${name}: query ${shapeText(query.shape)}, key ${shapeText(key.shape)}, value ${shapeText(value.shape)}; ` +
            'key and value must have one shape, and all three one batch',
        )
      const scores = apply(texts.scores, { q: projected(0, query), k: projected(1, key) })
      const mixed = apply(texts.mixed, { a: scores.softmax(-1), v: projected(2, value) })
      return outProj(mixed.reshape(query.shape))
    },
  })
}

/** Projections to q, k and v, [batch, head, time, size]; scores; and what is seen, [batch, time, head, size]. */
function attentionTexts(heads: number, size: number, causal: boolean, biased: boolean) {
  const projection = ['q', 'k', 'v'].map((z, part) => {
    const row = `${part === 0 ? '' : `${part * heads * size}+`}${size}*h+d`
    return `${z}[b,h<${heads},t,d<${size}] = ${biased ? `inProjBias[${row}] + ` : ''}sum(j) inProjWeight[${row},j] * x[b,t,j]`
  })
  const product = `sum(d) q[b,h,t,d] * k[b,h,t',d] / sqrt(${size})`
  return {
    projection,
    scores: `s[b,h,t,t'] = ${causal ? `where(t' <= t, ${product}, -inf)` : product}`,
    // For the reader: computed is the softmax that cannot overflow.
    weights: "a[b,h,t,t'] = exp(s[b,h,t,t']) / sum(t'') exp(s[b,h,t,t''])",
    mixed: "z[b,t,h,d] = sum(t') a[b,h,t,t'] * v[b,h,t',d]",
  }
}
