// What a training is made of, and the training.
import type { ImageSet, Split } from '../../src/data/index.ts'
import type { Layer } from '../../src/nn/index.ts'
import { sgd } from '../../src/optim/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { fit, type History, type TrainingLog } from '../../src/train/index.ts'
import { losses, type NetworkOptions, network } from './network.ts'

export interface Recipe extends NetworkOptions {
  readonly loss: keyof typeof losses
  readonly lr: number
  /** This times a weight is added to its gradient. */
  readonly weightDecay: number
  /** Of the learning rate: as it is, or falling to 0. */
  readonly schedule: keyof typeof schedules
}

/** The document's, to the letter; and two of ours, for a few epochs and for ten. All have batches of 60 and momentum 0.9. */
export const recipes = {
  document: {
    gradients: 'document',
    loss: 'document',
    init: 'document',
    bias: false,
    lr: 0.1,
    weightDecay: 0,
    schedule: 'constant',
    pool: 'none',
    stride: 1,
  },
  short: {
    gradients: 'derived',
    loss: 'cross-entropy',
    init: 'pytorch',
    bias: true,
    lr: 0.03,
    weightDecay: 0,
    schedule: 'linear',
    pool: 'none',
    stride: 1,
  },
  long: {
    gradients: 'derived',
    loss: 'cross-entropy',
    init: 'pytorch',
    bias: true,
    lr: 0.03,
    weightDecay: 0.002,
    schedule: 'linear',
    pool: 'none',
    stride: 1,
  },
} as const satisfies Record<string, Recipe>

export const schedules = {
  constant: () => 1,
  linear: (done: number) => 1 - done,
} as const satisfies Record<string, (done: number) => number>

export interface Course {
  readonly epochs: number
  readonly batchSize: number
  readonly seed: number
  readonly signal?: AbortSignal
  readonly log?: TrainingLog | false
  /** Judged after each epoch. */
  readonly validation?: ImageSet
}

export interface Trained {
  readonly net: Layer
  readonly history: History
}

export async function train({ train: images }: Split, recipe: Recipe, course: Course): Promise<Trained> {
  manualSeed(course.seed)
  const net = network(images.shape, images.classes.length, recipe)
  const history = await fit(net, images, {
    ...course,
    loss: losses[recipe.loss],
    optimizer: sgd({ lr: recipe.lr, momentum: 0.9, weightDecay: recipe.weightDecay }),
    schedule: schedules[recipe.schedule],
  })
  return { net, history }
}

export const parameterCount = (net: Layer): number => net.parameters().reduce((count, { size }) => count + size, 0)
