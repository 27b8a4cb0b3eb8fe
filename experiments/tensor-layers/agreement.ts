// The gradients that Einfold derives against dilate, pad and flip, over strides, layouts and sizes.
import { type Formula, formula, type Tensor, tensor } from '../../src/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'
import { convolve, gradientByInput, gradientByKernel, type Plane, plane, plus } from './dilatePadFlip.ts'
import { nchwText, nhwcText, singleText } from './layers.ts'

export interface Case {
  readonly layout: 'one channel' | 'NHWC' | 'NCHW'
  readonly stride: number
  readonly height: number
  readonly width: number
  readonly kernel: number
  /** Images, channels and filters. */
  readonly images: number
  readonly channels: number
  readonly filters: number
}

export interface Agreement extends Case {
  /** What the stride leaves over of height - F and width - F. */
  readonly rest: readonly [number, number]
  /** The largest distance of any number of the result, and of the gradients by input and kernel. */
  readonly distance: number
}

/** Strides 1 to 3; sizes that the stride divides (less F) and sizes that it does not; all layouts. */
export const cases: readonly Case[] = (['one channel', 'NHWC', 'NCHW'] as const).flatMap((layout) =>
  [1, 2, 3].flatMap((stride) =>
    [
      { height: 9, width: 9, kernel: 3 },
      { height: 8, width: 10, kernel: 3 },
      { height: 7, width: 12, kernel: 2 },
    ].map((size): Case => {
      const counts = layout === 'one channel' ? [1, 1, 1] : [2, 3, 4]
      return { layout, stride, ...size, images: counts[0], channels: counts[1], filters: counts[2] }
    }),
  ),
)

/** Computes one case in both ways, in f64, from random numbers between -1 and 1. */
export async function compare(one: Case, seed: number): Promise<Agreement> {
  const { layout, stride, height, width, kernel, images, channels, filters } = one
  const rest = [(height - kernel) % stride, (width - kernel) % stride] as const
  const [rows, columns] = [height, width].map((size) => Math.floor((size - kernel) / stride) + 1)
  const draw = (stream: number) => (at: number) => 2 * uniformAt(seed, stream, 0, at) - 1
  const I = planes(images, channels, height, width, draw(0))
  const k = planes(filters, channels, kernel, kernel, draw(1))
  const dR = planes(images, filters, rows, columns, draw(2))
  const wanted = {
    R: each(images, filters, (v, f) => total(channels, (p) => convolve(I[v][p], k[f][p], stride))),
    I: each(images, channels, (v, p) => total(filters, (f) => gradientByInput(dR[v][f], k[f][p], stride, rest))),
    k: each(filters, channels, (f, p) => total(images, (v) => gradientByKernel(I[v][p], dR[v][f], stride, rest))),
  }
  const layer: Formula = formula(layout === 'one channel' ? singleText : layout === 'NHWC' ? nhwcText : nchwText)
  const t = layout === 'one channel' ? 0 : tensor(new Float64Array(filters))
  const operands = { I: asTensor(I, layout), k: asTensor(k, layout), t, S: stride }
  const given = { ...operands, dR: asTensor(dR, layout) }
  const found = {
    R: layer(operands),
    I: layer.gradient('I')(given),
    k: layer.gradient('k')(given),
  }
  const distances = await Promise.all(
    (['R', 'I', 'k'] as const).map(async (what) => farthest(await found[what].data(), flat(wanted[what], layout))),
  )
  return { ...one, rest, distance: Math.max(...distances) }
}

/** Planes by two numbers: image and channel, filter and channel. */
type Planes = readonly (readonly Plane[])[]

const each = (outer: number, inner: number, at: (outer: number, inner: number) => Plane): Planes =>
  Array.from({ length: outer }, (_, a) => Array.from({ length: inner }, (_, b) => at(a, b)))

const planes = (outer: number, inner: number, rows: number, columns: number, value: (at: number) => number): Planes =>
  each(outer, inner, (a, b) => plane(rows, columns, (i, j) => value(((a * inner + b) * rows + i) * columns + j)))

const total = (count: number, at: (index: number) => Plane): Plane =>
  Array.from({ length: count }, (_, index) => at(index)).reduce(plus)

/** The numbers in the order in which the layout has them. */
function flat(all: Planes, layout: Case['layout']): Float64Array {
  if (layout !== 'NHWC') return Float64Array.from(all.flat(3))
  const [rows, columns] = [all[0][0].length, all[0][0][0].length]
  return Float64Array.from(
    all.flatMap((inner) =>
      Array.from({ length: rows * columns }, (_, at) =>
        inner.map((one) => one[Math.floor(at / columns)][at % columns]),
      ).flat(),
    ),
  )
}

function asTensor(all: Planes, layout: Case['layout']): Tensor {
  const [rows, columns] = [all[0][0].length, all[0][0][0].length]
  const counts = [all.length, all[0].length]
  const shape =
    layout === 'one channel'
      ? [rows, columns]
      : layout === 'NHWC'
        ? [counts[0], rows, columns, counts[1]]
        : [...counts, rows, columns]
  return tensor(flat(all, layout), { shape })
}

function farthest(found: ArrayLike<number>, wanted: Float64Array): number {
  if (found.length !== wanted.length) return Number.POSITIVE_INFINITY
  return wanted.reduce((far, value, at) => Math.max(far, Math.abs(value - found[at])), 0)
}
