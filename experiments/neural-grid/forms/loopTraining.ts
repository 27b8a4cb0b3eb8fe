// Training by the loop: dense, grid and dense, their gradients and Adam, all in plain numbers. What it costs to go unit by unit.
import type { Activation } from '../network.ts'
import { type GridNumbers, loopGradient, outputOf, runLoop } from './loop.ts'

/** All parameters of a network; weights of dense layers are rows, one a unit that they lead to. */
export interface NetworkNumbers extends GridNumbers {
  readonly weightIn: Float64Array
  readonly biasIn: Float64Array
  readonly weightOut: Float64Array
  readonly biasOut: Float64Array
}

/** Takes a batch to the mean of its cross-entropy, before the parameters are updated. */
export type LoopStep = (inputs: readonly Float64Array[], labels: ArrayLike<number>) => number

/** Steps of Adam on `numbers`, which are changed in place. */
export function loopTraining(numbers: NetworkNumbers, activation: Activation, lr: number): LoopStep {
  const options = { activation, reads: 'neighbours' } as const
  const values = listed(numbers)
  const update = adamOf(values, lr)
  return (inputs, labels) => {
    const gradients = emptyLike(numbers)
    let loss = 0
    for (const [at, x] of inputs.entries()) {
      const run = runLoop(numbers, dense(numbers.weightIn, numbers.biasIn, x), options)
      const signal = outputOf(run)
      const shares = softmax(dense(numbers.weightOut, numbers.biasOut, signal))
      loss -= Math.log(shares[labels[at]]) / inputs.length
      const byLogits = shares.map((share, k) => (share - (k === labels[at] ? 1 : 0)) / inputs.length)
      const bySignal = denseGradient(numbers.weightOut, signal, byLogits, gradients.weightOut, gradients.biasOut)
      const byInput = loopGradient(numbers, run, bySignal, options, gradients)
      denseGradient(numbers.weightIn, x, byInput, gradients.weightIn, gradients.biasIn, false)
    }
    update(listed(gradients))
    return loss
  }
}

function dense(weight: Float64Array, bias: Float64Array, x: Float64Array): Float64Array {
  const z = Float64Array.from(bias)
  for (let i = 0; i < z.length; i++) {
    let sum = 0
    for (let j = 0; j < x.length; j++) sum += weight[i * x.length + j] * x[j]
    z[i] += sum
  }
  return z
}

/** Adds to the gradients of weights and biases; returns that of x, unless nobody wants it. */
function denseGradient(
  weight: Float64Array,
  x: Float64Array,
  byOutput: Float64Array,
  byWeight: Float64Array,
  byBias: Float64Array,
  wanted = true,
): Float64Array {
  const byInput = new Float64Array(x.length)
  for (let i = 0; i < byOutput.length; i++) {
    const [error, row] = [byOutput[i], i * x.length]
    byBias[i] += error
    for (let j = 0; j < x.length; j++) byWeight[row + j] += error * x[j]
    if (wanted) for (let j = 0; j < x.length; j++) byInput[j] += error * weight[row + j]
  }
  return byInput
}

function softmax(logits: Float64Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b))
  const powers = logits.map((logit) => Math.exp(logit - largest))
  const total = powers.reduce((a, b) => a + b)
  return powers.map((power) => power / total)
}

/** Kingma and Ba, 2015, with PyTorch's usual constants. */
function adamOf(values: readonly Float64Array[], lr: number): (gradients: readonly Float64Array[]) => void {
  const [decay, squareDecay, eps] = [0.9, 0.999, 1e-8]
  const means = values.map((of) => new Float64Array(of.length))
  const squares = values.map((of) => new Float64Array(of.length))
  let step = 0
  return (gradients) => {
    step++
    const [rest, squareRest] = [1 - decay ** step, 1 - squareDecay ** step]
    for (const [at, of] of values.entries()) {
      const [gradient, mean, square] = [gradients[at], means[at], squares[at]]
      for (let i = 0; i < of.length; i++) {
        mean[i] = decay * mean[i] + (1 - decay) * gradient[i]
        square[i] = squareDecay * square[i] + (1 - squareDecay) * gradient[i] * gradient[i]
        of[i] -= (lr * (mean[i] / rest)) / (Math.sqrt(square[i] / squareRest) + eps)
      }
    }
  }
}

const listed = ({ w, c, weightIn, biasIn, weightOut, biasOut }: NetworkNumbers): readonly Float64Array[] => [
  ...w,
  ...c,
  weightIn,
  biasIn,
  weightOut,
  biasOut,
]

function emptyLike({ w, c, weightIn, biasIn, weightOut, biasOut }: NetworkNumbers): NetworkNumbers {
  const empty = (of: Float64Array) => new Float64Array(of.length)
  return {
    w: w.map(empty),
    c: c.map(empty),
    weightIn: empty(weightIn),
    biasIn: empty(biasIn),
    weightOut: empty(weightOut),
    biasOut: empty(biasOut),
  }
}
