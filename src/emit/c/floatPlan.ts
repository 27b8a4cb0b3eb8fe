// How products of f32 numbers run: which tile, how its rows of a are read, and how much is multiplied at a time.
import type { Panel } from '../../compiler/ir.ts'
import type { Plan, Product } from './plan.ts'
import { isRun, stepOf } from './tables.ts'
import { chooseTile, columnBlock, stagedLimits, sumBlock, type Tile, tileLimits } from './tiles.ts'

/** A result or an operand of so many elements (1 MiB) is not in the cache of one core when it is needed again. */
export const farElements = 262144

/** How a tile's rows of a are read: as they lie, or from a copy whose rows, or whose columns, lie next to each other. */
export type Staging = 'direct' | 'rows' | 'columns'

/** Summands that lie next to each other are read where they are, by tiles of as many rows as the first cache can hold. */
const isDirect = ({ a, k }: Product): boolean => k > 1 && stepOf(a.columns) === 1

export function floatTile(product: Product, width: number): Tile & { readonly cost: number } {
  const { m, n } = product
  const { rows, vectors } = tileLimits(width)
  if (!isDirect(product)) return chooseTile(m, n, width, stagedLimits(width))
  return chooseTile(m, n, width, { rows: rowsOfCache(product.a, rows), vectors })
}

/** Of a cache's lines with addresses that agree in these bits, only a few are kept: as in a first cache of 32 KiB in 8 ways. */
const setLines = 64
const lineBytes = 64
/** Leaves two for b and c. */
const usableWays = 6

/** So many rows at most that their elements of one summand stay in the first cache together. */
function rowsOfCache({ rows }: Panel, most: number): number {
  const taken = new Map<number, number>()
  for (let row = 0; row < Math.min(most, rows.length); row++) {
    const set = Math.floor((rows[row] * 4) / lineBytes) & (setLines - 1)
    const lines = (taken.get(set) ?? 0) + 1
    if (lines > usableWays) return row
    taken.set(set, lines)
  }
  return most
}

/** Rows far apart fall into the same cache sets; a copy that several panels use is worth making. */
export function stagingOf(plan: Plan): Staging {
  if (isDirect(plan)) return 'direct'
  const columns = plan.tile.vectors * plan.width
  const panels = Math.min(Math.ceil(plan.n / columns), Math.max(1, Math.floor(columnBlock / columns)))
  const affine = stepOf(plan.a.rows) !== null && stepOf(plan.a.columns) !== null
  if (panels < 3 && (affine || panels < 2)) return 'direct'
  return stepOf(plan.a.rows) === 1 ? 'columns' : 'rows'
}

export interface Blocks {
  /** Summands of one pass over a and b. */
  readonly sums: number
  /** Columns of b that are packed at a time. */
  readonly columns: number
}

/** Summands of one pass over rows that are read as they lie: the more, the less often sums go to memory and back. */
const longSumBlock = 1024

/** How many numbers of b may be in the second cache. */
const cachedNumbers = (cache: number): number => (cache * 3) / 4 / 4

/** Summands of one pass of a plan: all of them where sums get into c one by one and all of b fits the cache. */
export function summandsOf(plan: Plan, cache: number): number {
  const { n, k, c, tile, width } = plan
  const panel = tile.vectors * width
  const isScattered = stepOf(c.columns) !== 1 && n > 1
  const fits = Math.ceil(n / panel) * panel * k <= cachedNumbers(cache)
  const isOnce = isScattered && fits && !isDirect(plan) && stagingOf(plan) === 'direct'
  return isOnce ? k : floatBlocks(plan, tile, width, cache).sums
}

/** A block of b fills most of the second cache, of `cache` bytes; blocks are about equal. */
export function floatBlocks(product: Product, tile: Tile, width: number, cache: number): Blocks {
  const { n, k } = product
  const panel = tile.vectors * width
  if (!isDirect(product)) return { sums: sumBlock, columns: equalParts(n, columnBlock, panel) }
  const numbers = cachedNumbers(cache)
  // At least two panels of columns share what is read of a.
  const most = Math.max(lineBytes, Math.min(longSumBlock, numbers / 2 / panel))
  const sums = equalParts(k, most, 16)
  return { sums, columns: equalParts(n, numbers / Math.min(k, sums), panel) }
}

/** The length of parts of `whole` that are about equal, multiples of `unit`, and no longer than `most` allows. */
function equalParts(whole: number, most: number, unit: number): number {
  const units = Math.ceil(whole / unit)
  const parts = Math.ceil(units / Math.max(1, Math.floor(most / unit)))
  return Math.ceil(units / parts) * unit
}

/** Whether a tile can read b as it lies: vectors of neighbours, in all panels but a last that is not full. */
export function readsVectors({ b, n, tile, width }: Plan): boolean {
  const columns = Math.floor(n / (tile.vectors * width)) * tile.vectors * width
  for (let at = 0; at < columns; at += width) if (!isRun(b.columns, at, width)) return false
  return columns > 0
}

/**
 * Whether a tile reads b where it lies for all its rows: in panels of neighbours that are about as close together as they would
 * be packed.
 */
export function readsInPlace(plan: Plan): boolean {
  const { b, n, k, tile, width } = plan
  const columns = tile.vectors * width
  const step = stepOf(b.rows)
  if (plan.bf16 !== null || plan.dots !== null || b.packed !== null || step === null) return false
  // What comes from afar is read once.
  if (n * k >= farElements) return false
  return n % columns === 0 && stepOf(b.columns) === 1 && columns <= step && step <= mostPanels * columns
}

/** Of lines that lie as many panels apart the first cache holds half as many. */
const mostPanels = 2
