// Which contractions are convolutions by 3×3 windows of stride 1, and what each of their indices is.
import type { BoundRange, ComprehensionNode } from '../../../graph/node.ts'
import type { Access, MatrixProduct } from '../roles.ts'
import { largeTile, smallTile, type Tile } from './transforms.ts'

/** An operand's elements: at `base` and so far apart along each role. */
export interface Layout {
  readonly access: Access
  readonly base: number
  /** Along the images; 0 where there is one. */
  readonly image: number
  readonly channel: number
  readonly row: number
  readonly column: number
}

interface Shape {
  /** Null where there is one image. */
  readonly images: BoundRange | null
  /** Of the image that windows slide over. */
  readonly channels: BoundRange
  readonly filters: BoundRange
  readonly rows: BoundRange
  readonly columns: BoundRange
  readonly tapRows: BoundRange
  readonly tapColumns: BoundRange
  readonly tile: Tile
  /** What windows slide over; its rows and columns are walked by positions and by taps alike, upwards. */
  readonly image: Layout
}

/** `z[n,k,i,j] = Σ image[n,c,i+u,j+v] · filter[k,c,u,v]`, the taps in the image's order. */
export interface ImageConvolution extends Shape {
  readonly kind: 'image'
  /** `row` and `column` are those of taps, `image` is that of filters. */
  readonly filter: Layout
}

/** `z[k,c,u,v] = Σ image[n,c,i+u,j+v] · error[n,k,i,j]`, the gradient by the filter. */
export interface FilterConvolution extends Shape {
  readonly kind: 'filter'
  /** `channel` is that of filters. */
  readonly error: Layout
  /** Whether taps run against positions: then sums of the first are those of the last. */
  readonly mirroredRows: boolean
  readonly mirroredColumns: boolean
}

export type Convolution = ImageConvolution | FilterConvolution

/** A convolution whose tiles are not chosen yet. */
type Found = Omit<ImageConvolution, 'tile'> | Omit<FilterConvolution, 'tile'>

const taps = 3
/** Products saved, against transforms of images and of results: with fewer channels or filters these cost more. */
const leastGain = 12
/** Tiles in a row: the lanes of the transforms, unless rows follow one another in them. */
const leastTiles = 4
/** Better first. */
const tiles: readonly Tile[] = [largeTile, smallTile]

/**
 * The convolution that a contraction is, in tiles of at most `mostSide` sums along an axis; null where it is another, or where
 * windows one by one are quicker.
 */
export function convolutionOf(node: ComprehensionNode, product: MatrixProduct, mostSide: number): Convolution | null {
  const { a, b } = product
  const found: Found | null =
    imageConvolution(node, product, a, b) ??
    imageConvolution(node, product, b, a) ??
    filterConvolution(node, product, a, b) ??
    filterConvolution(node, product, b, a)
  if (!found) return null
  const { channels, filters, rows, columns } = found
  const gain = (channels.extent * filters.extent) / (channels.extent + filters.extent)
  if (gain < leastGain) return null
  const tile = tiles.find(({ side }) => side <= mostSide && fillLanes(rows.extent / side, columns.extent / side))
  return tile ? { ...found, tile } : null
}

/** Whether so many rows and columns of tiles are whole, and transformed in lanes. */
function fillLanes(rows: number, columns: number): boolean {
  if (!Number.isInteger(rows) || !Number.isInteger(columns)) return false
  return columns % leastTiles === 0 || (isPowerOfTwo(rows) && isPowerOfTwo(columns))
}

export const isPowerOfTwo = (count: number): boolean => Number.isInteger(Math.log2(count))

/** A position and the tap that slides with it. */
interface Window {
  readonly position: BoundRange
  readonly tap: BoundRange
}

function imageConvolution(
  node: ComprehensionNode,
  { sums }: MatrixProduct,
  image: Access,
  filter: Access,
): Omit<ImageConvolution, 'tile'> | null {
  const axes = node.axes.filter((axis) => axis.extent > 1)
  const windows = windowsOf(image, axes, sums)
  if (!windows) return null
  const [row, column] = windows
  if (windows.some(({ position, tap }) => filter.strides.has(position.index) || !filter.strides.has(tap.index)))
    return null
  const rest = axes.filter((axis) => axis !== row.position && axis !== column.position)
  const filters = onlyOne(rest.filter((axis) => filter.strides.has(axis.index)))
  const images = rest.filter((axis) => axis !== filters)
  const channels = onlyOne(sums.filter((sum) => sum !== row.tap && sum !== column.tap && sum.extent > 1))
  if (!filters || !channels || images.length > 1 || image.strides.has(filters.index)) return null
  if (images.some((axis) => !image.strides.has(axis.index))) return null
  if (!image.strides.has(channels.index) || !filter.strides.has(channels.index)) return null
  const names = { image: images[0], channel: channels, row: row.position, column: column.position }
  const along = (window: Window) => strideOf(filter, window.tap) * (isMirrored(image, window) ? -1 : 1)
  return {
    kind: 'image',
    images: images[0] ?? null,
    channels,
    filters,
    ...rangesOf(windows),
    image: layout(image, names, startOf(image, node, sums) + farEnds(image, image, windows)),
    filter: {
      access: filter,
      base: startOf(filter, node, sums) + farEnds(filter, image, windows),
      image: strideOf(filter, filters),
      channel: strideOf(filter, channels),
      row: along(row),
      column: along(column),
    },
  }
}

