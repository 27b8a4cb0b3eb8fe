// How one matrix product is cut into tiles and blocks, and which of its operands are packed.
import type { ContractionStatement, Panel } from '../../compiler/ir.ts'
import { vectorRegisters } from './microKernel.ts'
import type { BlockedTable } from './offsetTables.ts'
import { blockedTable, greatestCommonDivisor, isContiguous, runLength, strideOf } from './offsetTables.ts'
import type { PackOrder } from './packing.ts'
import { blocking, directReads, stepCosts, tileCosts } from './tiles.ts'

/** `packed`: a pack statement has done it; `pack`: block by block; `packAll`: all columns of a block at once; `direct`: as it lies. */
export type Reading = 'packed' | 'pack' | 'packAll' | 'direct'

export interface RowGroup {
  readonly height: number
  readonly tiles: number
  readonly firstRow: number
}

export interface ProductPlan {
  /** The statement has been transposed, so that vectors lie along what were its rows. */
  readonly swapped: boolean
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: Panel
  readonly b: Panel
  readonly c: Panel
  readonly aReading: Reading
  readonly bReading: Reading
  readonly aOrder: PackOrder
  readonly bOrder: PackOrder
  /** Rows from top to bottom: tiles of one height, and perhaps some of another. */
  readonly rows: readonly RowGroup[]
  /** Tiles of the first group that are done before the next columns. */
  readonly rowBlockTiles: number
  readonly rowBlocks: number
  /** Columns are cut into segments of equal length, those into tiles, the last of them perhaps narrower. */
  readonly segments: number
  readonly segmentLength: number
  readonly tileWidth: number
  readonly fullTiles: number
  readonly restWidth: number
  /** Tiles of a unit, at most, and units of a segment. */
  readonly unitTiles: number
  readonly unitsPerSegment: number
  readonly kBlock: number
  readonly aSteps: BlockedTable
  readonly bSteps: BlockedTable
  /** The columns of C do not lie next to each other: tiles are made elsewhere and spread. */
  readonly spread: boolean
  /** Whether C is added to. */
  readonly add: boolean
  /** Along what the work may be split. */
  readonly split: 'rows' | 'columns'
}

/** Choices a tuner may force. */
export interface PlanOverrides {
  readonly aReading?: 'pack' | 'direct'
  readonly bReading?: 'pack' | 'packAll' | 'direct'
  readonly kBlock?: number
  readonly aElements?: number
  readonly bColumns?: number
}

