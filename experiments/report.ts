// The folder of a run, and what a report says of a trained classifier.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { encode } from 'fast-png'
import type { ImageSet } from '../src/data/index.ts'
import type { Confusion, EpochRecord } from '../src/train/index.ts'
import { percent, type Section, safe, table } from './page.ts'
import type { Mistake } from './results.ts'

/** Makes a folder for one run: `OUT/NAME-2026-01-31-12-00-00`. */
export async function runFolder(out: string, name: string, at = new Date()): Promise<string> {
  const time = at.toISOString().slice(0, 19).replace(/[T:]/g, '-')
  const folder = join(out, `${name}-${time}`)
  await mkdir(folder, { recursive: true })
  return folder
}

export interface Classifier {
  readonly epochs: readonly EpochRecord[]
  readonly confusion: Confusion
  readonly test: ImageSet
  readonly mistakes: readonly Mistake[]
  /** Small matrices shown as pictures: weights. */
  readonly pictures: { readonly title: string; readonly matrices: readonly (readonly (readonly number[])[])[] }
}

/** How it was trained, how good it is at each class, and what it takes for what. */
export function classifierSections({ epochs, confusion, test, mistakes, pictures }: Classifier): readonly Section[] {
  return [
    { title: 'Training', parts: [epochTable(epochs)] },
    { title: 'Classes', parts: [classTable(confusion)] },
    { title: 'What is taken for what', parts: [confusionTable(confusion)] },
    { title: 'Mistakes', parts: [tiles(mistakes.map((mistake) => mistakeFigure(test, mistake)))] },
    { title: pictures.title, parts: [tiles(pictures.matrices.map(matrixSvg))] },
  ]
}

const tiles = (pictures: readonly string[]): string => `<div class="tiles">${pictures.join('\n')}</div>`

const epochTable = (epochs: readonly EpochRecord[]): string =>
  table(
    ['epoch', 'loss', 'accuracy', 'validation loss', 'validation accuracy', 'learning rate', 'seconds'],
    epochs.map(({ epoch, loss, accuracy, validationLoss, validationAccuracy, learningRate, seconds }) => [
      epoch,
      loss.toFixed(4),
      percent(accuracy),
      validationLoss?.toFixed(4) ?? '',
      percent(validationAccuracy),
      Number(learningRate.toPrecision(3)),
      seconds.toFixed(1),
    ]),
  )

const classTable = ({ classes }: Confusion): string =>
  table(
    ['class', 'precision', 'recall', 'f1', 'images'],
    classes.map(({ name, precision, recall, f1, count }) => [name, ...[precision, recall, f1].map(percent), count]),
  )

/** Rows are what images are, columns what they were taken for; the darker, the more of the row. */
function confusionTable({ counts, classes }: Confusion): string {
  const head = classes.map(({ name }) => `<th>${safe(name)}`).join('')
  const rows = counts.map((row, at) => {
    const total = Math.max(1, classes[at].count)
    const cells = row.map(
      (count) =>
        `<td class="number" style="background: rgba(46, 110, 180, ${(count / total).toFixed(3)})">${count || ''}`,
    )
    return `<tr><th>${safe(classes[at].name)}${cells.join('')}`
  })
  return `<table><tr><th>${head}\n${rows.join('\n')}</table>`
}

function mistakeFigure({ images, shape }: ImageSet, { row, actual, said }: Mistake): string {
  const [, channels, height, width] = shape
  const area = height * width
  const planes = images.subarray(row * channels * area, (row + 1) * channels * area)
  const data = new Uint8Array(planes.length)
  for (let at = 0; at < data.length; at++) data[at] = planes[(at % channels) * area + Math.floor(at / channels)]
  const png = encode({ width, height, data, channels: channels as 1 | 3, depth: 8 })
  const uri = `data:image/png;base64,${Buffer.from(png).toString('base64')}`
  return `<figure><img src="${uri}" alt="">${safe(actual)}, taken for ${safe(said)}</figure>`
}

/** Blue below 0, orange above, by the largest magnitude. */
function matrixSvg(matrix: readonly (readonly number[])[]): string {
  const largest = Math.max(1e-12, ...matrix.flat().map(Math.abs))
  const cells = matrix.flatMap((row, y) =>
    row.map((value, x) => {
      const colour = value < 0 ? '46,110,180' : '220,120,30'
      return `<rect x="${x}" y="${y}" width="1" height="1" fill="rgba(${colour},${Math.abs(value / largest).toFixed(2)})"/>`
    }),
  )
  return `<svg class="matrix" viewBox="0 0 ${matrix[0].length} ${matrix.length}">${cells.join('')}</svg>`
}
