// The draft's loop over units, one at a time in plain numbers, and its gradient by hand.
import type { Activation, Reading } from '../network.ts'

/** A grid's parameters: for each layer, one number a unit. A weight belongs to the unit it is read with. */
export interface GridNumbers {
  readonly w: readonly Float64Array[]
  readonly c: readonly Float64Array[]
}

/** What a run leaves for its gradient. */
export interface LoopRun {
  /** Before each layer and after the last; unit i at i + 1, between two zeros. */
  readonly a: readonly Float64Array[]
  /** Before the activation. */
  readonly z: readonly Float64Array[]
}

export interface LoopOptions {
  readonly activation: Activation
  readonly reads: Reading
}

/**
 * One sample of `height` units through all layers. Arrays are as in the draft, a unit longer at both ends; so the neighbours of
 * unit i lie at i, i + 1 and i + 2. The draft reads i - 1, i and i + 1: units i - 2, i - 1 and i. (Its -1 is the array's
 * end, a zero.)
 */
export function runLoop({ w, c }: GridNumbers, x: ArrayLike<number>, { activation, reads }: LoopOptions): LoopRun {
  const height = x.length
  const h = activation === 'sin' ? Math.sin : Math.tanh
  const first = reads === 'below' ? -1 : 0
  const a = [padded(x)]
  const z: Float64Array[] = []
  for (let j = 0; j < w.length; j++) {
    const [before, weights, biases] = [a[j], padded(w[j]), c[j]]
    const [sums, after] = [new Float64Array(height), new Float64Array(height + 2)]
    for (let i = 0; i < height; i++) {
      const low = first + i < 0 ? height + 1 : first + i
      const [middle, high] = [first + i + 1, first + i + 2]
      sums[i] =
        biases[i] + (before[low] * weights[low] + before[middle] * weights[middle] + before[high] * weights[high])
      after[i + 1] = h(sums[i])
    }
    z.push(sums)
    a.push(after)
  }
  return { a, z }
}

/** The signal behind the last layer. */
export const outputOf = ({ a }: LoopRun): Float64Array => a[a.length - 1].slice(1, -1)

/**
 * From the derivatives of an error by the outputs to those by the inputs, which are returned, and by the parameters, which are
 * added to `into`. A weight is met by three units, and gets the sum of what they say.
 */
export function loopGradient(
  { w }: GridNumbers,
  { a, z }: LoopRun,
  byOutput: ArrayLike<number>,
  { activation, reads }: LoopOptions,
  into: GridNumbers,
): Float64Array {
  const height = byOutput.length
  const first = reads === 'below' ? -2 : -1
  let delta = Float64Array.from(byOutput)
  for (let j = w.length - 1; j >= 0; j--) {
    const [before, weights, sums] = [a[j], w[j], z[j]]
    const [byWeights, byBiases] = [into.w[j], into.c[j]]
    const next = new Float64Array(height)
    for (let i = 0; i < height; i++) {
      const slope = activation === 'sin' ? Math.cos(sums[i]) : 1 - a[j + 1][i + 1] ** 2
      const error = delta[i] * slope
      byBiases[i] += error
      for (let source = Math.max(0, i + first); source <= Math.min(height - 1, i + first + 2); source++) {
        byWeights[source] += error * before[source + 1]
        next[source] += error * weights[source]
      }
    }
    delta = next
  }
  return delta
}

function padded(values: ArrayLike<number>): Float64Array {
  const result = new Float64Array(values.length + 2)
  result.set(values, 1)
  return result
}