function filterConvolution(
  node: ComprehensionNode,
  { sums }: MatrixProduct,
  image: Access,
  error: Access,
): Omit<FilterConvolution, 'tile'> | null {
  const axes = node.axes.filter((axis) => axis.extent > 1)
  const windows = windowsOf(image, sums, axes)
  if (!windows) return null
  const [row, column] = windows
  if (windows.some(({ tap }) => error.strides.has(tap.index))) return null
  if (windows.some(({ position }) => !error.strides.has(position.index))) return null
  const images = sums.filter((sum) => sum !== row.position && sum !== column.position && sum.extent > 1)
  const rest = axes.filter((axis) => axis !== row.tap && axis !== column.tap)
  const channels = onlyOne(rest.filter((axis) => image.strides.has(axis.index)))
  const filters = onlyOne(rest.filter((axis) => axis !== channels))
  if (!channels || !filters || images.length > 1 || error.strides.has(channels.index)) return null
  if (!error.strides.has(filters.index)) return null
  if (images.some((sum) => !image.strides.has(sum.index) || !error.strides.has(sum.index))) return null
  const names = { image: images[0], row: row.position, column: column.position }
  return {
    kind: 'filter',
    images: images[0] ?? null,
    channels,
    filters,
    ...rangesOf(windows),
    image: layout(image, { ...names, channel: channels }, startOf(image, node, sums) + farEnds(image, image, windows)),
    mirroredRows: isMirrored(image, row),
    mirroredColumns: isMirrored(image, column),
    error: layout(error, { ...names, channel: filters }, startOf(error, node, sums)),
  }
}

/** The two pairs of a position and a tap that walk an operand alike, the wider step first; null where there are not two. */
function windowsOf(
  image: Access,
  positions: readonly BoundRange[],
  tapsOf: readonly BoundRange[],
): readonly [Window, Window] | null {
  const found: Window[] = []
  for (const tap of tapsOf) {
    const stride = image.strides.get(tap.index)
    if (tap.extent !== taps || stride === undefined) continue
    const position = positions.find((range) => image.strides.get(range.index) === Math.abs(stride))
    if (position && !found.some((window) => window.position === position)) found.push({ position, tap })
  }
  if (found.length !== 2) return null
  const [one, two] = found
  return strideOf(image, one.position) >= strideOf(image, two.position) ? [one, two] : [two, one]
}

const rangesOf = ([row, column]: readonly [Window, Window]) => ({
  rows: row.position,
  columns: column.position,
  tapRows: row.tap,
  tapColumns: column.tap,
})

const isMirrored = (image: Access, { tap }: Window): boolean => strideOf(image, tap) < 0

/** From the first tap to the last, for taps that run against their positions: those are walked from the far end. */
const farEnds = (access: Access, image: Access, windows: readonly Window[]): number =>
  windows
    .filter((window) => isMirrored(image, window))
    .reduce((sum, { tap }) => sum + (taps - 1) * strideOf(access, tap), 0)

const onlyOne = (ranges: readonly BoundRange[]): BoundRange | null => (ranges.length === 1 ? ranges[0] : null)

const strideOf = (access: Access, range: BoundRange | undefined): number =>
  (range && access.strides.get(range.index)) ?? 0

/** Where all indices are at their starts. */
const startOf = (access: Access, node: ComprehensionNode, sums: readonly BoundRange[]): number =>
  [...node.axes, ...sums].reduce((sum, range) => sum + range.start * strideOf(access, range), access.constant)

const layout = (
  access: Access,
  names: Readonly<Record<'channel' | 'row' | 'column', BoundRange>> & { readonly image?: BoundRange },
  base: number,
): Layout => ({
  access,
  base,
  image: strideOf(access, names.image),
  channel: strideOf(access, names.channel),
  row: strideOf(access, names.row),
  column: strideOf(access, names.column),
})
