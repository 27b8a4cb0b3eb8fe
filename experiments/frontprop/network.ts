// The document's networks: sigmoid units in layers, the bias a further unit of each layer that is fixed at 1.
import { flatten, init, type Layer, layer, parameter, sequential } from '../../src/nn/index.ts'

/** Units of each layer, the bias unit not counted. */
export type Sizes = readonly number[]

export const classifierSizes = (pixels: number, classes: number): Sizes => [pixels, 16, 16, classes]
export const autoencoderSizes = (pixels: number): Sizes => [pixels, 64, pixels]

/** w[i,j] goes from unit i to unit j; row n is that of the bias unit, so that w has shape [n + 1, m]. */
export const denseText = 'a[b,j] = sigmoid(w[n,j] + sum(i<n) w[i,j] * x[b,i])'
/** The same without the sigmoid: for a loss that takes logits. */
export const logitsText = 'a[b,j] = w[n,j] + sum(i<n) w[i,j] * x[b,i]'

/** How weights begin; n is the number of units a layer is fed by, without the bias unit. */
export const initializations = {
  /** The document calls it Kaiming; its code draws (u - ½)·√(3/(n+1)). */
  kaiming: (n: number) => init.uniform(-0.5 * Math.sqrt(3 / (n + 1)), 0.5 * Math.sqrt(3 / (n + 1))),
  /** What torch.nn.Linear does. */
  pytorch: (n: number) => init.uniform(-1 / Math.sqrt(n), 1 / Math.sqrt(n)),
  /** The document's own: N(0,1)/√fan in, the bias unit counted. */
  normal: (n: number) => init.normal(0, 1 / Math.sqrt(n + 1)),
} as const

export type Initialization = keyof typeof initializations

export const initializationNames: Readonly<Record<Initialization, string>> = {
  kaiming: 'kaiming (±½√(3/(n+1)))',
  pytorch: 'PyTorch (±1/√n)',
  normal: 'N(0,1)/√fan in',
}

export interface NetworkOptions {
  readonly initialization: Initialization
  /** What stands between two layers of weights: dropout. */
  readonly between?: () => Layer
  /** Whether the last layer has no sigmoid. */
  readonly logits?: boolean
}

/** [b, …] to [b, last size]; parameter k has shape [sizes[k] + 1, sizes[k + 1]]. */
export function network(sizes: Sizes, { initialization, between, logits = false }: NetworkOptions): Layer {
  const layers = sizes.slice(1).flatMap((m, k): Layer[] => {
    const n = sizes[k]
    const w = parameter([n + 1, m], initializations[initialization](n), { name: `w${k}` })
    const isLast = k === sizes.length - 2
    const name = `dense(${n} + 1 → ${m})`
    const dense = logits && isLast ? layer(logitsText, { w, n }, { name }) : layer(denseText, { w, n }, { name })
    return between && k > 0 ? [between(), dense] : [dense]
  })
  return sequential(flatten(), ...layers)
}

export const weightCount = (sizes: Sizes): number =>
  sizes.slice(1).reduce((total, m, k) => total + (sizes[k] + 1) * m, 0)
