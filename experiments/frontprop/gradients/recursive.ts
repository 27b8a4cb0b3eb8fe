// "Frontpropagation": the document's recursive formula (2), as it is written.
import { inputOf, type PlainNetwork, run, type Samples, type State, targetOf, type WeightPlace } from './plain.ts'

export interface RecursiveOptions {
  /** The case k = l - 2 by itself, as the document's program has it, to save the last level of recursion. */
  readonly shortcut?: boolean
}

/** The derivative of the mean error by each of `places`, by equation (1): 2/#L · Σ_q (O_q - t_q) ∂a^L_q/∂w^k_ij. */
export function recursiveGradient(
  net: PlainNetwork,
  samples: Samples,
  places: readonly WeightPlace[],
  { shortcut = false }: RecursiveOptions = {},
): Float64Array {
  const last = net.sizes.length - 1
  const outputs = net.sizes[last]
  const gradient = new Float64Array(places.length)
  for (let row = 0; row < samples.count; row++) {
    const state = run(net, inputOf(net, samples, row))
    const target = targetOf(net, samples, row)
    const derivative = shortcut ? shortDerivative : activationDerivative
    for (const [at, place] of places.entries()) {
      let total = 0
      for (let q = 0; q < outputs; q++)
        total += (state.activations[last][q] - target[q]) * derivative(net, state, last, q, place)
      gradient[at] += ((2 / outputs) * total) / samples.count
    }
  }
  return gradient
}

/** ∂a^l_q / ∂w^k_ij, equation (2) case by case. */
function activationDerivative(net: PlainNetwork, state: State, l: number, q: number, place: WeightPlace): number {
  const { sizes, weights } = net
  const { k, i, j } = place
  if (l === 0) return 0
  if (q === sizes[l]) return 0
  if (k >= l) return 0
  const slope = state.slopes[l][q]
  if (k === l - 1) return j === q ? slope * state.activations[k][i] : 0
  let total = 0
  for (let r = 0; r <= sizes[l - 1]; r++)
    total += weights[l - 1][r * sizes[l] + q] * activationDerivative(net, state, l - 1, r, place)
  return slope * total
}

/** The same, with one term of the sum where all others are 0. */
function shortDerivative(net: PlainNetwork, state: State, l: number, q: number, place: WeightPlace): number {
  const { sizes, weights } = net
  const { k, i, j } = place
  if (k >= l - 1 || q === sizes[l]) return activationDerivative(net, state, l, q, place)
  const slope = state.slopes[l][q]
  if (k === l - 2) return slope * weights[l - 1][j * sizes[l] + q] * state.slopes[l - 1][j] * state.activations[k][i]
  let total = 0
  for (let r = 0; r <= sizes[l - 1]; r++)
    total += weights[l - 1][r * sizes[l] + q] * shortDerivative(net, state, l - 1, r, place)
  return slope * total
}
