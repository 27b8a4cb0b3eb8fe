import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zeros } from '../../src/graph/index.ts'
import type { Layer } from '../../src/nn/index.ts'
import { gru, gruCell, lstm, lstmCell, rnn, rnnCell } from '../../src/nn/index.ts'
import { expectClose, expectGradients, random } from './expect.ts'
import type { Block } from './reference.ts'
import { block, blockOf, element, sumOver } from './reference.ts'

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** W·x + b, of one sample. */
const affine = (weight: Block, bias: Block | undefined, x: readonly number[]): number[] =>
  Array.from({ length: weight.shape[0] }, (_, i) => {
    const sum = sumOver([x.length], ([j]) => element(weight, [i, j]) * x[j])
    return sum + (bias ? bias.values[i] : 0)
  })

interface State {
  readonly h: readonly number[]
  readonly c: readonly number[]
}

type Step = (g: readonly number[], s: readonly number[], state: State) => State

/** The equations of torch.nn.RNN, LSTM and GRU for one sample, from the shares of input and state in the gates. */
const steps: Readonly<Record<string, Step>> = {
  rnn: (g, s) => ({ h: g.map((value, i) => Math.tanh(value + s[i])), c: [] }),
  lstm: (g, s, { h, c }) => {
    const size = h.length
    const gate = (which: number, i: number): number => g[which * size + i] + s[which * size + i]
    const next = c.map((kept, i) => sigmoid(gate(1, i)) * kept + sigmoid(gate(0, i)) * Math.tanh(gate(2, i)))
    return { h: next.map((value, i) => sigmoid(gate(3, i)) * Math.tanh(value)), c: next }
  },
  gru: (g, s, { h }) => {
    const size = h.length
    const next = h.map((before, i) => {
      const reset = sigmoid(g[i] + s[i])
      const update = sigmoid(g[size + i] + s[size + i])
      const fresh = Math.tanh(g[2 * size + i] + reset * s[2 * size + i])
      return (1 - update) * fresh + update * before
    })
    return { h: next, c: [] }
  },
}

async function reference(kind: string, layer: Layer, x: Block, hiddenSize: number): Promise<Block> {
  const weights = new Map<string, Block>()
  for (const [name, parameter] of layer.namedParameters()) weights.set(name, await blockOf(parameter))
  const [batch, time, features] = x.shape
  const samples = Array.from({ length: batch }, (_, b) => {
    let sequence = Array.from({ length: time }, (_, t) =>
      Array.from({ length: features }, (_, i) => element(x, [b, t, i])),
    )
    for (let level = 0; weights.has(`weightIhL${level}`); level++) {
      let state: State = { h: Array(hiddenSize).fill(0), c: Array(hiddenSize).fill(0) }
      sequence = sequence.map((input) => {
        const g = affine(weights.get(`weightIhL${level}`)!, weights.get(`biasIhL${level}`), input)
        const s = affine(weights.get(`weightHhL${level}`)!, weights.get(`biasHhL${level}`), state.h)
        state = steps[kind](g, s, state)
        return [...state.h]
      })
    }
    return sequence
  })
  return block([batch, time, hiddenSize], ([b, t, i]) => samples[b][t][i])
}

for (const [kind, make] of Object.entries({ rnn, lstm, gru })) {
  test(`${kind}, of one layer or two, with or without bias, is PyTorch's equations, and its gradients are right`, async () => {
    for (const options of [{ layers: 2 }, { bias: false }]) {
      const layer = make(3, 4, { ...options, dtype: 'f64' })
      const x = random([2, 3, 3])
      await expectClose(layer(x), await reference(kind, layer, await blockOf(x), 4))
      await expectGradients(layer, x)
    }
  })
}

test('a cell called again and again is the layer', async () => {
  const x = random([2, 3, 3])
  const steps = [0, 1, 2].map((t) => x.select(1, t))
  const copy = (from: Layer<never[], unknown>, to: Layer): void => {
    for (const [at, parameter] of to.parameters().entries()) parameter.assign(from.parameters()[at])
  }
  for (const [cell, layer] of [
    [rnnCell(3, 4, { nonlinearity: 'relu', dtype: 'f64' }), rnn(3, 4, { nonlinearity: 'relu', dtype: 'f64' })],
    [gruCell(3, 4, { dtype: 'f64' }), gru(3, 4, { dtype: 'f64' })],
  ] as const) {
    copy(cell, layer)
    let h = cell(steps[0])
    for (const step of steps.slice(1)) h = cell(step, h)
    await expectClose(h, await blockOf(layer(x).select(1, 2)))
  }
  const cell = lstmCell(3, 4, { dtype: 'f64' })
  const layer = lstm(3, 4, { dtype: 'f64' })
  copy(cell, layer)
  let state = cell(steps[0])
  for (const step of steps.slice(1)) state = cell(step, state)
  await expectClose(state.h, await blockOf(layer(x).select(1, 2)))
  assert.deepEqual(state.c.shape, [2, 4])
})

test("parameters go by PyTorch's names", () => {
  assert.deepEqual(
    lstm(3, 4, { layers: 2 })
      .namedParameters()
      .map(([name, { shape }]) => `${name} ${shape}`),
    [
      'weightIhL0 16,3',
      'weightHhL0 16,4',
      'biasIhL0 16',
      'biasHhL0 16',
      'weightIhL1 16,4',
      'weightHhL1 16,4',
      'biasIhL1 16',
      'biasHhL1 16',
    ],
  )
})

test('a sequence of other features is refused', () => {
  assert.throws(() => gru(3, 4)(zeros([2, 5, 4])), {
    code: 'wrong-extent',
    message: 'gru(3 → 4): the input has shape [2,5,4]; it must have 3 features on axis 2',
  })
  assert.throws(() => rnn(3, 4)(zeros([2, 3])), { code: 'wrong-rank', message: /\[batch, time, features\]$/ })
})
