// The document's layer, filters wired in place: with only the windows stored, and as the document stores it.
import type { Tensor } from '../../src/index.ts'
import { apply } from '../../src/nn/apply.ts'
import {
  defineLayer,
  type Initializer,
  kaimingUniform,
  type Layer,
  locallyConnected,
  parameter,
} from '../../src/nn/index.ts'

/** A layer from [inChannels, side, side] to outChannels of as many places as a window of kernel×kernel has in it. */
export interface Local {
  readonly inChannels: number
  readonly side: number
  readonly outChannels: number
  readonly kernel: number
}

export interface SpatialOptions {
  /**
   * What the first numbers are scaled by. `right`, the default: the inputs of a window, channels × kernel². `original`: as
   * in the document, kernel² for the weights and the number of places for the biases.
   */
  readonly fanIn?: 'right' | 'original'
  /** `windows`, the default; or `dense`: the document's six axes, whose zeros the first step fills. */
  readonly storage?: 'windows' | 'dense'
}

export function spatialFeature(local: Local, options: SpatialOptions = {}): Layer {
  const inits = initializersFor(local, options)
  if (options.storage === 'dense') return denseLayer(local, inits)
  const { inChannels, side, outChannels, kernel } = local
  return locallyConnected(inChannels, [side, side], outChannels, kernel, inits)
}

export const placesOf = ({ side, kernel }: Local): number => side - kernel + 1

/** Of the windows, and of the six axes [inChannels, side, side, outChannels, places, places]; biases in neither. */
export function weightCounts(local: Local): { readonly windows: number; readonly dense: number } {
  const { inChannels, side, outChannels, kernel } = local
  const results = outChannels * placesOf(local) ** 2
  return { windows: results * inChannels * kernel ** 2, dense: results * inChannels * side ** 2 }
}

interface Inits {
  readonly weightInit: Initializer
  readonly biasInit: Initializer
}

/**
 * Kaiming's with the gain of ReLU. PyTorch takes a weight's second axis and those behind it for its fan-in: of a window
 * [inChannels, kernel, kernel] given alone that is kernel², of the biases [outChannels, places, places] places².
 */
function initializersFor(local: Local, { fanIn = 'right' }: SpatialOptions): Inits {
  const { inChannels, kernel } = local
  const right = inChannels * kernel ** 2
  const [weights, biases] = fanIn === 'right' ? [right, right] : [kernel ** 2, placesOf(local) ** 2]
  return {
    weightInit: kaimingUniform({ fanIn: weights }),
    biasInit: kaimingUniform({ a: Math.sqrt(5), fanIn: biases }),
  }
}

/** All inputs into every result, those outside its window through zeros. */
function denseLayer(local: Local, { weightInit, biasInit }: Inits): Layer {
  const { inChannels, side, outChannels, kernel } = local
  const places = placesOf(local)
  const init: Initializer = {
    fill: (values, uniformAt, fans) => {
      const windows = new Float32Array(weightCounts(local).windows)
      weightInit.fill(windows, uniformAt, fans)
      for (const [at, place] of densePlaces(local).entries()) values[place] = windows[at]
    },
  }
  const weight = parameter([inChannels, side, side, outChannels, places, places], init, { name: 'weight' })
  const bias = parameter([outChannels, places, places], biasInit, { name: 'bias' })
  const formula = 'z[n,o,i,j] = bias[o,i,j] + sum(c,h,w) x[n,c,h,w] * weight[c,h,w,o,i,j]'
  return defineLayer({
    name: `spatialFeature(${inChannels} → ${outChannels}, ${kernel}×${kernel} on ${side}×${side}, stored densely)`,
    formula,
    parameters: { weight, bias },
    forward: (x: Tensor) => apply(formula, { x, weight, bias }),
  })
}

/** Where the weights of windows [outChannels, places, places, inChannels, kernel, kernel] lie among the six dense axes. */
export function densePlaces(local: Local): Int32Array {
  const { inChannels, side, outChannels, kernel } = local
  const places = placesOf(local)
  const found = new Int32Array(weightCounts(local).windows)
  let at = 0
  for (let o = 0; o < outChannels; o++)
    for (let i = 0; i < places; i++)
      for (let j = 0; j < places; j++)
        for (let c = 0; c < inChannels; c++)
          for (let u = 0; u < kernel; u++)
            for (let v = 0; v < kernel; v++) {
              const input = (c * side + i + u) * side + j + v
              found[at++] = ((input * outChannels + o) * places + i) * places + j
            }
  return found
}
