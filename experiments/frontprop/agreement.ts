// How far the ways to the gradient are apart, in f64.
import { type Tensor, tensor } from '../../src/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'
import { numericBound, numericGradient } from './gradients/numeric.ts'
import { asGradients, everyWeight, type PlainNetwork, type Samples } from './gradients/plain.ts'
import { recursiveGradient } from './gradients/recursive.ts'
import {
  factoredGradient,
  forwardGradient,
  matricisedGradient,
  type Problem,
  reverseGradient,
} from './gradients/tensors.ts'
import type { Sizes } from './network.ts'

export interface Agreement {
  readonly method: string
  /** The largest distance of a derivative from that of the recursive formula. */
  readonly distance: number
  /** The largest distance that the method allows for. */
  readonly bound: number
}

export const agreementSizes: Sizes = [12, 6, 5, 4]

/** Every method on one network with random weights and five samples, against equation (2) as it is written. */
export async function agreements(seed: number): Promise<readonly Agreement[]> {
  const sizes = agreementSizes
  const count = 5
  const draw = (stream: number, length: number): Float64Array =>
    Float64Array.from({ length }, (_, at) => uniformAt(seed, stream, 0, at))
  const net: PlainNetwork = {
    sizes,
    weights: sizes.slice(1).map((m, k) => draw(k, (sizes[k] + 1) * m).map((value) => 2 * value - 1)),
  }
  const samples: Samples = { count, inputs: draw(10, count * sizes[0]), targets: draw(11, count * sizes.at(-1)!) }
  const problem: Problem = {
    weights: net.weights.map((values, k) => tensor(values, { shape: [sizes[k] + 1, sizes[k + 1]] })),
    x: tensor(samples.inputs, { shape: [count, sizes[0]] }),
    t: tensor(samples.targets, { shape: [count, sizes.at(-1)!] }),
  }
  const places = everyWeight(sizes)
  const wanted = recursiveGradient(net, samples, places)
  const numericBounds = numericBound(net, samples, places)
  const found: [method: string, gradient: Float64Array, bound: number][] = [
    ['numeric differences', numericGradient(net, samples, places), Math.max(...numericBounds)],
    ['equation (2), with the case k = l - 2', recursiveGradient(net, samples, places, { shortcut: true }), exact],
    ['equation (2) in matrices', await flat(matricisedGradient(problem)), exact],
    ['equation (2) in matrices, a^k_i taken out', await flat(factoredGradient(problem)), exact],
    ['forward mode', await flat(forwardGradient(problem)), exact],
    ['reverse mode', await flat(reverseGradient(problem)), exact],
  ]
  const order = asGradients(sizes, places, wanted).flatMap((values) => Array.from(values))
  return found.map(([method, gradient, bound]) => ({
    method,
    distance: gradient.reduce((far, value, at) => Math.max(far, Math.abs(value - order[at])), 0),
    bound,
  }))
}

const exact = 1e-10

async function flat(gradients: readonly Tensor[]): Promise<Float64Array> {
  const all = await Promise.all(gradients.map((gradient) => gradient.data()))
  return Float64Array.from(all.flatMap((values) => Array.from(values)))
}
