// A convolution's tiles in chunks whose transforms stay in the cache.
import type { BoundRange } from '../../../graph/node.ts'
import { type Affine, add, constant, floorDivide, remainder, scale } from '../../../index/index.ts'
import type { KernelBuilder } from '../../blocks.ts'
import type { LoopMode, Value } from '../../ir.ts'
import type { ContractionContext } from '../lower.ts'
import { type Convolution, isPowerOfTwo, type Layout } from './roles.ts'
import { betweenOf, type Tile, type Transform, transformBoth } from './transforms.ts'

/** So many tiles of one or more images: whole tile rows of each. */
export interface Chunk {
  readonly images: number
  /** Rows of tiles, and tiles in a row. */
  readonly rows: number
  readonly columns: number
  /** Tiles in all. */
  readonly tiles: number
  /** How many chunks make all images, and how many the rows of an image. */
  readonly imageChunks: number
  readonly rowChunks: number
}

/** Where a chunk begins, in images and in rows of tiles. */
export interface ChunkPlace {
  /** Its number among all chunks. */
  readonly index: Affine
  readonly image: Affine
  readonly row: Affine
}

/** The products of a tile: one matrix of filters and channels for each. */
export const productsOf = ({ points }: Tile): number => points * points

/** Transforms of a chunk's tiles take so many numbers a point at most (32 KiB), so that all are about what the cache holds … */
const pointNumbers = 8192
/** … unless the filters, which each chunk reads whole, take more: then so large a part of what they take. */
const partOfFilters = 0.5

/** From one point's matrix to the next: a cache line more than it takes, or all would fall into the same sets of the cache. */
export const planeOf = (rows: number, columns: number): number => rows * columns + 16

export function chunkOf({ images, rows, columns, channels, filters, tile }: Convolution): Chunk {
  const perRow = columns.extent / tile.side
  const allRows = rows.extent / tile.side
  const allImages = images?.extent ?? 1
  const ofFilters = productsOf(tile) * channels.extent * filters.extent
  const numbers = Math.max(productsOf(tile) * pointNumbers, partOfFilters * ofFilters)
  const most = numbers / (productsOf(tile) * (channels.extent + filters.extent))
  const inRows = largestPart(allRows, most / perRow)
  const inImages = inRows === allRows ? largestPart(allImages, most / (perRow * allRows)) : 1
  return {
    images: inImages,
    rows: inRows,
    columns: perRow,
    tiles: inImages * inRows * perRow,
    imageChunks: allImages / inImages,
    rowChunks: allRows / inRows,
  }
}

/** Where the transforms of a chunk's tiles, or of a filter's channels, stand halfway; null where they need no place. */
export function betweenBuffer(
  { channels, tile }: Convolution,
  { tiles }: Chunk,
  { scratch }: ContractionContext,
): string | null {
  const numbers = betweenOf(tile, Math.max(channels.extent, tiles))
  return numbers === 0 ? null : scratch(numbers, 'thread')
}

/** The largest divisor that is at most so much; at least 1. */
export function largestPart(whole: number, most: number): number {
  let best = 1
  for (let part = 1; part <= Math.min(whole, most); part++) if (whole % part === 0) best = part
  return best
}

/**
 * Loops over a chunk's tiles in lanes, all of them where each vector of lanes has its tiles in the same places, else row by
 * row: `inside` gets  the tile's number in the chunk, its image, row and column.
 */
export function eachTile(
  b: KernelBuilder,
  chunk: Chunk,
  inside: (tile: Affine, image: Affine, row: Affine, column: Affine) => void,
): void {
  const { images, rows, columns, tiles } = chunk
  if (isPowerOfTwo(columns) && (images === 1 || isPowerOfTwo(rows))) {
    b.loop(tiles, 0, 'lanes', (tile) => {
      const line = floorDivide(tile, columns, b.intervals)
      const row = remainder(line, rows, b.intervals)
      inside(tile, floorDivide(line, rows, b.intervals), row, remainder(tile, columns, b.intervals))
    })
    return
  }
  b.loop(chunk.images, 0, 'serial', (image) => {
    b.loop(chunk.rows, 0, 'serial', (row) => {
      b.loop(chunk.columns, 0, 'lanes', (column) => {
        const line = add(scale(image, chunk.rows), row)
        inside(add(scale(line, chunk.columns), column), image, row, column)
      })
    })
  })
}

