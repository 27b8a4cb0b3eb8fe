import {
  type Bar,
  barChart,
  heatMap,
  imageGrid,
  lineChart,
  type Picture,
  type Series,
  sideBySide,
  stacked,
} from '../../src/plot/index.ts'
import type { EpochRecord } from '../../src/train/index.ts'
import { percent } from '../page.ts'
import type { LayerMap } from './maps.ts'
import { type GridSize, sizeText } from './network.ts'
import type { Reach } from './reach.ts'
import { type FormTime, otherTimes, type TimedForm } from './timing.ts'
import type { Trained } from './training.ts'
import type { Strengths } from './variance.ts'

export const formTitles: Readonly<Record<TimedForm, string>> = {
  loop: 'loop, unit by unit',
  sparse: 'sparse matrix, by column numbers',
  matrix: 'matrix with its zeros',
  unfold: 'unfold',
  formula: 'the formula',
  training: 'the formula, a whole epoch of training',
}

/** Seconds an epoch by batch: ours, and what others took. */
export function timeLines(times: readonly FormTime[], size: GridSize): Picture {
  const forms = [...new Set(times.map(({ form }) => form))]
  const ours = forms.map((form, color): Series => {
    const own = times.filter((time) => time.form === form)
    return { name: formTitles[form], color, dots: true, points: own.map((time) => [time.batch, time.epochSeconds]) }
  })
  const others = otherTimes.map(
    ({ name, seconds }, at): Series => ({
      name,
      color: otherColors[at],
      dashed: true,
      dots: true,
      points: Object.entries(seconds).map(([batch, value]) => [Number(batch), value]),
    }),
  )
  return lineChart({
    title: `One epoch of 60,000 images, grid ${sizeText(size)}`,
    x: { label: 'batch', scale: 'log' },
    y: { label: 'time', unit: 's', scale: 'log' },
    series: [...ours, ...(isTimed(size) ? others : [])],
    width: 760,
    height: 460,
  })
}

const otherColors = ['#8b949e', '#57606a', '#b0457b', '#111111', '#7a4b00']

/** Whether the grid is the one that the reported times are of. */
export const isTimed = ({ height, width, layers }: GridSize): boolean =>
  height === 128 && width === undefined && layers === 128

export const reachPictures = (document: Reach, right: Reach): Picture =>
  sideBySide(reachMap("as the draft's loop reads", document), reachMap('with its indices put right', right))

const reachMap = (title: string, values: Reach): Picture =>
  heatMap({
    title,
    values,
    x: { label: 'layer', names: every(8, values[0].length, 0) },
    y: { label: 'unit', names: every(8, values.length, 0) },
    from: 0,
    to: 1,
    legend: "share of the layer's largest change",
  })

/** Names for few of many rows. */
const every = (step: number, count: number, first: number): string[] =>
  Array.from({ length: count }, (_, at) => ((at + first) % step === 0 ? String(at + first) : ''))

const activationNames = { none: 'no activation', tanh: 'tanh', sin: 'sin' } as const

/** Above the signal, below the gradient; left fan out 3, right fan out 1. */
export function strengthPictures(found: readonly Strengths[], expected: readonly number[]): Picture {
  const chart = (what: 'signal' | 'gradient', fanOut: 1 | 3): Picture =>
    lineChart({
      title: `${what === 'signal' ? 'Signal behind' : 'Gradient before'} each layer, fan in 3, fan out ${fanOut} (dashed: mean)`,
      x: { label: 'layer' },
      y: { label: `variance of the ${what}`, scale: 'log' },
      series: [
        ...found
          .filter((one) => one.fanOut === fanOut)
          .flatMap(({ activation, [what]: { median, mean } }, color): Series[] => [
            { name: `${activationNames[activation]}: median`, color, points: numbered(median) },
            { name: '', color, dashed: true, points: numbered(mean) },
          ]),
        ...(fanOut === 3
          ? [
              {
                name: 'expected without activation',
                color: '#8b949e',
                points: numbered(what === 'signal' ? expected : [...expected].reverse()),
              },
            ]
          : []),
      ],
      width: 540,
      height: 360,
    })
  return stacked(
    sideBySide(chart('signal', 3), chart('signal', 1)),
    sideBySide(chart('gradient', 3), chart('gradient', 1)),
  )
}

const numbered = (values: readonly number[]) => values.map((value, at) => [at, value] as const)

/** A training, and what it is called. */
export interface Named {
  readonly name: string
  readonly trained: Trained
}

