// Training: batches, steps, epochs.
import { grad } from '../autodiff/index.ts'
import type { Split } from '../data/dataset.ts'
import { batches } from '../data/shuffle.ts'
import { EinfoldError } from '../errors.ts'
import { fromArray } from '../graph/creation.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Layer } from '../nn/layer.ts'
import type { Optimizer } from '../optim/index.ts'
import { compile } from '../runtime/compile.ts'
import { type Augmentation, sources } from './augmentation.ts'
import { batchTaker } from './batch.ts'
import { evaluator, type Loss, meanOf, numberOf, trainedWith } from './evaluate.ts'
import {
  areBytes,
  areClasses,
  type Data,
  type Examples,
  examplesOf,
  isSplit,
  type Statistics,
  statisticsOf,
} from './examples.ts'
import { restore, type Snapshot, snapshot } from './keepBest.ts'
import { progressLog, type TrainingLog } from './progress.ts'
import { turn } from './turn.ts'

export interface FitOptions {
  /** From outputs and labels to the loss: its mean over the batch is made small. */
  readonly loss: Loss
  readonly optimizer: Optimizer
  readonly epochs: number
  /** Examples a step; 32 when left out. */
  readonly batchSize?: number
  /** What the learning rate is multiplied by, from the share of all steps that is done: `(done) => 1 - done` falls to 0. */
  readonly schedule?: (done: number) => number
  /** Judged after each epoch. When left out: the `test` of a split, else nothing. */
  readonly validation?: Data
  /** Of the order of the examples, another one each epoch, and of augmentation; 0 when left out. */
  readonly seed?: number
  /** What bytes are standardised by, for training and validation; the training set's own statistics when left out. */
  readonly statistics?: Statistics
  /** Random crops and mirrorings of byte images of shape [n,c,h,w]. */
  readonly augment?: Augmentation
  /** Ends with the parameters of the best epoch: of highest validation accuracy, else of lowest (validation) loss. */
  readonly keepBest?: boolean
  readonly onEpoch?: (record: EpochRecord) => void | Promise<void>
  /** Stops training after the current step; what was learnt stays, and the history is returned. */
  readonly signal?: AbortSignal
  /** Where progress is shown: a bar in a terminal, else a line an epoch. `false` for nowhere. */
  readonly log?: TrainingLog | false
}

export interface EpochRecord {
  /** Counted from 1. */
  readonly epoch: number
  /** Means over the epoch's steps, while the parameters changed. */
  readonly loss: number
  /** A share, 0 … 1; null when labels are not class numbers. */
  readonly accuracy: number | null
  readonly validationLoss: number | null
  readonly validationAccuracy: number | null
  /** Of training; validation is not in it. */
  readonly seconds: number
  /** At the end of the epoch. */
  readonly learningRate: number
  /** Steps taken: fewer than planned when training was stopped. */
  readonly steps: number
}

export interface History {
  readonly epochs: readonly EpochRecord[]
  /** `done`: all epochs; `aborted`: by the signal; `diverged`: the loss was no longer a number. */
  readonly ended: 'done' | 'aborted' | 'diverged'
  /** The number of the best epoch; null when none was finished. */
  readonly best: number | null
  /** What images were standardised by; null when they were not. */
  readonly statistics: Statistics | null
  readonly seconds: number
}

/**
 * Trains a network. Each step, from the gathering of its rows to the update of all parameters, is one compiled program; the
 * data lie on the device as they are given. In each epoch every example is seen once, in an order given by `seed` and
 * epoch, but for those that do not fill a last batch, which differ from epoch to epoch. Afterwards the network is in
 * evaluation mode.
 *
 * Throws EinfoldError `bad-option`, and ShapeError `shape-mismatch` or `empty-set` for data that do not fit.
 */
export async function fit(net: Layer, data: Data | Split, options: FitOptions): Promise<History> {
  checkOptions(options)
  const began = performance.now()
  const { optimizer, epochs, signal, log = progressLog() } = options
  const training = isSplit(data) ? data.train : data
  const validation = options.validation ?? (isSplit(data) ? data.test : undefined)
  const examples = examplesOf(training)
  const statistics = options.statistics ?? (await statisticsOf(training))
  if (options.augment && !(areBytes(examples) && statistics))
    throw new EinfoldError('bad-option', 'fit: only images that are bytes of shape [n,c,h,w] can be augmented')
  if (statistics) trainedWith.set(net, statistics)

  const { loss } = options
  const n = examples.images.shape[0]
  const batchSize = Math.min(options.batchSize ?? 32, n)
  optimizer.bind(net)
  const { lr } = optimizer
  const runStep = trainingStep(net, examples, statistics, options)
  const judge =
    validation && evaluator(net, examplesOf(validation), { loss, batchSize: Math.max(batchSize, 100), statistics })

  const records: EpochRecord[] = []
  let ended: History['ended'] = 'done'
  let best: { readonly record: EpochRecord; readonly parameters: Snapshot | null } | null = null
  for (let epoch = 1; epoch <= epochs && ended === 'done'; epoch++) {
    net.train()
    const trained = await runEpoch({ epoch, examples, batchSize, runStep, log, lr }, options)
    ended = trained.ended
    const judged = judge && ended === 'done' ? await judge(signal) : null
    if (signal?.aborted) ended = 'aborted'
    const record: EpochRecord = {
      epoch,
      loss: trained.loss,
      accuracy: trained.accuracy,
      validationLoss: judged?.loss ?? null,
      validationAccuracy: judged?.accuracy ?? null,
      seconds: trained.seconds,
      learningRate: optimizer.lr,
      steps: trained.steps,
    }
    records.push(record)
    if (ended !== 'diverged' && (!best || isBetter(record, best.record)))
      best = { record, parameters: options.keepBest ? await snapshot(net) : null }
    if (log) log.epoch(record, epochs)
    await options.onEpoch?.(record)
  }
  if (options.schedule) optimizer.lr = lr
  if (best?.parameters && best.record !== records.at(-1)) restore(net, best.parameters)
  net.eval()
  if (log) log.end({ ended, records, kept: best?.parameters ? best.record : null })
  return {
    epochs: records,
    ended,
    best: best?.record.epoch ?? null,
    statistics,
    seconds: (performance.now() - began) / 1000,
  }
}

