// Training a grid network, and what its numbers are afterwards.
import type { Split } from '../../src/data/index.ts'
import type { Tensor } from '../../src/index.ts'
import { crossEntropy } from '../../src/nn/index.ts'
import { adam } from '../../src/optim/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import type { Loss } from '../../src/train/evaluate.ts'
import { type EpochRecord, fit, type Statistics, type TrainingLog } from '../../src/train/index.ts'
import { type GridNetwork, gridNetwork, type NetworkOptions, parameterCount } from './network.ts'

export const losses = ['cross-entropy', 'half-mse'] as const
export const schedules = ['constant', 'linear'] as const

export interface Recipe {
  readonly network: NetworkOptions
  /** `half-mse` is the draft's ½ Σ (y - x)² against 1 for the class and 0 for the others. */
  readonly loss: (typeof losses)[number]
  readonly epochs: number
  readonly batchSize: number
  readonly lr: number
  /** `linear` lets the learning rate fall to 0. */
  readonly schedule: (typeof schedules)[number]
  readonly seed: number
  readonly signal?: AbortSignal
  readonly log?: TrainingLog | false
}

export interface Trained {
  readonly network: GridNetwork
  readonly parameters: number
  /** The test set is judged after each, for the curve; what counts is the last. */
  readonly epochs: readonly EpochRecord[]
  readonly testAccuracy: number
}

/** Pixels from 0 to 1 become numbers from -1 to 1. */
export const halves: Statistics = { mean: [0.5], std: [0.5] }

export async function train(split: Split, recipe: Recipe): Promise<Trained> {
  const { epochs, batchSize, lr, schedule, seed, signal, log } = recipe
  const [, , h, w] = split.train.shape
  const classes = split.train.classes.length
  manualSeed(seed)
  const network = gridNetwork([h, w], classes, recipe.network)
  const history = await fit(network.net, split, {
    loss: recipe.loss === 'cross-entropy' ? crossEntropy : halfSquares(classes),
    optimizer: adam({ lr }),
    schedule: schedule === 'linear' ? (done) => 1 - done : undefined,
    epochs,
    batchSize,
    statistics: halves,
    seed,
    signal,
    log,
  })
  const testAccuracy = history.epochs.at(-1)?.validationAccuracy ?? 0
  return { network, parameters: parameterCount(network.net), epochs: history.epochs, testAccuracy }
}

/** Of each sample. */
const halfSquares =
  (classes: number): Loss =>
  (outputs: Tensor, labels: Tensor) =>
    outputs.sub(labels.oneHot(classes)).square().sum(1).mul(0.5)
