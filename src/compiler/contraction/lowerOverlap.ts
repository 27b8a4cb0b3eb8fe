// Sums over windows of their own as matrix products, one a position, each added to what lies under its window.
import { type BoundRange, type ComprehensionNode, sizeOf } from '../../graph/node.ts'
import { type Affine, add, constant, scale } from '../../index/index.ts'
import { constantValue, type KernelBuilder } from '../blocks.ts'
import type { LoopMode, Panel } from '../ir.ts'
import type { ChunkAxis, ContractionContext } from './lower.ts'
import { type OverlapProduct, resultStrides } from './overlap.ts'
import { type Access, count, offsetsOf } from './roles.ts'

/** Emits a loop over chunks of the result: zeros, the products of all positions, and what follows on their sums. */
export function lowerOverlap(node: ComprehensionNode, product: OverlapProduct, context: ContractionContext): void {
  const { b, target } = context
  const { axis: cutAxis, chunks } = chunkOf(product)
  const cut = (range: BoundRange): BoundRange =>
    range === cutAxis ? { ...range, extent: range.extent / chunks } : range
  const rows = product.rows.map(cut)
  const columns = product.columns.map(cut)
  const axes = node.axes.map(cut)
  const shape = axes.map(({ extent }) => extent)
  const buffer = target ?? context.scratch(sizeOf(shape), chunks > 1 ? 'thread' : 'kernel')
  const strides = resultStrides(node, product.windows, target === null ? shape : node.shape)
  const strideIn = ({ strides }: Access, index: string): number => strides.get(index) ?? 0
  const panelOf = (access: Access, one: readonly BoundRange[], two: readonly BoundRange[]): Omit<Panel, 'base'> => ({
    buffer: context.bufferOf(access),
    rows: offsetsOf(one, (index) => strideIn(access, index)),
    columns: offsetsOf(two, (index) => strideIn(access, index)),
    packed: null,
  })
  const panels = {
    a: panelOf(product.a, rows, product.sums),
    b: panelOf(product.b, product.sums, columns),
    c: {
      buffer,
      rows: offsetsOf(rows, (index) => strides.get(index)!),
      columns: offsetsOf(columns, (index) => strides.get(index)!),
      packed: null,
    },
  }
  const products = [...product.batch.map(cut), ...product.windows.map(({ positions }) => positions)]

  b.loop(chunks, 0, 'parallel', (chunk) => {
    const first = cutAxis ? scale(chunk, cutAxis.extent / chunks) : constant(0)
    /** Where the chunk begins in what moves so far with each step along an axis. */
    const begin = (strideOf: (index: string) => number): Affine =>
      cutAxis ? scale(first, strideOf(cutAxis.index)) : constant(0)
    const resultBegin = target === null ? constant(0) : begin((index) => strides.get(index)!)
    const moved = (
      at: readonly Affine[],
      ranges: readonly BoundRange[],
      from: Affine,
      strideOf: (index: string) => number,
    ) => at.reduce((sum, position, axis) => add(sum, scale(position, strideOf(ranges[axis].index))), from)

    nest(b, axes, 'lanes', (at) => {
      const offset = moved(at, axes, resultBegin, (index) => strides.get(index)!)
      b.push({ kind: 'store', buffer, offset, value: constantValue('f32', 0), add: false })
    })
    nest(b, products, 'serial', (at) => {
      const base = (access: Access): Affine => {
        const strideOf = (index: string): number => strideIn(access, index)
        return moved(at, products, add(constant(access.constant), begin(strideOf)), strideOf)
      }
      b.push({
        kind: 'contraction',
        m: count(rows),
        n: count(columns),
        k: count(product.sums),
        a: { ...panels.a, base: base(product.a) },
        b: { ...panels.b, base: base(product.b) },
        c: { ...panels.c, base: moved(at, products, resultBegin, (index) => strides.get(index)!) },
        add: true,
        parallel: false,
      })
    })
    if (!context.epilogue) return
    const chunkAxes = node.axes.map(
      (axis): ChunkAxis => ({ extent: cut(axis).extent, from: axis === cutAxis ? first : constant(0) }),
    )
    const offset = (at: readonly Affine[]): Affine => {
      const start =
        target === null
          ? scale(
              begin((index) => strides.get(index)!),
              -1,
            )
          : constant(0)
      return moved(at, node.axes, start, (index) => strides.get(index)!)
    }
    context.epilogue(chunkAxes, { buffer, offset }, { index: chunk, count: chunks })
  })
}

/** Into how many parts the result is cut for threads, the best number first. */
const chunkCounts = [4, 2, 8, 6, 3, 5, 7]
/** The products of a part should have at least so many rows and columns. */
const leastRows = 24
const leastColumns = 32

/** The axis that is cut: of positions' products of their own, of rows, or of columns. Windows are never cut: they overlap. */
function chunkOf({ windows, batch, rows, columns }: OverlapProduct): {
  readonly axis: BoundRange | null
  readonly chunks: number
} {
  const taps = windows.map(({ tap }) => tap)
  const sides = [
    { ranges: batch, size: Infinity, least: 0 },
    { ranges: rows, size: count(rows), least: leastRows },
    { ranges: columns, size: count(columns), least: leastColumns },
  ]
  for (const { ranges, size, least } of sides) {
    for (const chunks of chunkCounts) {
      const axis = ranges.find((range) => !taps.includes(range) && range.extent % chunks === 0)
      if (axis && size / chunks >= least) return { axis, chunks }
    }
  }
  return { axis: null, chunks: 1 }
}

function nest(
  b: KernelBuilder,
  ranges: readonly BoundRange[],
  innermost: LoopMode,
  inside: (at: readonly Affine[]) => void,
): void {
  const open = (at: readonly Affine[]): void => {
    const depth = at.length
    if (depth === ranges.length) {
      inside(at)
      return
    }
    const { start, extent } = ranges[depth]
    b.loop(extent, start, depth === ranges.length - 1 ? innermost : 'serial', (index) => open([...at, index]))
  }
  open([])
}
