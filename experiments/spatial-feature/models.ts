// The document's three networks, layer for layer, and one more: SpatialDenseNet with its filters shared by all places.
import {
  batchNorm,
  conv2d,
  dropout,
  dropout2d,
  flatten,
  type Layer,
  linear,
  maxPool2d,
  relu,
  type Sequential,
  sequential,
} from '../../src/nn/index.ts'
import { type Local, type SpatialOptions, spatialFeature } from './spatialFeature.ts'

export const modelNames = ['regular-conv', 'spatial-dense', 'shared-dense', 'simple'] as const
export type ModelName = (typeof modelNames)[number]

export const modelTitles: Readonly<Record<ModelName, string>> = {
  'regular-conv': 'RegularConvNet',
  'spatial-dense': 'SpatialDenseNet',
  'shared-dense': 'SpatialDenseNet, filters shared',
  simple: 'SimpleModel',
}

export interface ModelOptions extends SpatialOptions {
  /** Of the square images; 3×32×32 in the document. */
  readonly channels: number
  readonly side: number
  readonly classes: number
  /** What all inner widths are multiplied by; 1, the document's, when left out. */
  readonly width?: number
}

export interface Model {
  readonly net: Sequential
  /** Its layers that are wired in place. */
  readonly locals: readonly Local[]
}

/** A network with first numbers from the generator of `manualSeed`. */
export function model(name: ModelName, options: ModelOptions): Model {
  const locals: Local[] = []
  const wired: LayerOf = (local) => {
    locals.push(local)
    return spatialFeature(local, options)
  }
  const shared: LayerOf = ({ inChannels, outChannels, kernel }) => conv2d(inChannels, outChannels, kernel)
  const layers = {
    'regular-conv': () => regularConv(options),
    'spatial-dense': () => spatialDense(options, wired),
    'shared-dense': () => spatialDense(options, shared),
    simple: () => simple(options, wired),
  }[name]()
  return { net: sequential(...layers), locals }
}

type LayerOf = (local: Local) => Layer

const scaled = ({ width = 1 }: ModelOptions, count: number): number => Math.max(1, Math.round(width * count))

function regularConv(options: ModelOptions): Layer[] {
  const { channels, side, classes } = options
  const [a, b, c, d, e, f] = [32, 64, 128, 128, 256, 256].map((count) => scaled(options, count))
  const [hidden, last] = [1024, 512].map((count) => scaled(options, count))
  const conv = (from: number, to: number): Layer => conv2d(from, to, 3, { padding: 1 })
  const block = (from: number, first: number, second: number): Layer[] => [
    conv(from, first),
    batchNorm(first),
    relu(),
    conv(first, second),
    relu(),
    maxPool2d(2),
  ]
  const features = f * Math.floor(side / 8) ** 2
  return [
    ...block(channels, a, b),
    ...block(b, c, d),
    dropout2d(0.05),
    ...block(d, e, f),
    flatten(),
    dropout(0.1),
    linear(features, hidden),
    relu(),
    linear(hidden, last),
    relu(),
    dropout(0.1),
    linear(last, classes),
  ]
}

function spatialDense(options: ModelOptions, layerOf: LayerOf): Layer[] {
  const { channels, side, classes } = options
  const [a, b, c, d, e, f] = [10, 20, 32, 64, 128, 256].map((count) => scaled(options, count))
  const hidden = scaled(options, 512)
  /** Two layers of windows; the side after them is that before less 2 · (kernel - 1). */
  const pair = (from: number, at: number, first: number, second: number, kernel: number): Layer[] => [
    layerOf({ inChannels: from, side: at, outChannels: first, kernel }),
    batchNorm(first),
    relu(),
    layerOf({ inChannels: first, side: at - kernel + 1, outChannels: second, kernel }),
    relu(),
  ]
  const second = Math.floor((side - 4) / 2)
  const third = Math.floor((second - 4) / 2)
  return [
    ...pair(channels, side, a, b, 3),
    maxPool2d(2),
    ...pair(b, second, c, d, 3),
    maxPool2d(2),
    dropout2d(0.05),
    ...pair(d, third, e, f, 2),
    flatten(),
    dropout(0.1),
    linear(f * (third - 2) ** 2, hidden),
    relu(),
    dropout(0.1),
    linear(hidden, classes),
  ]
}

/** No nonlinearity: what it computes is linear in the pixels. */
function simple(options: ModelOptions, layerOf: LayerOf): Layer[] {
  const { channels, side, classes } = options
  const outChannels = scaled(options, 5)
  return [
    layerOf({ inChannels: channels, side, outChannels, kernel: 3 }),
    flatten(),
    linear(outChannels * (side - 2) ** 2, classes),
  ]
}
