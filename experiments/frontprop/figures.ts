import type { ImageSet } from '../../src/data/index.ts'
import { fromArray } from '../../src/index.ts'
import {
  type Band,
  barChart,
  imageGrid,
  lineChart,
  type Picture,
  type Series,
  sideBySide,
} from '../../src/plot/index.ts'
import type { Fittest } from './genetic.ts'
import type { MethodTime } from './timing.ts'
import { pixelsOf, type Trained } from './training.ts'

/** A training, and what it is called. */
export interface Named {
  readonly name: string
  readonly trained: Trained
}

const percent = { label: 'hit rate', unit: '%' }

/** What stands behind the lines: results to reach. */
export interface Reported {
  readonly losses: readonly Band[]
  readonly hits: readonly Band[]
}

const size = { width: 520, height: 360 }
const x = { label: 'epoch' }

type Value = (standing: Trained['standings'][number]) => number | null

/** A line for the training set and dashes for the test set, for each run; from the first epoch on, or from before it. */
function both(runs: readonly Named[], from: 0 | 1, onTrain: Value, onTest: Value): Series[] {
  return runs.flatMap(({ name, trained: { standings } }, color): Series[] => {
    const points = (value: Value) =>
      standings.filter(({ epoch }) => epoch >= from).map((at) => [at.epoch, value(at) ?? Number.NaN] as const)
    return [
      { name, color, points: points(onTrain) },
      { name: '', color, dashed: true, points: points(onTest) },
    ]
  })
}

/** By epoch. Before training the loss is far above all that comes after, so it begins with the first epoch. */
export const lossCurves = (what: string, runs: readonly Named[], label: string, { losses }: Reported): Picture =>
  lineChart({
    title: `${what}: loss (dashed: validation)`,
    x,
    y: { label, from: 0 },
    series: both(
      runs,
      1,
      (at) => at.loss,
      (at) => at.validationLoss,
    ),
    bands: losses,
    ...size,
  })

export const hitCurves = (what: string, runs: readonly Named[], { hits }: Reported): Picture =>
  lineChart({
    title: `${what}: hit rate (dashed: validation)`,
    x,
    y: { ...percent, from: 0, to: 100 },
    series: both(
      runs,
      0,
      (at) => 100 * (at.hitRate ?? Number.NaN),
      (at) => 100 * (at.validationHitRate ?? Number.NaN),
    ),
    bands: hits,
    ...size,
  })

export function timeBars(groups: readonly { readonly name: string; readonly times: readonly MethodTime[] }[]): Picture {
  return barChart({
    title: 'One epoch of 60,000 samples: all gradients, weights not updated',
    axis: { label: 'time', unit: 's', scale: 'log' },
    groups: groups.map(({ name, times }) => ({
      name,
      bars: times.map(({ method, epochSeconds, extrapolated }) => ({
        name: method,
        value: epochSeconds,
        text: `${durationText(epochSeconds)}`,
        outlined: extrapolated,
      })),
    })),
    note: 'Outlined: extrapolated from fewer samples or weights than a batch of 1,000 and all.',
    width: 760,
  })
}

/** `3.2 s`, `14 min`, `2.1 h`, `12 days`. */
export function durationText(seconds: number): string {
  const short = (value: number): string => (value < 10 ? value.toPrecision(2) : value.toFixed(0))
  if (seconds < 120) return `${short(seconds)} s`
  if (seconds < 7200) return `${short(seconds / 60)} min`
  return seconds < 2 * 86_400 ? `${short(seconds / 3600)} h` : `${short(seconds / 86_400)} days`
}

export function evolution(runs: readonly { readonly name: string; readonly fittest: readonly Fittest[] }[]): Picture {
  const generations = { label: 'generation' }
  const hits = lineChart({
    title: 'Genetic algorithm: the best of 8, on all test images',
    x: generations,
    y: { ...percent, from: 0 },
    series: runs.map(({ name, fittest }) => ({ name, points: fittest.map((at) => [at.generation, 100 * at.hitRate]) })),
    bands: [{ name: 'the most the document reached', from: 25, to: 25, color: 7 }],
    ...size,
  })
  const errors = lineChart({
    title: 'and its error',
    x: generations,
    y: { label: 'mean squared error' },
    series: runs.map(({ name, fittest }) => ({ name, points: fittest.map((at) => [at.generation, at.error]) })),
    ...size,
  })
  return sideBySide(hits, errors)
}

/** One image of each class, and what the autoencoders make of it. */
export async function reconstructions(test: ImageSet, runs: readonly Named[]): Promise<Picture> {
  const [, , height, width] = test.shape
  const pixels = pixelsOf(test)
  const rows = test.classes.map((_, digit) => test.labels.indexOf(digit)).filter((row) => row >= 0)
  const originals = Float32Array.from(
    rows.flatMap((row) => Array.from(test.images.subarray(row * pixels, (row + 1) * pixels), (value) => value / 255)),
  )
  const digits = fromArray(originals, [rows.length, pixels])
  const cut = (values: ArrayLike<number>) =>
    rows.map((_, at) => ({ width, height, values: Array.prototype.slice.call(values, at * pixels, (at + 1) * pixels) }))
  const made = await Promise.all(
    runs.map(async ({ name, trained: { net } }) => ({ name, images: cut(await net(digits).data()) })),
  )
  return imageGrid({
    title: 'Test images, and what the autoencoders make of them',
    rows: [{ name: 'original', images: cut(originals) }, ...made],
  })
}
