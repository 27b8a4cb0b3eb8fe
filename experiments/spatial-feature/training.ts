// Training as in the document: augmented images, Adam, cross-entropy.
import { type ImageSet, pixelStatistics, type Split } from '../../src/data/index.ts'
import { crossEntropy, type Layer } from '../../src/nn/index.ts'
import { adam } from '../../src/optim/index.ts'
import { type EpochRecord, fit, type Statistics, type TrainingLog } from '../../src/train/index.ts'

export const schedules = {
  constant: () => 1,
  linear: (done: number) => 1 - done,
  /** Constant for three fifths of the training, then falling to 0. */
  late: (done: number) => Math.min(1, (1 - done) / 0.4),
} as const satisfies Readonly<Record<string, (done: number) => number>>

export type Schedule = keyof typeof schedules

export interface Recipe {
  readonly epochs: number
  readonly batchSize: number
  readonly lr: number
  readonly schedule: Schedule
  /** Random crops of the padded image, and mirrorings. */
  readonly augment: boolean
  readonly seed: number
  readonly signal?: AbortSignal
  readonly log?: TrainingLog | false
  readonly onEpoch?: (record: EpochRecord) => Promise<void>
}

/** The document's. */
export const documentRecipe = {
  epochs: 5,
  batchSize: 64,
  lr: 3e-4,
  schedule: 'constant',
  augment: true,
  seed: 0,
} as const satisfies Recipe

/** The document's mean and deviation of CIFAR-10; other sets have their own. */
const cifar: Statistics = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] }

export const statisticsOf = (train: ImageSet): Statistics =>
  train.name.startsWith('cifar-10') ? cifar : pixelStatistics(train)

/** Trains on the one half of a split, judged by the other after each epoch. */
export async function train(net: Layer, split: Split, recipe: Recipe): Promise<readonly EpochRecord[]> {
  const { epochs, batchSize, lr, schedule, augment, seed, signal, log, onEpoch } = recipe
  const { epochs: records } = await fit(net, split, {
    loss: crossEntropy,
    optimizer: adam({ lr }),
    schedule: schedule === 'constant' ? undefined : schedules[schedule],
    epochs,
    batchSize,
    augment: augment ? { padding: 4, flip: true } : undefined,
    statistics: statisticsOf(split.train),
    seed,
    signal,
    log,
    onEpoch,
  })
  return records
}