interface EpochPlan {
  readonly epoch: number
  readonly examples: Examples
  readonly batchSize: number
  readonly runStep: (rows: Int32Array, epoch: number) => StepNumbers
  readonly log: TrainingLog | false
  /** Before any schedule. */
  readonly lr: number
}

/** The steps of one epoch, and the means of what they said. */
async function runEpoch(
  { epoch, examples, batchSize, runStep, log, lr }: EpochPlan,
  { epochs, seed = 0, signal, optimizer, schedule }: FitOptions,
): Promise<Pick<EpochRecord, 'loss' | 'accuracy' | 'seconds' | 'steps'> & Pick<History, 'ended'>> {
  const began = performance.now()
  const n = examples.images.shape[0]
  const steps = Math.floor(n / batchSize)
  const hasAccuracy = areClasses(examples)
  let ended: History['ended'] = 'done'
  let pending: StepNumbers[] = []
  let step = 0
  let lossSum = 0
  let hits = 0
  let lastTurn = 0
  const means = () => ({
    loss: lossSum / step,
    accuracy: hasAccuracy ? hits / (step * batchSize) : null,
    seconds: (performance.now() - began) / 1000,
  })
  for (const rows of batches(n, batchSize, { seed, epoch: epoch - 1, dropLast: true })) {
    if (schedule) optimizer.lr = lr * schedule((epoch - 1 + step / steps) / epochs)
    pending.push(runStep(rows, epoch - 1))
    step++
    if (performance.now() - lastTurn < betweenTurns && step < steps) continue
    for (const numbers of pending) {
      lossSum += await numberOf(numbers.loss)
      if (numbers.hits) hits += await numberOf(numbers.hits)
    }
    pending = []
    if (log) log.step({ epoch, epochs, step, steps, ...means() })
    await turn()
    lastTurn = performance.now()
    if (!Number.isFinite(lossSum)) ended = 'diverged'
    else if (signal?.aborted) ended = 'aborted'
    if (ended !== 'done') break
  }
  return { ...means(), steps: step, ended }
}

/** Milliseconds of steps between two looks at their numbers and at the rest of the world. */
const betweenTurns = 40

/** What a step leaves: numbers that may still be on their way. */
interface StepNumbers {
  readonly loss: Tensor
  readonly hits?: Tensor
}

/** The compiled step: rows of the set to new parameters. */
function trainingStep(
  net: Layer,
  examples: Examples,
  statistics: Statistics | null,
  { loss, optimizer, augment, seed = 0 }: FitOptions,
): (rows: Int32Array, epoch: number) => StepNumbers {
  const take = batchTaker(examples, statistics)
  const step = compile((rows: Tensor, ...places: Tensor[]) => {
    const [down, across] = places
    const { images, labels } = take({ rows, down, across })
    const outputs = net(images)
    const mean = meanOf(loss(outputs, labels))
    optimizer.update(grad(mean, net.parameters()))
    const hits = areClasses(examples) ? outputs.argmax(-1).eq(labels).cast('i32').sum() : undefined
    return hits ? { loss: mean, hits } : { loss: mean }
  })
  return (rows, epoch) => {
    const at = fromArray(rows, [rows.length])
    if (!augment) return step(at)
    const [, , height, width] = examples.images.shape
    const { down, across } = sources(rows, [height, width], augment, { seed, epoch })
    return step(at, down, across)
  }
}

/** Whether an epoch ended better than another. */
function isBetter(record: EpochRecord, than: EpochRecord): boolean {
  if (record.validationAccuracy !== null && than.validationAccuracy !== null)
    return record.validationAccuracy > than.validationAccuracy
  const [loss, otherLoss] = [record, than].map((of) => of.validationLoss ?? of.loss)
  return loss < otherLoss
}

function checkOptions({ epochs, batchSize = 1 }: FitOptions): void {
  for (const [name, value, least] of [
    ['epochs', epochs, 0],
    ['batchSize', batchSize, 1],
  ] as const)
    if (!Number.isInteger(value) || value < least)
      throw new EinfoldError('bad-option', `fit: ${name} must be a whole number, ${least} or more, not ${value}`)
}
