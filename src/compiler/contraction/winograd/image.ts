// Convolutions by 3×3 windows, and their gradients by the image, with 16 products for every 2×2 sums of nine, or 36 for 4×4.
import { type BoundRange, type ComprehensionNode, sizeOf } from '../../../graph/node.ts'
import { type Affine, add, constant, scale } from '../../../index/index.ts'
import type { ChunkAxis, ContractionContext } from '../lower.ts'
import { stridesOf } from '../roles.ts'
import {
  betweenBuffer,
  type Chunk,
  type ChunkPlace,
  chunkOf,
  eachChunk,
  eachTile,
  imageTiles,
  loadPoint,
  planeOf,
  productsOf,
  steps,
  storePoints,
  transformTiles,
} from './chunks.ts'
import type { ImageConvolution } from './roles.ts'
import { transformBoth } from './transforms.ts'

/**
 * Filters are transformed once; then, chunk by chunk, the image's tiles, a matrix product for each point, and back. What follows
 * reads a chunk's sums while they are in the cache.
 */
export function lowerImageConvolution(
  node: ComprehensionNode,
  convolution: ImageConvolution,
  context: ContractionContext,
): void {
  const { b } = context
  const { channels, filters, tile } = convolution
  const chunk = chunkOf(convolution)
  const count = productsOf(tile)
  const isWhole = chunk.imageChunks * chunk.rowChunks === 1
  const owner = isWhole ? 'kernel' : 'thread'
  const ofFilters = context.scratch(count * planeOf(filters.extent, channels.extent), 'kernel')
  const ofImages = context.scratch(count * planeOf(channels.extent, chunk.tiles), owner)
  const products = context.scratch(count * planeOf(filters.extent, chunk.tiles), owner)
  const result = resultOf(node, convolution, chunk, context, owner)
  const between = betweenBuffer(convolution, chunk, context)

  transformFilters(convolution, context, { between, to: ofFilters })
  eachChunk(b, chunk, (place) => {
    transformTiles(imageTiles(convolution), context, chunk, place, { between, to: ofImages })
    b.loop(count, 0, 'serial', (point) => {
      const panel = (buffer: string, rows: number, columns: number) => ({
        buffer,
        base: scale(point, planeOf(rows, columns)),
        rows: steps(rows, columns),
        columns: steps(columns, 1),
        packed: null,
      })
      b.push({
        kind: 'contraction',
        m: filters.extent,
        n: chunk.tiles,
        k: channels.extent,
        a: panel(ofFilters, filters.extent, channels.extent),
        b: panel(ofImages, channels.extent, chunk.tiles),
        c: panel(products, filters.extent, chunk.tiles),
        add: false,
        parallel: false,
      })
    })
    sumTiles(convolution, context, chunk, place, { between, products, result })
    context.epilogue?.(result.axes(place), result.place(place), {
      index: place.index,
      count: chunk.imageChunks * chunk.rowChunks,
    })
  })
}

/** `to[point, filter, channel]`. */
function transformFilters(
  { filter, filters, channels, tile }: ImageConvolution,
  context: ContractionContext,
  { between, to }: { readonly between: string | null; readonly to: string },
): void {
  const { b } = context
  const buffer = context.bufferOf(filter.access)
  b.loop(filters.extent, 0, 'parallel', (k) => {
    transformBoth(b, between, tile.ofTaps, {
      side: 3,
      count: channels.extent,
      each: (inside) => b.loop(channels.extent, 0, 'lanes', (c) => inside(c)),
      element: (u, v, c) => {
        const first = add(add(scale(k, filter.image), scale(c, filter.channel)), constant(filter.base))
        return b.load('f32', buffer, add(first, add(constant(u * filter.row), scale(v, filter.column))), null)
      },
      row: (y, values, c) => {
        const at = add(scale(k, channels.extent), c)
        storePoints(b, to, at, planeOf(filters.extent, channels.extent), y, values)
      },
    })
  })
}

/** From products to sums: `z[image, filter, row, column]` of the chunk. */
function sumTiles(
  { filters, tile: kind }: ImageConvolution,
  { b }: ContractionContext,
  chunk: Chunk,
  place: ChunkPlace,
  {
    between,
    products,
    result,
  }: { readonly between: string | null; readonly products: string; readonly result: Result },
): void {
  b.loop(filters.extent, 0, 'serial', (k) => {
    transformBoth(b, between, kind.toSums, {
      side: kind.points,
      count: chunk.tiles,
      each: (inside) => eachTile(b, chunk, inside),
      element: (y, x, tile) => {
        const at = add(scale(k, chunk.tiles), tile)
        return loadPoint(b, products, at, planeOf(filters.extent, chunk.tiles), kind.points, y, x)
      },
      row: (y, sums, _, image, row, column) => {
        const first = result.offset(place, image, k, add(scale(row, kind.side), y), scale(column, kind.side))
        sums.forEach((value, x) => {
          const offset = add(first, constant(x * result.column))
          b.push({ kind: 'store', buffer: result.buffer, offset, value, add: false })
        })
      },
    })
  })
}

interface Result {
  readonly buffer: string
  /** The step from a sum to the one beside it. */
  readonly column: number
  /** The offset of an element of a chunk. */
  offset(place: ChunkPlace, image: Affine, filter: Affine, row: Affine, column: Affine): Affine
  axes(place: ChunkPlace): readonly ChunkAxis[]
  place(place: ChunkPlace): Parameters<NonNullable<ContractionContext['epilogue']>>[1]
}

/** Where the sums go: into the result's own buffer, or one chunk after another into the same scratch. */
function resultOf(
  node: ComprehensionNode,
  { images, filters, rows, columns, tile }: ImageConvolution,
  chunk: Chunk,
  context: ContractionContext,
  owner: 'kernel' | 'thread',
): Result {
  const extents = new Map([
    [filters, filters.extent],
    [rows, chunk.rows * tile.side],
    [columns, chunk.columns * tile.side],
  ])
  if (images) extents.set(images, chunk.images)
  const shape = node.axes.map((axis) => extents.get(axis) ?? 1)
  const isScratch = context.target === null
  const strides = stridesOf(isScratch ? shape : node.shape)
  const buffer = context.target ?? context.scratch(sizeOf(shape), owner)
  // The only image has no axis.
  const step = (axis: BoundRange | null): number => (axis ? strides[node.axes.indexOf(axis)] : 0)
  const startOf = (axis: BoundRange | null, place: ChunkPlace): Affine => {
    if (axis === images) return place.image
    return axis === rows ? scale(place.row, tile.side) : constant(0)
  }
  return {
    buffer,
    column: step(columns),
    offset: (place, image, filter, row, column) => {
      const inside: readonly (readonly [BoundRange | null, Affine])[] = [
        [images, image],
        [filters, filter],
        [rows, row],
        [columns, column],
      ]
      return inside.reduce(
        (sum, [axis, at]) => add(sum, scale(isScratch ? at : add(startOf(axis, place), at), step(axis))),
        constant(0),
      )
    },
    axes: (place) =>
      node.axes.map((axis, at) =>
        axis.extent === 1 ? { fixed: constant(0) } : { extent: shape[at], from: startOf(axis, place) },
      ),
    place: (place) => ({
      buffer,
      offset: (at) =>
        node.axes.reduce(
          (sum, axis, position) =>
            add(sum, scale(isScratch ? add(at[position], scale(startOf(axis, place), -1)) : at[position], step(axis))),
          constant(0),
        ),
    }),
  }
}
