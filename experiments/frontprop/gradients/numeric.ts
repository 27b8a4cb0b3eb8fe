// Gradients by central differences, each with a bound of its own error.
import { meanError, type PlainNetwork, type Samples, type WeightPlace } from './plain.ts'

/** Near the cube root of the precision, where the error of the formula and that of rounding are about equal. */
const step = 1e-5

/** The derivative of the mean error by each of `places`: two runs over all samples for one. */
export function numericGradient(net: PlainNetwork, samples: Samples, places: readonly WeightPlace[]): Float64Array {
  return Float64Array.from(places, (place) => centralDifference(net, samples, place, step))
}

/**
 * How far `numericGradient` may be off. The formula's own error falls with the square of the step, so that of the step at
 * hand is a third of the distance to the result with twice the step; taken whole, to be safe. Rounding moves the error E
 * by some units in its last place, which the division by the step enlarges.
 */
export function numericBound(net: PlainNetwork, samples: Samples, places: readonly WeightPlace[]): Float64Array {
  const rounding = (32 * Number.EPSILON * Math.max(meanError(net, samples), 1e-3)) / step
  return Float64Array.from(places, (place) => {
    const [near, far] = [step, 2 * step].map((h) => centralDifference(net, samples, place, h))
    return Math.abs(far - near) + rounding
  })
}

function centralDifference(net: PlainNetwork, samples: Samples, { k, i, j }: WeightPlace, h: number): number {
  const weights = net.weights[k]
  const at = i * net.sizes[k + 1] + j
  const before = weights[at]
  const errorAt = (value: number): number => {
    weights[at] = value
    return meanError(net, samples)
  }
  const difference = errorAt(before + h) - errorAt(before - h)
  weights[at] = before
  return difference / (2 * h)
}