/** The same plan for the same statement, whatever the number of threads. `fma`: whether kernels may fuse multiply-adds. */
export function planProduct(statement: ContractionStatement, fma: boolean, overrides: PlanOverrides = {}): ProductPlan {
  const swapped = wantsSwap(statement)
  const { m, n, k, a, b, c } = swapped ? transposed(statement) : statement

  const cRun = runLength(c.columns, 1)
  const spread = !isWide(cRun, n)
  const bRun = greatestCommonDivisor(runLength(b.columns, 1), spread ? n : cRun)
  const kBlock = overrides.kBlock ?? chooseKBlock(k, a.columns, b.rows)
  const aSteps = blockedTable(a.columns, kBlock)
  const bSteps = blockedTable(b.rows, kBlock)

  const aStride = strideOf(a.rows)
  const aCanBeDirect = aStride !== null && aStride >= 0
  const bCanBeDirect = isWide(bRun, n)
  const aReading =
    a.packed !== null ? 'packed' : aCanBeDirect ? (overrides.aReading ?? readA({ m, n, k }, aSteps)) : 'pack'
  const bWanted =
    b.packed !== null ? 'packed' : bCanBeDirect ? (overrides.bReading ?? readB({ m, n, k }, bSteps, kBlock)) : 'pack'

  const segmentLength = bWanted === 'direct' ? bRun : spread ? n : cRun
  const { rows, vectors } = chooseTiles({ m, n: segmentLength, k: kBlock }, fma)
  const tileWidth = Math.min(4 * vectors, segmentLength)
  const fullTiles = Math.floor(segmentLength / tileWidth)
  const restWidth = segmentLength - fullTiles * tileWidth
  const segments = n / segmentLength

  // Units are made small enough that several threads find some, and large enough that lines of B are read whole.
  const widest = Math.max(1, Math.floor((overrides.bColumns ?? blocking.bColumns) / tileWidth))
  const unitTiles = Math.max(1, Math.min(widest, Math.ceil((fullTiles * segments) / 16)))
  const unitsPerSegment = Math.max(1, Math.ceil(fullTiles / unitTiles))
  const { height } = rows[0]
  const fit = Math.max(1, Math.floor((overrides.aElements ?? blocking.aElements) / (kBlock * height)))
  const split = segments * unitsPerSegment >= 4 || segments * unitsPerSegment * 8 >= rows[0].tiles ? 'columns' : 'rows'
  const rowBlockTiles = Math.min(rows[0].tiles, split === 'rows' ? Math.min(fit, Math.ceil(rows[0].tiles / 16)) : fit)
  const rowBlocks = Math.ceil(rows[0].tiles / rowBlockTiles)
  const packAll = bWanted === 'pack' && rowBlocks > 1 && Math.min(k, kBlock) * n <= blocking.bElements
  return {
    swapped, m, n, k, a, b, c, add: statement.add, aReading, rows, rowBlockTiles, rowBlocks, segments, segmentLength, tileWidth, fullTiles,
    restWidth, unitTiles, unitsPerSegment, kBlock, aSteps, bSteps, spread, split,
    bReading: packAll ? 'packAll' : bWanted,
    aOrder: orderOf(a.rows, rows.flatMap(({ height, tiles, firstRow }) => tileStarts(firstRow, height, tiles)), a.columns),
    bOrder: orderOf(b.columns, columnStarts(segments, segmentLength, tileWidth), b.rows),
  } // biome-ignore format: a list of names
}

const isWide = (run: number, n: number): boolean => run === n || run % 4 === 0 || run >= 12

/** Vectors want to lie along what is contiguous in the result, and along what is longer where both are. */
function wantsSwap({ m, n, c }: ContractionStatement): boolean {
  const columns = isWide(runLength(c.columns, 1), n)
  const rows = isWide(runLength(c.rows, 1), m)
  if (columns !== rows) return rows
  return rows && n < 4 && m > n
}

function transposed({ m, n, k, a, b, c }: ContractionStatement) {
  const turn = (panel: Panel): Panel => ({ ...panel, rows: panel.columns, columns: panel.rows })
  return { m: n, n: m, k, a: turn(b), b: turn(a), c: turn(c) }
}

type Sizes = Pick<ProductPlan, 'm' | 'n' | 'k'>

function readA({ n }: Sizes, steps: BlockedTable): 'pack' | 'direct' {
  return n <= (steps.stride === null ? directReads.columnsOfWindows : directReads.columns) ? 'direct' : 'pack'
}

function readB({ m, n, k }: Sizes, steps: BlockedTable, kBlock: number): 'pack' | 'direct' {
  if (k * n <= directReads.elements) return 'direct'
  return m <= directReads.rows && fitsCache(steps.stride, Math.min(k, kBlock)) ? 'direct' : 'pack'
}

/** Rows a power of two apart share few places of the cache; those of windows are near each other. */
function fitsCache(stride: number | null, rows: number): boolean {
  if (stride === null) return true
  const { ways, setBytes, lineBytes } = directReads.cache
  const apart = Math.max(lineBytes, greatestCommonDivisor(setBytes, Math.abs(4 * stride)))
  return rows <= (setBytes / apart) * ways
}

