// Recurrent layers: cells that take one step, and layers that take a sequence, [batch, time, features].
import { zeros } from '../graph/creation.ts'
import { stack } from '../graph/functions.ts'
import type { Parameter } from '../graph/parameter.ts'
import type { Tensor } from '../graph/tensor.ts'
import { apply } from './apply.ts'
import { checkExtent, checkRank, checkWhole } from './checks.ts'
import { layerDefault } from './initializers.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import type { Init } from './parameter.ts'
import { parameter, tellFans } from './parameter.ts'

export interface RecurrentOptions {
  /** Whether biases are added; true when left out. */
  readonly bias?: boolean
  /** Of all weights and biases; uniform in ±1/√hiddenSize when left out, as in PyTorch. */
  readonly init?: Init
  readonly dtype?: 'f32' | 'f64'
}

export interface StackedOptions extends RecurrentOptions {
  /** How many layers, each over the one before; 1 when left out. */
  readonly layers?: number
}

/** The state of an LSTM: what it gives out, and what it keeps. Both [batch, hiddenSize]. */
export interface LstmState {
  readonly h: Tensor
  readonly c: Tensor
}

export interface RnnOptions {
  /** tanh when left out. */
  readonly nonlinearity?: 'tanh' | 'relu'
}

/** Weights from the input (`Ih`) and from the state before (`Hh`); rows for every gate. */
interface Weights {
  readonly weightIh: Parameter
  readonly weightHh: Parameter
  readonly biasIh: Parameter | undefined
  readonly biasHh: Parameter | undefined
}

/** How a cell's state goes one step on, from the input's share of all gates, [batch, gates·hiddenSize]. */
interface Kind<State> {
  readonly gates: number
  readonly formula: string
  start(batch: number, hiddenSize: number, dtype: 'f32' | 'f64'): State
  advance(input: Tensor, state: State, weights: Weights, hiddenSize: number): State
  output(state: State): Tensor
}

const inputText = (biased: boolean): string => `g[b,i] = ${biased ? 'biasIh[i] + ' : ''}sum(j) weightIh[i,j] * x[b,j]`
const stateText = (biased: boolean): string => `s[b,i] = ${biased ? 'biasHh[i] + ' : ''}sum(j) weightHh[i,j] * h[b,j]`

/** The shares of the input and of the state before in all gates. */
const inputShare = (x: Tensor, { weightIh, biasIh }: Weights): Tensor =>
  apply(inputText(biasIh !== undefined), { x, weightIh, biasIh })
const stateShare = (h: Tensor, { weightHh, biasHh }: Weights): Tensor =>
  apply(stateText(biasHh !== undefined), { h, weightHh, biasHh })

const rnnKind = (nonlinearity: 'tanh' | 'relu'): Kind<Tensor> => {
  const formula = `z[b,i] = ${nonlinearity}(g[b,i] + s[b,i])`
  return {
    gates: 1,
    formula,
    start: (batch, hiddenSize, dtype) => zeros([batch, hiddenSize], { dtype }),
    advance: (g, h, weights) => apply(formula, { g, s: stateShare(h, weights) }),
    output: (h) => h,
  }
}

/** Gates in PyTorch's order: input, forget, cell, output. */
const lstmTexts = {
  c: 'c1[b,i<H] = sigmoid(g[b,i+H] + s[b,i+H]) * c[b,i] + sigmoid(g[b,i] + s[b,i]) * tanh(g[b,i+2*H] + s[b,i+2*H])',
  h: 'h1[b,i<H] = sigmoid(g[b,i+3*H] + s[b,i+3*H]) * tanh(c[b,i])',
}

const lstmKind: Kind<LstmState> = {
  gates: 4,
  formula: `${lstmTexts.c}\n${lstmTexts.h.replace('tanh(c[', 'tanh(c1[')}`,
  start: (batch, hiddenSize, dtype) => {
    const nothing = zeros([batch, hiddenSize], { dtype })
    return { h: nothing, c: nothing }
  },
  advance: (g, before, weights, H) => {
    const s = stateShare(before.h, weights)
    const c = apply(lstmTexts.c, { g, s, c: before.c, H })
    return { h: apply(lstmTexts.h, { g, s, c, H }), c }
  },
  output: ({ h }) => h,
}

/** Gates in PyTorch's order: reset, update, new. */
const gruText = [
  'r[b,i<H] = sigmoid(g[b,i] + s[b,i])',
  'u[b,i<H] = sigmoid(g[b,i+H] + s[b,i+H])',
  'n[b,i<H] = tanh(g[b,i+2*H] + r[b,i] * s[b,i+2*H])',
  'z[b,i] = (1 - u[b,i]) * n[b,i] + u[b,i] * h[b,i]',
].join('\n')

const gruKind: Kind<Tensor> = {
  gates: 3,
  formula: gruText,
  start: (batch, hiddenSize, dtype) => zeros([batch, hiddenSize], { dtype }),
  advance: (g, h, weights, H) => apply(gruText, { g, s: stateShare(h, weights), h, H }),
  output: (h) => h,
}

/** A cell: (x [batch, inputSize], h [batch, hiddenSize]) to the next h. A state that is left out is zeros. */
export const rnnCell = (
  inputSize: number,
  hiddenSize: number,
  options: RecurrentOptions & RnnOptions = {},
): Layer<[x: Tensor, h?: Tensor], Tensor> =>
  cell('rnnCell', rnnKind(options.nonlinearity ?? 'tanh'), inputSize, hiddenSize, options)

