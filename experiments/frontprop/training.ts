// Training the document's classifier and autoencoder, with what it wished for as options.
import type { ImageSet, Split } from '../../src/data/index.ts'
import { fromArray, type Tensor } from '../../src/index.ts'
import { crossEntropy, dropout, type Layer, mse } from '../../src/nn/index.ts'
import { adam, type Optimizer, sgd } from '../../src/optim/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { evaluator, type Loss } from '../../src/train/evaluate.ts'
import { type Examples, examplesOf, fit, type Statistics, type TrainingLog } from '../../src/train/index.ts'
import { autoencoderSizes, classifierSizes, type Initialization, network, type Sizes } from './network.ts'

export interface Recipe {
  readonly initialization: Initialization
  readonly epochs: number
  readonly batchSize: number
  /** `sgd` has the document's momentum of ½. */
  readonly optimizer: 'sgd' | 'adam'
  /** 10 for sgd and 0.01 for adam when left out. */
  readonly lr?: number
  /** `cross-entropy` (of a softmax) is for classes; pixels are taken for yes or no then. */
  readonly loss: 'mse' | 'cross-entropy'
  /** The share of units of each inner layer that is left out of a step. */
  readonly dropout: number
  readonly seed: number
  readonly signal?: AbortSignal
  readonly log?: TrainingLog | false
}

/** The document's. */
export const documentRecipe = {
  initialization: 'kaiming',
  epochs: 16,
  batchSize: 1000,
  optimizer: 'sgd',
  loss: 'mse',
  dropout: 0,
  seed: 0,
} as const satisfies Recipe

/** How good the network is after so many epochs: 0 is before training. */
export interface Standing {
  readonly epoch: number
  readonly loss: number
  /** The share of digits recognised; null for the autoencoder. */
  readonly hitRate: number | null
  readonly validationLoss: number
  readonly validationHitRate: number | null
  /** Of training for this epoch, judging not included. */
  readonly seconds: number
}

export interface Trained {
  readonly net: Layer
  readonly sizes: Sizes
  readonly standings: readonly Standing[]
}

export async function trainClassifier(split: Split, recipe: Recipe): Promise<Trained> {
  const pixels = pixelsOf(split.train)
  const classes = split.train.classes.length
  const sizes = classifierSizes(pixels, classes)
  const isCrossEntropy = recipe.loss === 'cross-entropy'
  const loss: Loss = isCrossEntropy
    ? (outputs, labels) => crossEntropy(outputs, labels)
    : (outputs, labels) => mse(outputs, labels.oneHot(classes))
  return train(sizes, { train: examplesOf(split.train), test: examplesOf(split.test) }, loss, recipe, isCrossEntropy)
}

export async function trainAutoencoder(split: Split, recipe: Recipe): Promise<Trained> {
  const sizes = autoencoderSizes(pixelsOf(split.train))
  const itself = (set: ImageSet): Examples => {
    const images = fromArray(set.images, set.shape)
    return { name: set.name, images, labels: images }
  }
  const loss: Loss = (outputs, images) => {
    const wanted = unit(images).reshape(outputs.shape)
    return recipe.loss === 'mse' ? mse(outputs, wanted) : pixelCrossEntropy(outputs, wanted)
  }
  return train(sizes, { train: itself(split.train), test: itself(split.test) }, loss, recipe, false)
}

/** Bytes as numbers from 0 to 1. */
const unit = (bytes: Tensor): Tensor => bytes.cast('f32').mul(1 / 255)

/** For outputs that are shares already; held away from 0 and 1, where the logarithm has no value in f32. */
function pixelCrossEntropy(outputs: Tensor, wanted: Tensor): Tensor {
  const share = outputs.clamp(1e-6, 1 - 1e-6)
  const yes = wanted.mul(share.log())
  const no = wanted.neg().add(1).mul(share.neg().log1p())
  return yes.add(no).mean().neg()
}

export const pixelsOf = ({ shape: [, c, h, w] }: ImageSet): number => c * h * w

/** So that bytes become numbers from 0 to 1 inside the step. */
export const toUnit: Statistics = { mean: [0], std: [1] }

type Sets = { readonly train: Examples; readonly test: Examples }

async function train(sizes: Sizes, sets: Sets, loss: Loss, recipe: Recipe, logits: boolean): Promise<Trained> {
  const { initialization, epochs, batchSize, dropout: share, seed, signal, log } = recipe
  manualSeed(seed)
  const between = share > 0 ? () => dropout(share) : undefined
  const net = network(sizes, { initialization, between, logits })
  const judges = [sets.train, sets.test].map((set) =>
    evaluator(net, set, { loss, batchSize: 1000, statistics: toUnit }),
  )
  const standings: Standing[] = []
  const judge = async (epoch: number, seconds: number): Promise<void> => {
    const [onTrain, onTest] = [await judges[0](), await judges[1]()]
    standings.push({
      epoch,
      loss: onTrain.loss!,
      hitRate: onTrain.accuracy,
      validationLoss: onTest.loss!,
      validationHitRate: onTest.accuracy,
      seconds,
    })
  }
  await judge(0, 0)
  await fit(net, sets.train, {
    loss,
    optimizer: optimizerOf(recipe),
    epochs,
    batchSize,
    seed,
    statistics: toUnit,
    signal,
    log,
    onEpoch: ({ epoch, seconds }) => judge(epoch, seconds),
  })
  return { net, sizes, standings }
}

function optimizerOf({ optimizer, lr }: Recipe): Optimizer {
  return optimizer === 'adam' ? adam({ lr: lr ?? 0.01 }) : sgd({ lr: lr ?? 10, momentum: 0.5 })
}
