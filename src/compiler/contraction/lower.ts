// A contraction and what follows on its result, as matrix products over chunks that stay in the cache.
import type { BoundRange, ComprehensionNode } from '../../graph/node.ts'
import { type Affine, add, constant, scale } from '../../index/index.ts'
import type { KernelBuilder } from '../blocks.ts'
import type { LoopMode, Panel } from '../ir.ts'
import { type Access, count, type MatrixProduct, offsetsOf, stridesOf } from './roles.ts'

/** What the lowering of the members after the contraction needs: where the product's elements are. */
export interface ProductPlace {
  readonly buffer: string
  /** The element's offset, from the positions on all axes of the node. */
  offset(at: readonly Affine[]): Affine
}

export interface ContractionContext {
  readonly b: KernelBuilder
  bufferOf(access: Access): string
  /** The buffer the product itself is wanted in; null when only what follows needs it. */
  readonly target: string | null
  /** Memory that the kernel alone uses: each thread its own, or all threads together. */
  scratch(length: number, owner: 'thread' | 'kernel'): string
  /** Emits the members that follow, for one chunk: `position` gives an axis as a loop opened inside. */
  readonly epilogue: ((axes: readonly ChunkAxis[], place: ProductPlace, chunk: ChunkNumber) => void) | null
}

/** An axis inside a chunk: fixed by the loops around, or still to run. */
export type ChunkAxis = { readonly fixed: Affine } | { readonly extent: number; readonly from: Affine }

/** Which chunk it is, and of how many. */
export interface ChunkNumber {
  readonly index: Affine
  readonly count: number
}

/** At most this many results of a product (256 KiB) are made before what follows reads them. */
const chunkElements = 65536
/** The operand that all chunks share is at most so large (2 MiB). */
const rereadElements = 524288
/** A chunk's product should have at least this many rows or columns on the side that was cut. */
const leastSide = 256

/** Emits the contraction in chunks along its batch axes and, where its result is large, its first axis. */
export function lowerContraction(node: ComprehensionNode, product: MatrixProduct, context: ContractionContext): void {
  const { b } = context
  const chunk =
    context.epilogue || product.batch.length > 0 || areScattered(node, product) ? chunkOf(node, product) : null
  const outer: OuterLoop[] = []
  for (const axis of node.axes) {
    if (product.batch.includes(axis)) outer.push({ range: axis, extent: axis.extent, step: 1 })
    else if (axis === chunk?.axis) outer.push({ range: axis, extent: axis.extent / chunk.size, step: chunk.size })
  }
  const cut = (range: BoundRange): BoundRange => (range === chunk?.axis ? { ...range, extent: chunk.size } : range)
  const rows = product.rows.map(cut)
  const columns = product.columns.map(cut)
  // Results of neighbouring products lie side by side: what follows on several of them reads and writes longer runs.
  const held = context.epilogue ? heldLoops(outer, count(rows) * count(columns)) : []
  const inner = new Set<BoundRange>([...product.rows, ...product.columns, ...held.map(({ range }) => range)])

  const resultShape = node.axes.map((axis) => (inner.has(axis) ? cut(axis).extent : 1))
  const whole = context.target
  const isDivided = outer.some(({ extent }) => extent > 1)
  const scratch =
    whole === null
      ? context.scratch(
          resultShape.reduce((size, extent) => size * extent, 1),
          isDivided ? 'thread' : 'kernel',
        )
      : null
  const resultStrides = stridesOf(whole === null ? resultShape : node.shape)
  const strideInResult = new Map(node.axes.map((axis, at) => [axis.index, resultStrides[at]]))

  const fixedNames = new Set(outer.map(({ range }) => range.index))
  const panels = {
    a: panelOf(context.bufferOf(product.a), product.a, rows, product.sums),
    b: panelOf(context.bufferOf(product.b), product.b, product.sums, columns),
  }
  // An operand that no loop around moves is put in order once.
  const packed: { a: string | null; b: string | null } = { a: null, b: null }
  if (outer.length > 0) {
    for (const side of ['a', 'b'] as const) {
      if ([...product[side].strides.keys()].some((index) => fixedNames.has(index))) continue
      const name = b.fresh('packed')
      packed[side] = name
      b.push({
        kind: 'pack',
        name,
        side,
        panel: { ...panels[side], base: constant(product[side].constant), packed: null },
      })
    }
  }

  const multiply = (fixed: ReadonlyMap<BoundRange, Affine>): void => {
    const base = (access: Access): Affine => {
      let sum = constant(access.constant)
      for (const [range, at] of fixed) sum = add(sum, scale(at, access.strides.get(range.index) ?? 0))
      return sum
    }
    let resultBase = constant(0)
    for (const [range, at] of fixed)
      if (whole !== null || held.some((loop) => loop.range === range))
        resultBase = add(resultBase, scale(at, strideInResult.get(range.index)!))
    b.push({
      kind: 'contraction',
      m: count(rows),
      n: count(columns),
      k: count(product.sums),
      a: { ...panels.a, base: base(product.a), packed: packed.a },
      b: { ...panels.b, base: base(product.b), packed: packed.b },
      c: {
        buffer: (whole ?? scratch)!,
        base: resultBase,
        rows: offsetsOf(rows, (index) => strideInResult.get(index)!),
        columns: offsetsOf(columns, (index) => strideInResult.get(index)!),
        packed: null,
      },
      add: false,
      // Loops of one round are none.
      parallel: !isDivided,
    })
  }

  const inside = (fixed: ReadonlyMap<BoundRange, Affine>, index: Affine): void => {
    openHeld(0, fixed)
    if (!context.epilogue) return
    const axes = node.axes.map((axis): ChunkAxis => {
      const at = fixed.get(axis)
      if (at && !inner.has(axis)) return { fixed: at }
      return { extent: cut(axis).extent, from: at ?? constant(0) }
    })
    const place: ProductPlace = {
      buffer: (whole ?? scratch)!,
      offset: (at) => {
        let sum = constant(0)
        node.axes.forEach((axis, position) => {
          const stride = strideInResult.get(axis.index)!
          const start = whole === null ? (fixed.get(axis) ?? constant(0)) : constant(0)
          sum = add(sum, scale(add(at[position], scale(start, -1)), stride))
        })
        return sum
      },
    }
    context.epilogue(axes, place, { index, count: open.reduce((all, { extent }) => all * extent, 1) })
  }

  const openHeld = (depth: number, fixed: ReadonlyMap<BoundRange, Affine>): void => {
    if (depth === held.length) {
      multiply(fixed)
      return
    }
    const { range, extent } = held[depth]
    b.loop(extent, 0, 'serial', (index) => openHeld(depth + 1, new Map([...fixed, [range, index]])))
  }

  const open = outer.slice(0, outer.length - held.length)
  const openChunks = (depth: number, fixed: ReadonlyMap<BoundRange, Affine>, chunkAt: Affine): void => {
    if (depth === open.length) {
      inside(fixed, chunkAt)
      return
    }
    const { range, extent, step } = open[depth]
    const mode: LoopMode = depth === 0 ? 'parallel' : 'serial'
    b.loop(extent, 0, mode, (index) => {
      openChunks(depth + 1, new Map([...fixed, [range, scale(index, step)]]), add(scale(chunkAt, extent), index))
    })
  }
  openChunks(0, new Map(), constant(0))
}