/** What tiles are read of: so many numbers along an axis, of each channel or filter. */
export interface TileSource {
  readonly layout: Layout
  readonly planes: BoundRange
  readonly side: number
  /** From a tile to the next. */
  readonly step: number
  readonly transform: Transform
}

export const imageTiles = ({ image, channels, tile }: Convolution): TileSource => ({
  layout: image,
  planes: channels,
  side: tile.points,
  step: tile.side,
  transform: tile.ofImage,
})

/** Fills `to[point, plane, tile]` with the transforms of the chunk's tiles. */
export function transformTiles(
  { layout, planes, side, step, transform }: TileSource,
  { b, bufferOf }: ContractionContext,
  chunk: Chunk,
  place: ChunkPlace,
  { between, to }: { readonly between: string | null; readonly to: string },
): void {
  const from = bufferOf(layout.access)
  b.loop(planes.extent, 0, 'serial', (plane) => {
    transformBoth(b, between, transform, {
      side,
      count: chunk.tiles,
      each: (inside) => eachTile(b, chunk, inside),
      element: (y, x, _, nth, row, column) =>
        b.load('f32', from, moved(originOf(layout, step, plane, place, nth, row, column), layout, y, x), null),
      row: (y, values, at) =>
        storePoints(b, to, add(scale(plane, chunk.tiles), at), planeOf(planes.extent, chunk.tiles), y, values),
    })
  })
}

/** The offset of a tile's first element. */
function originOf(
  { base, image, channel, row, column }: Layout,
  side: number,
  plane: Affine,
  place: ChunkPlace,
  nth: Affine,
  tileRow: Affine,
  tileColumn: Affine,
): Affine {
  const inImages = scale(add(place.image, nth), image)
  const inRows = scale(add(place.row, tileRow), side * row)
  return [inImages, inRows, scale(tileColumn, side * column), scale(plane, channel)].reduce(add, constant(base))
}

const moved = (origin: Affine, { row, column }: Layout, y: number, x: Affine): Affine =>
  add(add(origin, scale(x, column)), constant(y * row))

/** Stores a row of a tile's transform: its points are `distance` apart. */
export function storePoints(
  b: KernelBuilder,
  buffer: string,
  at: Affine,
  distance: number,
  y: Affine,
  values: readonly Value[],
): void {
  const first = add(at, scale(y, values.length * distance))
  values.forEach((value, x) => {
    b.push({ kind: 'store', buffer, offset: add(first, constant(x * distance)), value, add: false })
  })
}

/** What `storePoints` has stored: one point of `points` × `points`. */
export const loadPoint = (
  b: KernelBuilder,
  buffer: string,
  at: Affine,
  distance: number,
  points: number,
  y: number,
  x: Affine,
): Value => b.loadHere('f32', buffer, add(add(at, constant(y * points * distance)), scale(x, distance)))

/** Loops over chunks; threads share the outermost that has more than one round. */
export function eachChunk(b: KernelBuilder, chunk: Chunk, inside: (place: ChunkPlace) => void): void {
  const byRows: LoopMode = chunk.imageChunks > 1 ? 'serial' : 'parallel'
  b.loop(chunk.imageChunks, 0, 'parallel', (image) => {
    b.loop(chunk.rowChunks, 0, byRows, (row) => {
      const index = add(scale(image, chunk.rowChunks), row)
      inside({ index, image: scale(image, chunk.images), row: scale(row, chunk.rows) })
    })
  })
}

/** Offsets `0, step, 2 step …` */
export const steps = (count: number, step: number): Int32Array =>
  Int32Array.from({ length: count }, (_, at) => at * step)
