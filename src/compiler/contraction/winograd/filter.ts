// Gradients of convolutions by their 3×3 windows, with 16 or 36 products for each tile of 2×2 or 4×4 errors.
import { type BoundRange, type ComprehensionNode, sizeOf } from '../../../graph/node.ts'
import { type Affine, add, constant, scale } from '../../../index/index.ts'
import { constantValue } from '../../blocks.ts'
import type { Value } from '../../ir.ts'
import type { ChunkAxis, ContractionContext } from '../lower.ts'
import { stridesOf } from '../roles.ts'
import {
  betweenBuffer,
  type Chunk,
  type ChunkPlace,
  chunkOf,
  imageTiles,
  largestPart,
  loadPoint,
  planeOf,
  productsOf,
  steps,
  type TileSource,
  transformTiles,
} from './chunks.ts'
import type { FilterConvolution } from './roles.ts'
import { transformBoth } from './transforms.ts'

/** Chunks are summed in so many groups at most, whatever the number of threads: sums have one order. */
const mostGroups = 8
/** Sums of all groups take so many numbers at most (18 MiB). */
const mostSums = 4718592

/**
 * In each group of chunks: transforms of the image's and the error's tiles, and for each point a matrix product, added up over
 * the chunks. Then the groups' sums are added and transformed back.
 */
export function lowerFilterConvolution(
  node: ComprehensionNode,
  convolution: FilterConvolution,
  context: ContractionContext,
): void {
  const { b } = context
  const { channels, filters, tile } = convolution
  const chunk = chunkOf(convolution)
  const count = productsOf(tile)
  const matrix = planeOf(filters.extent, channels.extent)
  const most = Math.min(mostGroups, mostSums / (count * matrix))
  const groups = largestPart(chunk.imageChunks > 1 ? chunk.imageChunks : chunk.rowChunks, most)
  const owner = groups > 1 ? 'thread' : 'kernel'
  const ofImages = context.scratch(count * planeOf(channels.extent, chunk.tiles), owner)
  const ofErrors = context.scratch(count * planeOf(filters.extent, chunk.tiles), owner)
  const products = context.scratch(groups * count * matrix, 'kernel')
  const between = betweenBuffer(convolution, chunk, context)

  b.loop(groups, 0, 'parallel', (group) => {
    const first = scale(group, count * matrix)
    b.loop(count * matrix, 0, 'lanes', (at) => {
      b.push({ kind: 'store', buffer: products, offset: add(first, at), value: constantValue('f32', 0), add: false })
    })
    eachChunkOf(context, chunk, group, groups, (place) => {
      transformTiles(imageTiles(convolution), context, chunk, place, { between, to: ofImages })
      transformTiles(errorTiles(convolution), context, chunk, place, { between, to: ofErrors })
      b.loop(count, 0, 'serial', (point) => {
        b.push({
          kind: 'contraction',
          m: filters.extent,
          n: channels.extent,
          k: chunk.tiles,
          a: {
            buffer: ofErrors,
            base: scale(point, planeOf(filters.extent, chunk.tiles)),
            rows: steps(filters.extent, chunk.tiles),
            columns: steps(chunk.tiles, 1),
            packed: null,
          },
          b: {
            buffer: ofImages,
            base: scale(point, planeOf(channels.extent, chunk.tiles)),
            rows: steps(chunk.tiles, 1),
            columns: steps(channels.extent, chunk.tiles),
            packed: null,
          },
          c: {
            buffer: products,
            base: add(first, scale(point, matrix)),
            rows: steps(filters.extent, channels.extent),
            columns: steps(channels.extent, 1),
            packed: null,
          },
          add: true,
          parallel: false,
        })
      })
    })
  })
  sumGroups(node, convolution, context, groups, { between, products })
}

/** The chunks of a group, in order. */
function eachChunkOf(
  { b }: ContractionContext,
  chunk: Chunk,
  group: Affine,
  groups: number,
  inside: (place: ChunkPlace) => void,
): void {
  const byImages = chunk.imageChunks > 1
  const images = chunk.imageChunks / (byImages ? groups : 1)
  const rows = chunk.rowChunks / (byImages ? 1 : groups)
  b.loop(images, 0, 'serial', (nth) => {
    b.loop(rows, 0, 'serial', (row) => {
      const image = byImages ? add(scale(group, images), nth) : nth
      const line = byImages ? row : add(scale(group, rows), row)
      const index = add(scale(image, chunk.rowChunks), line)
      inside({ index, image: scale(image, chunk.images), row: scale(line, chunk.rows) })
    })
  })
}

const errorTiles = ({ error, filters, tile }: FilterConvolution): TileSource => ({
  layout: error,
  planes: filters,
  side: tile.side,
  step: tile.side,
  transform: tile.ofErrors,
})

/** The groups' sums, added in order and transformed to `z[filter, channel, tap row, tap column]`. */
function sumGroups(
  node: ComprehensionNode,
  { filters, channels, tapRows, tapColumns, mirroredRows, mirroredColumns, tile }: FilterConvolution,
  context: ContractionContext,
  groups: number,
  { between, products }: { readonly between: string | null; readonly products: string },
): void {
  const { b } = context
  const strides = stridesOf(node.shape)
  const step = (axis: BoundRange): number => strides[node.axes.indexOf(axis)]
  const to = context.target ?? context.scratch(sizeOf(node.shape), 'kernel')
  const matrix = planeOf(filters.extent, channels.extent)
  b.loop(filters.extent, 0, 'parallel', (k) => {
    transformBoth(b, between, tile.toTaps, {
      side: tile.points,
      count: channels.extent,
      each: (inside) => b.loop(channels.extent, 0, 'lanes', (c) => inside(c)),
      element: (y, x, c) => {
        const ofGroup = (group: number): Value => {
          const at = add(add(scale(k, channels.extent), c), constant(group * productsOf(tile) * matrix))
          return loadPoint(b, products, at, matrix, tile.points, y, x)
        }
        let sum = ofGroup(0)
        for (let group = 1; group < groups; group++) sum = b.operation('f32', 'add', sum, ofGroup(group))
        return sum
      },
      row: (y, values, c) => {
        const first = add(scale(k, step(filters)), scale(c, step(channels)))
        const u = mirroredRows ? add(constant(2), scale(y, -1)) : y
        values.forEach((value, x) => {
          const v = mirroredColumns ? 2 - x : x
          const offset = add(first, add(scale(u, step(tapRows)), constant(v * step(tapColumns))))
          b.push({ kind: 'store', buffer: to, offset, value, add: false })
        })
      },
    })
  })
  context.epilogue?.(
    node.axes.map((axis): ChunkAxis => ({ extent: axis.extent, from: constant(0) })),
    { buffer: to, offset: (at) => node.axes.reduce((sum, axis, n) => add(sum, scale(at[n], step(axis))), constant(0)) },
    { index: constant(0), count: 1 },
  )
}
