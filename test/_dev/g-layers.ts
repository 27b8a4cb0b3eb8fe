import { formula, stack, type Tensor } from '/tmp/shim.ts'
import * as nn from '../../src/nn/index.ts'
import type { Inputs } from '../_dev/goldens.ts'
import { testGoldens, withParameters } from '../_dev/goldens.ts'

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

const dtype = 'f64'

function rnnCells(inputs: Inputs) {
  const cell = withParameters(nn.rnnCell(inputs.x.shape[2], inputs.h.shape[2], { dtype }), inputs)
  const { y, last } = unroll(inputs.x, [inputs.h], (x, [h]) => [cell(x, h)])
  return { y, hN: last[0] }
}

function lstmCells(inputs: Inputs) {
  const cell = withParameters(nn.lstmCell(inputs.x.shape[2], inputs.h.shape[2], { dtype }), inputs)
  const { y, last } = unroll(inputs.x, [inputs.h, inputs.c], (x, [h, c]) => {
    const next = cell(x, { h, c })
    return [next.h, next.c]
  })
  return { y, hN: last[0], cN: last[1] }
}

function gruCells(inputs: Inputs) {
  const cell = withParameters(nn.gruCell(inputs.x.shape[2], inputs.h.shape[2], { dtype }), inputs)
  const { y, last } = unroll(inputs.x, [inputs.h], (x, [h]) => [cell(x, h)])
  return { y, hN: last[0] }
}

interface Attention {
  readonly heads: number
  readonly causal: boolean
}

/** Rows first … first + E of the weights project to the heads of width D. */
const project = formula('p[b,h<H,t,d<D] = bias[first+D*h+d] + sum(e) weight[first+D*h+d,e] * x[b,t,e]')

function multiheadAttention(inputs: Inputs, { heads: H, causal }: Attention) {
  const { query, key, value, inProjWeight: weight, inProjBias: bias } = inputs
  const E = query.shape[2]
  const D = E / H
  const [q, k, v] = [query, key, value].map((x, part) => project({ x, weight, bias, first: part * E, H, D }))
  return formula(`
    s[b,h,t,r] = where(r <= t or not causal, sum(d) q[b,h,t,d] * k[b,h,r,d] / sqrt(D), -inf)
    m[b,h,t] = max(r) s[b,h,t,r]
    e[b,h,t,r] = exp(s[b,h,t,r] - stopGradient(m[b,h,t]))
    a[b,h,t,r] = e[b,h,t,r] / (sum(r') e[b,h,t,r'])
    o[b,t,h,d] = sum(r) a[b,h,t,r] * v[b,h,r,d]
    y[b,t,f] = outBias[f] + sum(h,d) outWeight[f,D*h+d] * o[b,t,h,d]`)({
    q,
    k,
    v,
    outWeight: inputs['outProj.weight'],
    outBias: inputs['outProj.bias'],
    D,
    causal: Number(causal),
  })
}

/** The layers of a grid, one after the other. */
function grid(text: string) {
  return (inputs: Inputs, { depth }: { depth: number }): Tensor => {
    const layer = formula(text)
    let { x } = inputs
    for (let at = 0; at < depth; at++) x = layer({ x, w: inputs[`${at}.w`], c: inputs[`${at}.c`] })
    return x
  }
}

function gridLayers(inputs: Inputs, { depth: layers }: { depth: number }): Tensor {
  const [, height, width] = inputs.x.shape
  return withParameters(nn.neuralGrid({ height, width, layers }, { dtype }), inputs)(inputs.x)
}

testGoldens('layers', {
  embedding: {
    nn: (inputs) => withParameters(nn.embedding(4, 3, { dtype }), inputs)(inputs.x),
    take: ({ x, weight }) => weight.take(x, 0),
    formula: ({ x, weight }) =>
      x.rank === 1
        ? formula('y[i,e] = weight[x[i],e]')({ x, weight })
        : formula('y[i,j,e] = weight[x[i,j],e]')({ x, weight }),
  },
  locallyConnected1d: ({ x, weight, bias }) =>
    formula('y[b,o,i] = bias[o,i] + sum(c,u) x[b,c,i+u] * weight[o,i,c,u]')({ x, weight, bias }),
  locallyConnected2d: {
    nn: (inputs, { stride }: { stride: number }) => {
      const [outputs, , , channels, ...kernel] = inputs.weight.shape
      const [, , height, width] = inputs.x.shape
      const layer = nn.locallyConnected(channels, [height, width], outputs, kernel, { stride, dtype })
      return withParameters(layer, inputs)(inputs.x)
    },
    formula: ({ x, weight, bias }, { stride: s }: { stride: number }) =>
      formula('y[b,o,i,j] = bias[o,i,j] + sum(c,u,v) x[b,c,s*i+u,s*j+v] * weight[o,i,j,c,u,v]')({ x, weight, bias, s }),
  },
  neuralGrid: {
    nn: gridLayers,
    formula: grid('z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])'),
  },
  neuralGrid2d: {
    nn: gridLayers,
    formula: grid('z[b,i,j] = tanh(c[i,j] + sum(-1<=u<=1,-1<=v<=1) w?[i+u,j+v] * x?[b,i+u,j+v])'),
  },
  rnn: { nn: rnnCells, formula: rnn },
  lstm: { nn: lstmCells, formula: lstm },
  gru: { nn: gruCells, formula: gru },
  rnnLayers: (inputs) => withParameters(nn.rnn(2, 2, { layers: 2, dtype }), inputs)(inputs.x),
  lstmLayers: (inputs) => withParameters(nn.lstm(2, 2, { layers: 2, dtype }), inputs)(inputs.x),
  gruLayers: (inputs) => withParameters(nn.gru(2, 2, { layers: 2, dtype }), inputs)(inputs.x),
  multiheadAttention: {
    nn: (inputs, { heads, causal }: Attention) => {
      const layer = nn.multiHeadAttention(inputs.query.shape[2], heads, { causal, dtype })
      return withParameters(layer, inputs)(inputs.query, inputs.key, inputs.value)
    },
    formula: multiheadAttention,
  },
})