export function trainingCurves(runs: readonly Named[], reported: number | null, lossLabel: string): Picture {
  const size = { width: 500, height: 360 }
  // Where all end above it, what is below is left out, so that the ends can be told apart.
  const least = runs.every(({ trained }) => trained.testAccuracy > 0.8) ? 70 : 0
  const shown = (share: number | null): number => {
    const value = 100 * (share ?? Number.NaN)
    return value < least ? Number.NaN : value
  }
  const both = (onTrain: (epoch: EpochRecord) => number, onTest: (epoch: EpochRecord) => number): Series[] =>
    runs.flatMap(({ name, trained: { epochs } }, color): Series[] => [
      { name, color, points: epochs.map((one) => [one.epoch, onTrain(one)]) },
      { name: '', color, dashed: true, points: epochs.map((one) => [one.epoch, onTest(one)]) },
    ])
  const loss = lineChart({
    title: 'Loss (dashed: test)',
    x: { label: 'epoch' },
    y: { label: lossLabel, from: 0 },
    series: both(
      (one) => one.loss,
      (one) => one.validationLoss ?? Number.NaN,
    ),
    ...size,
  })
  const accuracy = lineChart({
    title: 'Accuracy (dashed: test)',
    x: { label: 'epoch' },
    y: { label: 'right answers', unit: '%', from: least, to: 100 },
    series: both(
      (one) => shown(one.accuracy),
      (one) => shown(one.validationAccuracy),
    ),
    bands: reported === null ? [] : [{ name: `reported, ${reported}%`, from: reported, to: reported, color: 1 }],
    ...size,
  })
  return sideBySide(loss, accuracy)
}

/** A map for each class: units of a row from top to bottom, layers from left to right; or, of planes, a row of images. */
export function activationPictures(
  title: string,
  maps: readonly LayerMap[],
  classes: readonly string[],
  size: GridSize,
): Picture {
  // What comes before the grid is not bounded, and would leave the rest pale.
  const reach = Math.ceil(10 * largest(maps.flatMap((map) => map.slice(1).flat()))) / 10
  const ends = { from: -reach, to: reach }
  if (size.width !== undefined) return planePicture(title, maps, classes, { ...ends, width: size.width, first: 0 })
  const pictures = maps.map((map, k) =>
    heatMap({
      title: classes[k],
      values: transposed(map),
      x: { label: 'layer', names: every(16, map.length, 0) },
      y: { label: 'unit', names: every(16, map[0].length, 0) },
      colors: 'diverging',
      cell: Math.max(1, Math.round(200 / Math.max(size.height, map.length))),
      legend: title.toLowerCase(),
      ...ends,
    }),
  )
  return tiled(pictures, 4)
}

const largest = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE)

export function parameterPictures(weights: LayerMap, biases: LayerMap, size: GridSize): Picture {
  const named = [
    ['Weights', weights],
    ['Biases', biases],
  ] as const
  const { width } = size
  if (width !== undefined) {
    const reach = largest([...weights, ...biases].flat())
    const maps = named.map(([, map]) => map)
    const names = named.map(([name]) => name)
    return planePicture('Weights and biases', maps, names, { from: -reach, to: reach, width, first: 1 })
  }
  const pictures = named.map(([title, map]) =>
    heatMap({
      title,
      values: transposed(map),
      x: { label: 'layer', names: every(16, map.length, 1) },
      y: { label: 'unit', names: every(16, map[0].length, 0) },
      colors: 'diverging',
      legend: title.toLowerCase(),
    }),
  )
  return sideBySide(...pictures)
}

/** The matrix of a layer of a trained grid. */
export function layerMatrix(weights: readonly number[], layer: number): Picture {
  return heatMap({
    title: `The matrix of layer ${layer}, trained`,
    values: weights.map((_, p) => weights.map((weight, s) => (Math.abs(p - s) <= 1 ? weight : 0))),
    x: { label: 'unit that is read', names: every(16, weights.length, 0) },
    y: { label: 'unit', names: every(16, weights.length, 0) },
    colors: 'diverging',
    legend: 'weight',
  })
}

const transposed = (map: LayerMap): number[][] => map[0].map((_, unit) => map.map((layer) => layer[unit]))

/** A row of images, one a layer, for each map; `first` is the number of the first layer, 0 that before the grid. */
function planePicture(
  title: string,
  maps: readonly LayerMap[],
  names: readonly string[],
  ends: { readonly from: number; readonly to: number; readonly width: number; readonly first: 0 | 1 },
): Picture {
  const { from, to, width, first } = ends
  const height = maps[0][0].length / width
  return imageGrid({
    title: `${title}, by layer (blue ${from.toPrecision(2)}, white 0, red ${to.toPrecision(2)})`,
    columns: maps[0].map((_, at) => String(at + first)),
    rows: maps.map((map, at) => ({ name: names[at], images: map.map((values) => ({ values, width, height })) })),
    from,
    to,
    colors: 'diverging',
    scale: 1.6,
  })
}

function tiled(pictures: readonly Picture[], columns: number): Picture {
  const lines: Picture[] = []
  for (let at = 0; at < pictures.length; at += columns) lines.push(sideBySide(...pictures.slice(at, at + columns)))
  return stacked(...lines)
}

export function variantBars(
  runs: readonly { readonly name: string; readonly accuracy: number }[],
  epochs: number,
): Picture {
  const bars = runs.map(
    ({ name, accuracy }): Bar => ({ name, value: 100 * accuracy, text: percent(accuracy), color: 0 }),
  )
  return barChart({
    title: `Right answers on the test set, after ${epochs} epochs`,
    axis: { label: 'right answers', unit: '%', from: 0, to: 100 },
    groups: [{ bars }],
    width: 760,
  })
}