/** A length near the wanted one for which the tables of offsets repeat themselves from block to block. */
function chooseKBlock(k: number, ...tables: readonly Int32Array[]): number {
  if (k <= blocking.k * 1.5) return k
  const even = Math.ceil(k / Math.ceil(k / blocking.k) / 4) * 4
  const candidates = new Set([even])
  for (const table of tables) {
    if (strideOf(table) !== null) continue
    let length = runLength(table, table[1] - table[0])
    while (length < blocking.k / 2) {
      const starts = table.filter((_, at) => at % length === 0)
      const longer = length * Math.max(2, runLength(starts, starts[1] - starts[0]))
      if (longer >= blocking.k * 2) break
      length = longer
    }
    for (let parts = 1; parts <= length; parts++) if (length % parts === 0) candidates.add(length / parts)
    for (let times = 2; times * length <= blocking.k * 1.5; times++) candidates.add(times * length)
  }
  const usable = [...candidates].filter((length) => length >= blocking.k / 2 && length <= blocking.k * 1.5)
  const cost = (length: number): number => {
    const patterns = tables.reduce((sum, table) => {
      const blocks = blockedTable(table, length)
      return sum + (blocks.stride === null ? blocks.patterns.length : 0)
    }, 0)
    return patterns + Math.abs(length - even) + (length % 4 === 0 ? 0 : 64)
  }
  return usable
    .map((length) => ({ length, cost: cost(length) }))
    .reduce((best, next) => (next.cost < best.cost ? next : best)).length
}

/** The heights and the width of tiles that take the least time in all. */
function chooseTiles(
  { m, n, k }: Sizes,
  fma: boolean,
): { readonly rows: readonly RowGroup[]; readonly vectors: number } {
  let best: { cost: number; rows: readonly RowGroup[]; vectors: number } | undefined
  const widest = Math.min(Math.ceil(n / 4), stepCosts.length - 1)
  for (let vectors = 1; vectors <= widest; vectors++) {
    const full = Math.floor(n / (4 * vectors))
    const restVectors = Math.ceil((n - full * 4 * vectors) / 4)
    const tileCost = (height: number, wide: number) =>
      wide === 0 ? 0 : k * stepCosts[wide][height - 1] + tileCosts[wide][height - 1]
    const columnCost = (height: number) => full * tileCost(height, vectors) + tileCost(height, restVectors)
    // A product that is not fused with its sum needs a register of its own.
    const highest = Math.min(stepCosts[vectors].length, Math.floor((vectorRegisters - (fma ? 1 : 2)) / vectors) - 1)
    if (highest < 1) continue
    for (const rows of rowGroups(m, highest)) {
      const cost = rows.reduce((sum, { height, tiles }) => sum + tiles * columnCost(height), 0)
      if (!best || cost < best.cost) best = { cost, rows, vectors }
    }
  }
  return best!
}

/** The ways to cut `m` rows into many tiles of one height and a few of another. */
function* rowGroups(m: number, highest: number): Iterable<readonly RowGroup[]> {
  for (let height = Math.min(m, highest); height >= 1; height--) {
    const most = Math.floor(m / height)
    for (let tiles = most; tiles > Math.max(0, most - height); tiles--) {
      const rest = m - tiles * height
      const first = { height, tiles, firstRow: 0 }
      if (rest === 0) yield [first]
      for (let other = Math.min(rest, highest); other >= 1; other--) {
        if (rest % other === 0) yield [first, { height: other, tiles: rest / other, firstRow: tiles * height }]
      }
    }
  }
}

const tileStarts = (first: number, width: number, tiles: number): number[] =>
  Array.from({ length: tiles }, (_, tile) => first + tile * width)

function columnStarts(segments: number, length: number, width: number): number[] {
  return Array.from({ length: segments }, (_, segment) => segment).flatMap((segment) =>
    tileStarts(segment * length, width, Math.floor(length / width)),
  )
}

/** In which order a packing of the lanes reads best. */
function orderOf(lanes: Int32Array, starts: readonly number[], steps: Int32Array): PackOrder {
  const share = (offsets: Int32Array, at: readonly number[]): number => {
    const whole = at.filter((start) => start + 4 <= offsets.length)
    return whole.length === 0 ? 0 : whole.filter((start) => isContiguous(offsets, start, 4)).length / whole.length
  }
  if (share(lanes, starts) >= 0.6) return 'lanes'
  return share(steps, tileStarts(0, 4, Math.floor(steps.length / 4))) >= 0.5 ? 'k' : 'scalar'
}