/** A cell: (x [batch, inputSize], state) to the next state. Source: Hochreiter and Schmidhuber, 1997; Gers and others, 2000. */
export const lstmCell = (
  inputSize: number,
  hiddenSize: number,
  options: RecurrentOptions = {},
): Layer<[x: Tensor, state?: LstmState], LstmState> => cell('lstmCell', lstmKind, inputSize, hiddenSize, options)

/** A cell: (x [batch, inputSize], h [batch, hiddenSize]) to the next h. Source: Cho and others, 2014. */
export const gruCell = (
  inputSize: number,
  hiddenSize: number,
  options: RecurrentOptions = {},
): Layer<[x: Tensor, h?: Tensor], Tensor> => cell('gruCell', gruKind, inputSize, hiddenSize, options)

/**
 * [batch, time, inputSize] to the states at all times, [batch, time, hiddenSize]: h = tanh(W x + b + V h + c), from zeros.
 * Parameters of layer l are `weightIhL0` [hiddenSize, inputSize], `weightHhL0` [hiddenSize, hiddenSize], `biasIhL0`, `biasHhL0`.
 */
export const rnn = (inputSize: number, hiddenSize: number, options: StackedOptions & RnnOptions = {}): Layer =>
  recurrent('rnn', rnnKind(options.nonlinearity ?? 'tanh'), inputSize, hiddenSize, options)

/** As `rnn`, with an LSTM's gates: four times the rows, in the order input, forget, cell, output. */
export const lstm = (inputSize: number, hiddenSize: number, options: StackedOptions = {}): Layer =>
  recurrent('lstm', lstmKind, inputSize, hiddenSize, options)

/** As `rnn`, with a GRU's gates: three times the rows, in the order reset, update, new. */
export const gru = (inputSize: number, hiddenSize: number, options: StackedOptions = {}): Layer =>
  recurrent('gru', gruKind, inputSize, hiddenSize, options)

function cell<State>(
  kindName: string,
  kind: Kind<State>,
  inputSize: number,
  hiddenSize: number,
  options: RecurrentOptions,
): Layer<[x: Tensor, state?: State], State> {
  const name = nameOf(kindName, inputSize, hiddenSize)
  const weights = weightsOf(name, kind.gates, inputSize, hiddenSize, options)
  return defineLayer({
    name,
    formula: formulaOf(kind, options),
    parameters: { ...weights },
    forward: (x: Tensor, state?: State) => {
      checkRank(name, x, ['batch', 'features'])
      checkExtent(name, x, 1, inputSize, 'features')
      const before = state ?? kind.start(x.shape[0], hiddenSize, options.dtype ?? 'f32')
      return kind.advance(inputShare(x, weights), before, weights, hiddenSize)
    },
  })
}

function recurrent<State>(
  kindName: string,
  kind: Kind<State>,
  inputSize: number,
  hiddenSize: number,
  options: StackedOptions,
): Layer {
  const { layers = 1, dtype = 'f32' } = options
  const name = nameOf(kindName, inputSize, hiddenSize, layers)
  checkWhole(name, 'layers', layers, 1)
  const stacked = Array.from({ length: layers }, (_, level) =>
    weightsOf(name, kind.gates, level === 0 ? inputSize : hiddenSize, hiddenSize, options),
  )
  return defineLayer({
    name,
    formula: formulaOf(kind, options),
    parameters: Object.fromEntries(
      stacked.flatMap((weights, level) =>
        Object.entries(weights).map(([part, weight]) => [`${part}L${level}`, weight as Parameter | undefined]),
      ),
    ),
    forward: (x: Tensor) => {
      checkRank(name, x, ['batch', 'time', 'features'])
      checkExtent(name, x, 2, inputSize, 'features')
      return stacked.reduce((input, weights) => overTime(kind, input, weights, hiddenSize, dtype), x)
    },
  })
}

/** The outputs at all times. The input's share of all gates is one product for all times. */
function overTime<State>(
  kind: Kind<State>,
  x: Tensor,
  weights: Weights,
  hiddenSize: number,
  dtype: 'f32' | 'f64',
): Tensor {
  const [batch, time, features] = x.shape
  const rows = kind.gates * hiddenSize
  const shares = inputShare(x.reshape([batch * time, features]), weights).reshape([batch, time, rows])
  const outputs: Tensor[] = []
  let state = kind.start(batch, hiddenSize, dtype)
  for (let t = 0; t < time; t++) {
    state = kind.advance(shares.select(1, t), state, weights, hiddenSize)
    outputs.push(kind.output(state))
  }
  return stack(outputs, 1)
}

const nameOf = (kind: string, inputSize: number, hiddenSize: number, layers = 1): string =>
  `${kind}(${inputSize} → ${hiddenSize}${layers === 1 ? '' : `, ${layers} layers`})`

const formulaOf = ({ formula }: Kind<unknown>, { bias = true }: RecurrentOptions): string =>
  [inputText(bias), stateText(bias), formula].join('\n')

function weightsOf(
  layer: string,
  gates: number,
  inputSize: number,
  hiddenSize: number,
  { bias = true, init = layerDefault, dtype }: RecurrentOptions,
): Weights {
  checkWhole(layer, 'inputSize', inputSize, 1)
  checkWhole(layer, 'hiddenSize', hiddenSize, 1)
  const make = (name: string, ...shape: number[]): Parameter => {
    const made = parameter(shape, init, { name, dtype })
    tellFans(made, { fanIn: hiddenSize, fanOut: hiddenSize })
    return made
  }
  const rows = gates * hiddenSize
  return {
    weightIh: make('weightIh', rows, inputSize),
    weightHh: make('weightHh', rows, hiddenSize),
    biasIh: bias ? make('biasIh', rows) : undefined,
    biasHh: bias ? make('biasHh', rows) : undefined,
  }
}