interface OuterLoop {
  readonly range: BoundRange
  readonly extent: number
  readonly step: number
}

/** The innermost of the loops around products of so many results that can run before what follows; threads share the first. */
function heldLoops(outer: readonly OuterLoop[], results: number): readonly OuterLoop[] {
  let from = outer.length
  for (let size = results; from > 1; from--) {
    const { extent, step } = outer[from - 1]
    size *= extent
    if (step !== 1 || size > chunkElements) break
  }
  return outer.slice(from)
}

/** Whether the columns do not lie next to each other in the result: some row axis stands between them. */
function areScattered(node: ComprehensionNode, product: MatrixProduct): boolean {
  const first = node.axes.findIndex((axis) => product.columns.includes(axis))
  return first >= 0 && node.axes.slice(first).some((axis) => !product.columns.includes(axis) && axis.extent > 1)
}

/** The first axis in pieces such that a piece's results fit the cache; null where it is a batch or the whole fits. */
function chunkOf(
  node: ComprehensionNode,
  product: MatrixProduct,
): { readonly axis: BoundRange; readonly size: number } | null {
  const axis = node.axes[0]
  if (!axis || product.batch.includes(axis) || count(product.rows) * count(product.columns) <= chunkElements)
    return null
  const side = product.rows.includes(axis) ? product.rows : product.columns
  const rest = count(side) / axis.extent
  const other = (count(product.rows) * count(product.columns)) / axis.extent
  // Each chunk reads the other operand again: it must stay in the cache, unless the result cannot do without chunks.
  const again = count(product.sums) * count(side === product.rows ? product.columns : product.rows)
  if (again > rereadElements && !areScattered(node, product)) return null
  let best: number | null = null
  for (let size = 1; size < axis.extent; size++) {
    if (axis.extent % size !== 0) continue
    if (best !== null && size * other > chunkElements) break
    if (size * rest >= leastSide || size * other <= chunkElements) best = size
    if (size * rest >= leastSide) break
  }
  return best === null ? null : { axis, size: best }
}

const panelOf = (
  buffer: string,
  access: Access,
  rows: readonly BoundRange[],
  columns: readonly BoundRange[],
): Omit<Panel, 'base' | 'packed'> => ({
  buffer,
  rows: offsetsOf(rows, (index) => access.strides.get(index) ?? 0),
  columns: offsetsOf(columns, (index) => access.strides.get(index) ?? 0),
})
