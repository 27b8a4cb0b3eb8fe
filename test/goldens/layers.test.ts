import { formula, stack, type Tensor } from '../../src/index.ts'
import type { Inputs } from '../support/goldens.ts'
import { testGoldens } from '../support/goldens.ts'

/** Recurrent layers: `cell` makes the next states, the output first, from the input of a step and the states before it. */
function unroll(x: Tensor, first: readonly Tensor[], cell: (x: Tensor, states: readonly Tensor[]) => Tensor[]) {
  let states = first.map((state) => state.at(0))
  const outputs: Tensor[] = []
  for (let step = 0; step < x.shape[0]; step++) {
    states = cell(x.at(step), states)
    outputs.push(states[0])
  }
  return { y: stack(outputs), last: states.map((state) => state.unsqueeze(0)) }
}

/** One gate, before its activation: its rows of the weights follow those of the `gate` gates before it. */
const gateText = `z[b,k] = bias[K*gate+k] + sum(i) weight[K*gate+k,i] * x[b,i]`

function gateOf(x: Tensor, weight: Tensor, bias: Tensor, gate: number, hidden: number): Tensor {
  return formula(gateText.replace('z[b,k]', 'z[b,k<K]') as string)({ x, weight, bias, gate, K: hidden })
}

function rnn({ x, h, weightIh, weightHh, biasIh, biasHh }: Inputs) {
  const cell = formula(`next[b,k] = tanh(biasIh[k] + biasHh[k] +
    sum(i) weightIh[k,i] * x[b,i] + sum(j) weightHh[k,j] * h[b,j])`)
  const { y, last } = unroll(x, [h], (x, [h]) => [cell({ x, h, weightIh, weightHh, biasIh, biasHh })])
  return { y, hN: last[0] }
}

/** PyTorch's order of gates is input, forget, cell, output. */
function lstm({ x, h, c, weightIh, weightHh, biasIh, biasHh }: Inputs) {
  const hidden = h.shape[2]
  const { y, last } = unroll(x, [h, c], (x, [h, c]) => {
    const [i, f, g, o] = [0, 1, 2, 3].map((gate) =>
      gateOf(x, weightIh, biasIh, gate, hidden).add(gateOf(h, weightHh, biasHh, gate, hidden)),
    )
    const nextC = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
    return [o.sigmoid().mul(nextC.tanh()), nextC]
  })
  return { y, hN: last[0], cN: last[1] }
}

/** PyTorch's order of gates is reset, update, new; the reset gate acts on the new gate's recurrent part, bias included. */
function gru({ x, h, weightIh, weightHh, biasIh, biasHh }: Inputs) {
  const hidden = h.shape[2]
  const { y, last } = unroll(x, [h], (x, [h]) => {
    const ofInput = [0, 1, 2].map((gate) => gateOf(x, weightIh, biasIh, gate, hidden))
    const ofState = [0, 1, 2].map((gate) => gateOf(h, weightHh, biasHh, gate, hidden))
    const reset = ofInput[0].add(ofState[0]).sigmoid()
    const update = ofInput[1].add(ofState[1]).sigmoid()
    const fresh = ofInput[2].add(reset.mul(ofState[2])).tanh()
    return [fresh.add(update.mul(h.sub(fresh)))]
  })
  return { y, hN: last[0] }
}

interface Attention {
  readonly heads: number
  readonly causal: boolean
}

/** Rows first … first + E of the weights project to the heads of width D. */
const project = formula('p[b,h<H,t,d<D] = bias[first+D*h+d] + sum(e) weight[first+D*h+d,e] * x[b,t,e]')

function multiheadAttention(inputs: Inputs, { heads: H, causal }: Attention) {
  const { query, key, value, inWeight: weight, inBias: bias, outWeight, outBias } = inputs
  const E = query.shape[2]
  const D = E / H
  const [q, k, v] = [query, key, value].map((x, part) => project({ x, weight, bias, first: part * E, H, D }))
  const weights = formula(`
    s[b,h,t,r] = where(r <= t or not causal, sum(d) q[b,h,t,d] * k[b,h,r,d] / sqrt(D), -inf)
    m[b,h,t] = max(r) s[b,h,t,r]
    e[b,h,t,r] = exp(s[b,h,t,r] - stopGradient(m[b,h,t]))
    a[b,h,t,r] = e[b,h,t,r] / (sum(r') e[b,h,t,r'])`)({ q, k, D, causal: Number(causal) })
  const y = formula(`
    o[b,t,h,d] = sum(r) a[b,h,t,r] * v[b,h,r,d]
    y[b,t,f] = outBias[f] + sum(h,d) outWeight[f,D*h+d] * o[b,t,h,d]`)({ a: weights, v, outWeight, outBias, D })
  return { y, weights: weights.mean(1) }
}

testGoldens('layers', {
  embedding: {
    take: ({ x, weight }) => weight.take(x, 0),
    formula: ({ x, weight }) =>
      x.rank === 1
        ? formula('y[i,e] = weight[x[i],e]')({ x, weight })
        : formula('y[i,j,e] = weight[x[i,j],e]')({ x, weight }),
  },
  locallyConnected1d: {
    formula: ({ x, weight, bias }) =>
      formula('y[b,o,i] = bias[o,i] + sum(c,u) x[b,c,i+u] * weight[o,i,c,u]')({ x, weight, bias }),
  },
  locallyConnected2d: {
    formula: ({ x, weight, bias }, { stride: s }: { stride: number }) =>
      formula('y[b,o,i,j] = bias[o,i,j] + sum(c,u,v) x[b,c,s*i+u,s*j+v] * weight[o,i,j,c,u,v]')({ x, weight, bias, s }),
  },
  neuralGrid: {
    formula: ({ x, weight, bias }, { depth }: { depth: number }) => {
      const layer = formula('z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])')
      let z = x
      for (let step = 0; step < depth; step++) z = layer({ x: z, w: weight.at(step), c: bias.at(step) })
      return z
    },
  },
  neuralGrid2d: {
    formula: ({ x, weight, bias }, { depth }: { depth: number }) => {
      const layer = formula(
        'z[b,i,j] = tanh(c[i,j] + sum(-1<=u<=1,-1<=v<=1) w?[i+u,j+v] * x?[b,i+u,j+v])',
      )
      let z = x
      for (let step = 0; step < depth; step++) z = layer({ x: z, w: weight.at(step), c: bias.at(step) })
      return z
    },
  },
  rnn: { formula: rnn },
  lstm: { formula: lstm },
  gru: { formula: gru },
  multiheadAttention: { formula: multiheadAttention },
})
