// How long an epoch takes in each form.
import type { ImageSet } from '../../src/data/index.ts'
import { compile, fromArray, grad, random, type Tensor, zeros } from '../../src/index.ts'
import {
  crossEntropy,
  defineLayer,
  flatten,
  type Layer,
  linear,
  parameter,
  sequential,
  xavierUniform,
} from '../../src/nn/index.ts'
import { adam } from '../../src/optim/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { fit } from '../../src/train/index.ts'
import { loopTraining, type NetworkNumbers } from './forms/loopTraining.ts'
import { type FormName, formOf } from './forms/tensors.ts'
import { codeOptions, type GridSize, gridNetwork } from './network.ts'
import { halves } from './training.ts'

export interface FormTime {
  readonly form: TimedForm
  readonly batch: number
  /** For 60,000 images: forward, backward and Adam. */
  readonly epochSeconds: number
  /** Whether it was reckoned from the median time of some steps; else a whole epoch was run. */
  readonly extrapolated: boolean
  /** Of a step: the median and the least of `runs`; of an epoch, the mean. */
  readonly stepMs: { readonly median: number; readonly least: number; readonly runs: number }
}

export const timedForms = ['loop', 'sparse', 'matrix', 'unfold', 'formula', 'training'] as const
export type TimedForm = (typeof timedForms)[number]

export interface TimingOptions {
  readonly size: GridSize
  readonly batches: readonly number[]
  /** For each form and batch, but at least three steps. */
  readonly milliseconds: number
  /** For whole epochs of training; where they are fewer than 60,000 images, the rest is reckoned. */
  readonly images: ImageSet
  readonly signal: AbortSignal
  told(time: FormTime): void
}

const epochSize = 60_000

export async function timeForms(options: TimingOptions): Promise<readonly FormTime[]> {
  const times: FormTime[] = []
  for (const batch of options.batches)
    for (const form of timedForms) {
      if (options.signal.aborted) return times
      const time = await timers[form](form, batch, options)
      times.push(time)
      options.told(time)
    }
  return times
}

type Timer = (form: TimedForm, batch: number, options: TimingOptions) => Promise<FormTime>

const timers: Readonly<Record<TimedForm, Timer>> = {
  loop: timeLoop,
  sparse: timeTensors,
  matrix: timeTensors,
  unfold: timeTensors,
  formula: timeTensors,
  training: timeTraining,
}

/** In plain numbers. */
async function timeLoop(form: TimedForm, batch: number, options: TimingOptions): Promise<FormTime> {
  const pixels = pixelsOf(options)
  const classes = options.images.classes.length
  const net = gridNetwork(imageOf(options), classes, { ...codeOptions, size: options.size })
  const step = loopTraining(await numbersOf(net), 'sin', 1e-4)
  const inputs = Array.from({ length: batch }, (_, at) =>
    Float64Array.from({ length: pixels }, (_, pixel) => Math.sin(at + pixel)),
  )
  const labels = inputs.map((_, at) => at % classes)
  const stepMs = await timed(async () => {
    step(inputs, labels)
  }, options.milliseconds)
  return fromSteps(form, batch, stepMs)
}

/** A compiled step: cross-entropy, all gradients, Adam. The batch is there. */
async function timeTensors(form: TimedForm, batch: number, options: TimingOptions): Promise<FormTime> {
  manualSeed(0)
  const classes = options.images.classes.length
  const net = formNetwork(form as FormName, options)
  const optimizer = adam({ lr: 1e-4 }).bind(net)
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = crossEntropy(net(x), y)
    optimizer.update(grad(loss, net.parameters()))
    return loss
  })
  const x = random.normal([batch, pixelsOf(options)], { seed: 1 }).detach()
  const y = fromArray(
    Int32Array.from({ length: batch }, (_, at) => at % classes),
    [batch],
  )
  const stepMs = await timed(async () => {
    const loss = step(x, y)
    await loss.item()
    loss[Symbol.dispose]()
  }, options.milliseconds)
  return fromSteps(form, batch, stepMs)
}

