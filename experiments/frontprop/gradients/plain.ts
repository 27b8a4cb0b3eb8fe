// The network in plain numbers, one sample at a time, for the gradients that are written as the document writes them.
import type { Sizes } from '../network.ts'

/** weights[k][i·m + j] is w^k_ij, from unit i of layer k (the last is the bias unit) to unit j of layer k + 1. */
export interface PlainNetwork {
  readonly sizes: Sizes
  readonly weights: readonly Float64Array[]
}

/** Samples in rows: inputs [count, sizes[0]], targets [count, last size]. */
export interface Samples {
  readonly count: number
  readonly inputs: Float64Array
  readonly targets: Float64Array
}

/** activations[l] has the bias unit last; slopes[l] are g'(h^l), and empty for the input layer. */
export interface State {
  readonly activations: readonly Float64Array[]
  readonly slopes: readonly Float64Array[]
}

export function run({ sizes, weights }: PlainNetwork, input: Float64Array): State {
  const activations = [Float64Array.of(...input, 1)]
  const slopes = [new Float64Array(0)]
  for (const [k, w] of weights.entries()) {
    const m = sizes[k + 1]
    const next = new Float64Array(m + 1)
    const slope = new Float64Array(m)
    for (let i = 0; i <= sizes[k]; i++) for (let j = 0; j < m; j++) next[j] += activations[k][i] * w[i * m + j]
    for (let j = 0; j < m; j++) {
      next[j] = 1 / (1 + Math.exp(-next[j]))
      slope[j] = next[j] * (1 - next[j])
    }
    next[m] = 1
    activations.push(next)
    slopes.push(slope)
  }
  return { activations, slopes }
}

export const inputOf = ({ sizes }: PlainNetwork, { inputs }: Samples, row: number): Float64Array =>
  inputs.subarray(row * sizes[0], (row + 1) * sizes[0])

export function targetOf({ sizes }: PlainNetwork, { targets }: Samples, row: number): Float64Array {
  const outputs = sizes.at(-1)!
  return targets.subarray(row * outputs, (row + 1) * outputs)
}

/** The mean over the samples of E = 1/#L · Σ_q (O_q - t_q)². */
export function meanError(net: PlainNetwork, samples: Samples): number {
  const outputs = net.sizes.at(-1)!
  let total = 0
  for (let row = 0; row < samples.count; row++) {
    const found = run(net, inputOf(net, samples, row)).activations.at(-1)!
    const wanted = targetOf(net, samples, row)
    for (let q = 0; q < outputs; q++) total += (found[q] - wanted[q]) ** 2
  }
  return total / outputs / samples.count
}

/** A weight by its place. */
export interface WeightPlace {
  readonly k: number
  readonly i: number
  readonly j: number
}

export function everyWeight(sizes: Sizes): WeightPlace[] {
  const places: WeightPlace[] = []
  for (let k = 0; k + 1 < sizes.length; k++)
    for (let i = 0; i <= sizes[k]; i++) for (let j = 0; j < sizes[k + 1]; j++) places.push({ k, i, j })
  return places
}

/** Numbers for each of `places`, as gradients in the shape of the weights; 0 for others. */
export function asGradients(sizes: Sizes, places: readonly WeightPlace[], values: ArrayLike<number>): Float64Array[] {
  const gradients = sizes.slice(1).map((m, k) => new Float64Array((sizes[k] + 1) * m))
  for (const [at, { k, i, j }] of places.entries()) gradients[k][i * sizes[k + 1] + j] = values[at]
  return gradients
}
