import { barChart, lineChart, type Picture, type Series, sideBySide } from '../../src/plot/index.ts'
import type { EpochRecord } from '../../src/train/index.ts'
import { type Chapter, reportedLosses } from './story.ts'
import type { Variant } from './variants.ts'

const size = { width: 520, height: 380 }

/** Validation loss (the document's) and accuracy by epoch, beside the losses that the document reports. */
export function storyCurves(chapters: readonly Chapter[]): Picture {
  const curves = (value: (record: EpochRecord) => number | null): Series[] =>
    chapters.map(({ name, epochs }) => ({
      name,
      dots: true,
      points: epochs.map((record) => [record.epoch, value(record) ?? Number.NaN] as const),
    }))
  const reported: Series = {
    name: 'reported',
    color: '#6e7781',
    dashed: true,
    points: reportedLosses.map((loss, at) => [at + 1, loss] as const),
  }
  return sideBySide(
    lineChart({
      title: "Validation: the document's loss",
      x: { label: 'epoch' },
      y: { label: 'loss', from: 0 },
      series: [...curves(({ validationLoss }) => validationLoss), reported],
      ...size,
    }),
    lineChart({
      title: 'Validation: accuracy',
      x: { label: 'epoch' },
      y: { label: 'accuracy', unit: '%' },
      series: curves(({ validationAccuracy }) => 100 * (validationAccuracy ?? Number.NaN)),
      bands: [{ name: 'to pass', from: 90, to: 90, color: 7 }],
      ...size,
    }),
  )
}

export function trainingCurves(epochs: readonly EpochRecord[]): Picture {
  const points = (value: (record: EpochRecord) => number | null) =>
    epochs.map((record) => [record.epoch, value(record) ?? Number.NaN] as const)
  return sideBySide(
    lineChart({
      title: 'Loss',
      x: { label: 'epoch' },
      y: { label: 'cross-entropy' },
      series: [
        { name: 'training, while it learns', dots: true, points: points(({ loss }) => loss) },
        { name: 'validation', dots: true, points: points(({ validationLoss }) => validationLoss) },
      ],
      ...size,
    }),
    lineChart({
      title: 'Accuracy',
      x: { label: 'epoch' },
      y: { label: 'accuracy', unit: '%' },
      series: [
        {
          name: 'training, while it learns',
          dots: true,
          points: points(({ accuracy }) => 100 * (accuracy ?? Number.NaN)),
        },
        {
          name: 'validation',
          dots: true,
          points: points(({ validationAccuracy }) => 100 * (validationAccuracy ?? Number.NaN)),
        },
      ],
      ...size,
    }),
  )
}

/** Accuracies lie close together, so theirs are curves; times are bars from 0. */
export function variantFigure(variants: readonly Variant[]): Picture {
  return sideBySide(
    lineChart({
      title: 'Validation: accuracy',
      x: { label: 'epoch' },
      y: { label: 'accuracy', unit: '%' },
      series: variants.map(({ name, epochs }) => ({
        name,
        dots: true,
        points: epochs.map((record) => [record.epoch, 100 * (record.validationAccuracy ?? Number.NaN)] as const),
      })),
      ...size,
    }),
    barChart({
      title: 'A training step, batch of 60',
      axis: { label: 'time', unit: 'ms' },
      groups: [
        {
          bars: variants.map(({ name, stepMs }, color) => ({
            name,
            value: stepMs,
            text: stepMs.toPrecision(3),
            color,
          })),
        },
      ],
      width: 520,
    }),
  )
}