function fromSteps(form: TimedForm, batch: number, stepMs: FormTime['stepMs']): FormTime {
  return { form, batch, epochSeconds: (stepMs.median / 1000) * (epochSize / batch), extrapolated: true, stepMs }
}

/** The network of `fit`, from the choice of rows on: the second of two epochs, since the first compiles. */
async function timeTraining(
  form: TimedForm,
  batch: number,
  { images, size, signal }: TimingOptions,
): Promise<FormTime> {
  manualSeed(0)
  const [n, , h, w] = images.shape
  const { net } = gridNetwork([h, w], images.classes.length, { ...codeOptions, size })
  const { epochs } = await fit(net, images, {
    loss: crossEntropy,
    optimizer: adam({ lr: 1e-4 }),
    epochs: 2,
    batchSize: batch,
    statistics: halves,
    signal,
    log: false,
  })
  const { seconds, steps } = epochs[epochs.length - 1]
  const step = (1000 * seconds) / steps
  return {
    form,
    batch,
    epochSeconds: (seconds / (steps * batch)) * epochSize,
    extrapolated: n < epochSize,
    stepMs: { median: step, least: step, runs: steps },
  }
}

/** Milliseconds of a run, after two that are not counted. */
async function timed(once: () => Promise<void>, milliseconds: number): Promise<FormTime['stepMs']> {
  await once()
  await once()
  const runs: number[] = []
  const began = performance.now()
  do {
    const start = performance.now()
    await once()
    runs.push(performance.now() - start)
  } while (runs.length < 3 || performance.now() - began < milliseconds)
  runs.sort((a, b) => a - b)
  return { median: runs[Math.floor(runs.length / 2)], least: runs[0], runs: runs.length }
}

/** The network of the code behind the draft, its grid's layers in one of the forms. */
export function formNetwork(form: FormName, { size, images }: Pick<TimingOptions, 'size' | 'images'>): Layer {
  const { height, layers } = size
  const grid = Array.from({ length: layers }, () => {
    const forward = formOf(form, height, 'sin')
    const w = parameter([height], xavierUniform({ fanIn: 3, fanOut: 3 }), { name: 'w' })
    const c = parameter([height], zeros, { name: 'c' })
    return defineLayer({ name: form, parameters: { w, c }, forward: (x: Tensor) => forward(x, w, c) })
  })
  return sequential(flatten(), linear(pixelsOf({ images }), height), ...grid, linear(height, images.classes.length))
}

/** The parameters of a network as the loop takes them. */
export async function numbersOf({ net }: { readonly net: Layer }): Promise<NetworkNumbers> {
  const all = await Promise.all(net.parameters().map(async (one) => Float64Array.from(await one.data())))
  const inner = all.slice(2, -2)
  return {
    weightIn: all[0],
    biasIn: all[1],
    w: inner.filter((_, at) => at % 2 === 0),
    c: inner.filter((_, at) => at % 2 === 1),
    weightOut: all[all.length - 2],
    biasOut: all[all.length - 1],
  }
}

const imageOf = ({ images: { shape } }: Pick<TimingOptions, 'images'>) => [shape[2], shape[3]] as const
const pixelsOf = (options: Pick<TimingOptions, 'images'>): number => {
  const [height, width] = imageOf(options)
  return height * width
}

/** Seconds an epoch of 60,000 on a grid 128x128, by batch: what the draft reports, and PyTorch 1.13 on one core. */
export const otherTimes: readonly {
  readonly name: string
  readonly seconds: Readonly<Record<number, number>>
}[] = [
  { name: 'reported: loop', seconds: { 1: 52_427 } },
  { name: 'reported: unfold, CPU', seconds: { 1: 1503, 16: 404, 32: 329, 64: 257 } },
  { name: 'reported: unfold, GPU', seconds: { 64: 21, 256: 5.41 } },
  { name: 'PyTorch: unfold', seconds: { 1: 1348, 16: 133, 32: 99, 64: 67, 256: 52 } },
  { name: 'PyTorch: shifted sums', seconds: { 1: 1493, 16: 107, 32: 65, 64: 43, 256: 26 } },
]
