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
  /** x [batch, time, features] by rows of weight and bias: a product of two matrices, whatever batch and time are. */
  const product = (x: Tensor, w: Tensor, c: Tensor | undefined): Tensor =>
    apply(texts.product, { x: x.reshape([x.shape[0] * x.shape[1], features]), w, c })
  /** Query, key and value, [batch, time, head, size], of one sequence: one product, so that its gradients are one too. */
  const projectedTogether = (x: Tensor): Tensor[] => {
    const all = product(x, inProjWeight, inProjBias).reshape([x.shape[0], x.shape[1], 3, heads, size])
    return [0, 1, 2].map((part) => all.select(2, part))
  }
  /** The same of a sequence each: products with a third of the weight, so that none of the gradients covers all of it. */
  const projectedApart = (inputs: readonly Tensor[]): Tensor[] =>
    inputs.map((x, part) => {
      const rows = [part * features, (part + 1) * features] as const
      const own = product(x, inProjWeight.slice(rows), inProjBias?.slice(rows))
      return own.reshape([x.shape[0], x.shape[1], heads, size])
    })
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
      const isOne = key.node === query.node && value.node === query.node
      const [q, k, v] = isOne ? projectedTogether(query) : projectedApart([query, key, value])
      const scores = apply(texts.scores, { q, k })
      const mixed = apply(texts.mixed, { a: scores.softmax(-1), v })
      return outProj(mixed.reshape(query.shape))
    },
  })
}

/** Projections to q, k and v; scores; and what is seen: all [batch, time, head, size], but scores [batch, head, time, time]. */
function attentionTexts(heads: number, size: number, causal: boolean, biased: boolean) {
  // For the reader, as the weights below: computed is the product of all rows, which is then cut into heads.
  const projection = ['q', 'k', 'v'].map((z, part) => {
    const row = `${part === 0 ? '' : `${part * heads * size}+`}${size}*h+d`
    return `${z}[b,t,h<${heads},d<${size}] = ${biased ? `inProjBias[${row}] + ` : ''}sum(j) inProjWeight[${row},j] * x[b,t,j]`
  })
  const score = `sum(d) q[b,t,h,d] * k[b,t',h,d] / sqrt(${size})`
  return {
    projection,
    product: `p[n,r] = ${biased ? 'c[r] + ' : ''}sum(j) w[r,j] * x[n,j]`,
    scores: `s[b,h,t,t'] = ${causal ? `where(t' <= t, ${score}, -inf)` : score}`,
    // For the reader: computed is the softmax that cannot overflow.
    weights: "a[b,h,t,t'] = exp(s[b,h,t,t']) / sum(t'') exp(s[b,h,t,t''])",
    mixed: "z[b,t,h,d] = sum(t') a[b,h,t,t'] * v[b,t',h,d]",
  }
}
