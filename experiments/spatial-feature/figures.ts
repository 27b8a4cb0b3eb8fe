// The pictures of the report.
import { barChart, heatMap, lineChart, type Picture, type Series, sideBySide } from '../../src/plot/index.ts'
import type { EpochRecord } from '../../src/train/index.ts'
import type { Densified } from './densifying.ts'
import { type ModelName, modelNames, modelTitles } from './models.ts'

/** A training, and which network's it is. */
export interface Trained {
  readonly model: ModelName
  readonly epochs: readonly EpochRecord[]
}

/** What the document reports: RegularConvNet's after a number of epochs that it does not say, the others' after 5. */
export const reported: Readonly<Partial<Record<ModelName, { readonly accuracy?: number; readonly loss?: number }>>> = {
  'regular-conv': { accuracy: 0.869 },
  'spatial-dense': { accuracy: 0.5273, loss: 1.4341 },
  simple: { loss: 2.0748 },
}

const size = { width: 560, height: 380 }

/** By epoch: accuracy, and loss from the first epoch on. `isDocuments` says whether the reported figures belong here. */
export function trainingCurves(runs: readonly Trained[], isDocuments: boolean): Picture {
  const x = { label: 'epoch' }
  const dots = runs.some(({ epochs }) => epochs.length < 3)
  const both = (onTest: (at: EpochRecord) => number, onTrain: (at: EpochRecord) => number): Series[] =>
    runs.flatMap(({ model, epochs }) => {
      const line = (value: (at: EpochRecord) => number) => epochs.map((at) => [at.epoch, value(at)] as const)
      const color = modelNames.indexOf(model)
      return [
        { name: modelTitles[model], color, dots, points: line(onTest) },
        { name: '', color, dashed: true, points: line(onTrain) },
      ]
    })
  const bands = runs.flatMap(({ model }) => {
    const accuracy = reported[model]?.accuracy
    if (!isDocuments || accuracy === undefined) return []
    const [from, to] = [100 * accuracy, 100 * accuracy]
    return [{ name: `reported, ${modelTitles[model]}`, from, to, color: modelNames.indexOf(model) }]
  })
  return sideBySide(
    lineChart({
      title: 'Images answered right (dashed: in training)',
      x,
      y: { label: 'accuracy', unit: '%', from: 0, to: 100 },
      series: both(
        (at) => 100 * (at.validationAccuracy ?? Number.NaN),
        (at) => 100 * (at.accuracy ?? Number.NaN),
      ),
      bands,
      ...size,
    }),
    lineChart({
      title: 'Cross-entropy (dashed: in training)',
      x,
      y: { label: 'loss', from: 0 },
      series: both(
        (at) => at.validationLoss ?? Number.NaN,
        (at) => at.loss,
      ),
      ...size,
    }),
  )
}

/** All weights from one channel into one unit, as they fill. */
export function weightMaps({ maps }: Densified): Picture {
  const largest = Math.max(...maps.flatMap(({ weights }) => weights.flat()).map(Math.abs))
  return sideBySide(
    ...maps.map(({ step, weights }) =>
      heatMap({
        title: step === 0 ? 'Before training' : `After ${step} ${step === 1 ? 'step' : 'steps'}`,
        values: weights.map((row) => row.map((value) => Math.cbrt(value / largest))),
        colors: 'diverging',
        from: -1,
        to: 1,
        cell: 7,
        legend: 'cube root of weight / largest',
      }),
    ),
  )
}

/** The share of zeros in each layer, before and after. */
export function zeroBars({ layers }: Densified): Picture {
  const looks = layers[0].standings
  return barChart({
    title: 'Zeros among the weights as the document stores them',
    axis: { label: 'share of all weights', unit: '%', from: 0, to: 100 },
    groups: looks.slice(0, 2).map(({ step }, look) => ({
      name: step === 0 ? 'before training' : `after ${step} ${step === 1 ? 'step' : 'steps'} of Adam`,
      bars: layers.map(({ inChannels, outChannels, stored, standings }, at) => {
        const share = (100 * standings[look].zeros) / stored
        const name = `layer ${at + 1}, ${inChannels} to ${outChannels} channels`
        return { name, value: share, text: `${share.toFixed(1)}%` }
      }),
    })),
    width: 640,
  })
}
