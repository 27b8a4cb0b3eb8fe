// What becomes of the document's six-axis weights: zeros at first, but for the windows, and then trained like all others.
import { batches, normalize, type Split, select } from '../../src/data/index.ts'
import { compile, fromArray, grad, type Tensor } from '../../src/index.ts'
import { crossEntropy, type Sequential } from '../../src/nn/index.ts'
import { adam } from '../../src/optim/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { type ModelOptions, model } from './models.ts'
import { densePlaces, type Local, placesOf, weightCounts } from './spatialFeature.ts'
import { statisticsOf } from './training.ts'

/** How the weights of one layer stand after some steps. */
export interface Standing {
  readonly step: number
  readonly zeros: number
  /** The part outside the windows of the sum of all squares. */
  readonly outside: number
}

export interface DensifiedLayer extends Local {
  readonly stored: number
  readonly meaningful: number
  readonly standings: readonly Standing[]
}

export interface Densified {
  readonly layers: readonly DensifiedLayer[]
  /** Between what the dense network and that of windows answer before the first step. */
  readonly distance: number
  /** The weights from the first channel into the unit in the middle of the first layer's first channel, by steps done. */
  readonly maps: readonly { readonly step: number; readonly weights: readonly (readonly number[])[] }[]
}

export interface DensifyOptions {
  readonly model: Omit<ModelOptions, 'storage'>
  readonly batchSize: number
  readonly lr: number
  readonly seed: number
  /** After how many steps to look. */
  readonly looks: readonly number[]
}

/** Trains SpatialDenseNet as the document stores it, by Adam, on images that are not augmented. */
export async function densify({ train }: Split, options: DensifyOptions): Promise<Densified> {
  const { batchSize, lr, seed, looks } = options
  const made = (storage: 'windows' | 'dense') => {
    manualSeed(seed)
    return model('spatial-dense', { ...options.model, storage })
  }
  const { net, locals } = made('dense')
  const optimizer = adam({ lr }).bind(net)
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = crossEntropy(net(x), y)
    optimizer.update(grad(loss, net.parameters()))
    return loss
  })
  const { mean, std } = statisticsOf(train)
  const [, ...shape] = train.shape
  const rows = [...batches(train.shape[0], batchSize, { seed, dropLast: true })]
  const batch = (at: number) => {
    const { images, labels } = select(train, rows[at % rows.length])
    return {
      x: fromArray(normalize(images, [batchSize, ...shape], mean, std), [batchSize, ...shape]),
      y: fromArray(labels, [batchSize]),
    }
  }

  const distance = await largestDistance(made('windows').net, net, batch(0).x)
  const weights = spatialWeights(net)
  const standings: Standing[][] = locals.map(() => [])
  const maps: { step: number; weights: number[][] }[] = []
  let done = 0
  for (const look of [0, ...looks]) {
    for (; done < look; done++) {
      const { x, y } = batch(done)
      step(x, y)
    }
    for (const [at, local] of locals.entries()) {
      const values = await weights[at].data()
      standings[at].push({ step: done, ...standingOf(values, local) })
      if (at === 0) maps.push({ step: done, weights: mapOf(values, local) })
    }
  }
  const layers = locals.map((local, at) => {
    const { dense: stored, windows: meaningful } = weightCounts(local)
    return { ...local, stored, meaningful, standings: standings[at] }
  })
  return { layers, distance, maps }
}

/** In evaluation mode: both with all units, and with the same statistics. */
async function largestDistance(a: Sequential, b: Sequential, x: Tensor): Promise<number> {
  const [first, second] = await Promise.all([a, b].map(async (net) => Float32Array.from(await net.eval()(x).data())))
  for (const net of [a, b]) net.train()
  return first.reduce((largest, value, at) => Math.max(largest, Math.abs(value - second[at])), 0)
}

const spatialWeights = (net: Sequential) => net.parameters().filter(({ shape }) => shape.length === 6)

function standingOf(values: ArrayLike<number>, local: Local): Omit<Standing, 'step'> {
  let [zeros, all, inside] = [0, 0, 0]
  for (let at = 0; at < values.length; at++) {
    if (values[at] === 0) zeros++
    all += values[at] ** 2
  }
  for (const place of densePlaces(local)) inside += values[place] ** 2
  return { zeros, outside: Math.max(0, 1 - inside / all) }
}

function mapOf(values: ArrayLike<number>, local: Local): number[][] {
  const { side, outChannels } = local
  const places = placesOf(local)
  const middle = Math.floor(places / 2)
  return Array.from({ length: side }, (_, h) =>
    Array.from({ length: side }, (_, w) => values[((h * side + w) * outChannels * places + middle) * places + middle]),
  )
}
