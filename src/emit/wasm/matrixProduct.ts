// Matrix products over tables of offsets: one function for each, which cuts it into tiles, packs what is worth packing and
// runs the micro-kernels.
import type { ContractionStatement, PackStatement } from '../../compiler/ir.ts'
import type { ProductPlan, PlanOverrides, RowGroup } from './productPlan.ts'
import { planProduct } from './productPlan.ts'
import type { FunctionBuilder, Local, WasmModule } from './encoder.ts'
import { type MicroKernel, microKernel } from './microKernel.ts'
import { strideOf } from './offsetTables.ts'
import { type PackOrder, type Packing, packTiles, type Spacing } from './packing.ts'
import { advance, repeat } from './partialVectors.ts'
import { spreadTile } from './spreadTile.ts'

export interface ProductContext {
  readonly module: WasmModule
  /** Whether relaxed_madd may be used. */
  readonly fma: boolean
  /** Places a table in memory that is there whenever the module's functions run; what it returns pushes the table's address. */
  table(values: Int32Array): (f: FunctionBuilder) => void
}

export interface ProductCode {
  /**
   * (a, b, c, scratch, from, to): byte addresses of the panels' elements at `base` (or of the packed operand), of
   * `scratchBytes` private to the caller, and the units to do.
   */
  readonly func: FunctionBuilder
  readonly scratchBytes: number
  /** The product falls into this many units; all of them together, in any order and on any threads, make it whole. */
  readonly units: number
}

/** Writes the function of a matrix product. The same bits come out however the units are shared out. */
export function productCode(
  context: ProductContext,
  statement: ContractionStatement,
  overrides?: PlanOverrides,
): ProductCode {
  const plan = planProduct(statement, overrides)
  const f = context.module.func(`contraction_${statement.m}x${statement.n}x${statement.k}`, {
    params: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  })
  const [first, second, c, scratch, from, to] = f.params
  const [a, b] = plan.swapped ? [second, first] : [first, second]
  const scratchPlan = planScratch(plan)
  const code: Code = { context, plan, f, a, b, c, scratch, scratchPlan, block: blockLocals(f) }
  f.get(from).get(to).op('i32.ge_s').if(() => f.return())
  const units = plan.split === 'rows' ? plan.rowBlocks : plan.segments * plan.unitsPerSegment
  const columnUnits = plan.segments * plan.unitsPerSegment
  eachBlock(code, () => {
    const rowRange = plan.split === 'rows' ? { from, to } : { from: 0, to: plan.rowBlocks }
    const columnRange = plan.split === 'columns' ? { from, to } : { from: 0, to: columnUnits }
    if (plan.bReading === 'packAll') {
      eachUnit(f, columnRange, columnUnits, (unit) => {
        packColumns(code, columnUnit(code, unit))
      })
    }
    eachUnit(f, rowRange, plan.rowBlocks, (rowBlock) => {
      const groups = rowGroups(code, rowBlock)
      if (plan.aReading === 'pack') for (const group of groups) group.onlyIf(() => packRows(code, group))
      eachUnit(f, columnRange, columnUnits, (unit) => {
        const columns = columnUnit(code, unit)
        if (plan.bReading === 'pack') packColumns(code, columns)
        multiplyColumns(code, groups, columns)
      })
    })
  })
  return { func: f, scratchBytes: scratchPlan.bytes, units }
}

export interface PackCode {
  /** (source, destination, from, to): the panel's address at `base`, where the packed operand goes, and the units to do. */
  readonly func: FunctionBuilder
  /** What the packed operand takes. */
  readonly bytes: number
  readonly units: number
}

/** Writes the function of a pack statement for the contraction that uses it. */
export function packCode(context: ProductContext, pack: PackStatement, user: ContractionStatement): PackCode {
  const plan = planProduct(user)
  const f = context.module.func(`pack_${pack.side}_${user.m}x${user.n}x${user.k}`, {
    params: ['i32', 'i32', 'i32', 'i32'],
  })
  const [source, destination, from, to] = f.params
  const isA = (pack.side === 'a') !== plan.swapped
  const whole = { ...planScratch(plan), aAt: 0, bAt: 0, layoutLength: plan.k, fixed: destination }
  const code: Code = {
    context, plan, f, a: source, b: source, c: source, scratch: destination, scratchPlan: whole, block: blockLocals(f),
  } // biome-ignore format: a list of names
  const units = isA ? plan.rowBlocks : plan.segments * plan.unitsPerSegment
  f.get(from).get(to).op('i32.ge_s').if(() => f.return())
  eachBlock(code, () => {
    eachUnit(f, { from, to }, units, (unit) => {
      if (isA) for (const group of rowGroups(code, unit)) group.onlyIf(() => packRows(code, group))
      else packColumns(code, columnUnit(code, unit))
    })
  })
  return { func: f, bytes: 4 * plan.k * (isA ? plan.m : plan.segments * paddedSegment(plan)) + 16, units }
}

/** What the parts of one function's code share. */
interface Code {
  readonly context: ProductContext
  readonly plan: ProductPlan
  readonly f: FunctionBuilder
  readonly a: Local
  readonly b: Local
  readonly c: Local
  readonly scratch: Local
  readonly scratchPlan: ScratchPlan
  readonly block: BlockLocals
}

/** Where things are in the scratch, in bytes. */
interface ScratchPlan {
  readonly aAt: number
  readonly bAt: number
  readonly tileAt: number
  readonly bytes: number
  /** Steps over k for which the packed tiles have room. */
  readonly layoutLength: number
  /** Packing whole operands: their start. Tiles then stay where they are in the whole, and are not packed block by block. */
  readonly fixed: Local | null
}

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to
const padded = (width: number): number => roundUp(width, 4)

/** Columns a segment takes when packed. */
const paddedSegment = (plan: ProductPlan): number =>
  plan.fullTiles * padded(plan.tileWidth) + padded(plan.restWidth)

function planScratch(plan: ProductPlan): ScratchPlan {
  const layoutLength = Math.min(plan.k, plan.kBlock)
  const [first, second] = plan.rows
  const blockRows = plan.rowBlockTiles * first.height + (second ? second.tiles * second.height : 0)
  const aElements = plan.aReading === 'pack' ? blockRows * layoutLength : 0
  const unitColumns = plan.unitTiles * padded(plan.tileWidth) + padded(plan.restWidth)
  const bColumns = { pack: unitColumns, packAll: plan.segments * paddedSegment(plan), packed: 0, direct: 0 }[plan.bReading]
  const bAt = roundUp(4 * aElements, 64)
  const tileAt = bAt + roundUp(4 * bColumns * layoutLength, 64)
  const tileElements = plan.spread ? blockRows * padded(plan.tileWidth) : 0
  return { aAt: 0, bAt, tileAt, bytes: tileAt + 4 * tileElements, layoutLength, fixed: null }
}

/** What changes from block to block of k. */
interface BlockLocals {
  /** The first k, and how many. */
  readonly start: Local
  readonly count: Local
  /** Whether sums of earlier blocks are there. */
  readonly add: Local
  /** Offsets of this block in A and B in bytes, and addresses of its tables of offsets over k. */
  readonly aOffset: Local
  readonly bOffset: Local
  readonly aTable: Local
  readonly bTable: Local
}

const blockLocals = (f: FunctionBuilder): BlockLocals => ({
  start: f.local('i32'),
  count: f.local('i32'),
  add: f.local('i32'),
  aOffset: f.local('i32'),
  bOffset: f.local('i32'),
  aTable: f.local('i32'),
  bTable: f.local('i32'),
})

/** Runs `body` for each block of k, in order. */
function eachBlock(code: Code, body: () => void): void {
  const { context, plan, f, block } = code
  const { aSteps, bSteps, kBlock, k } = plan
  const blocks = aSteps.bases.length
  const tables = [
    { table: block.aTable, steps: aSteps, order: plan.aOrder, used: plan.aReading === 'pack' || code.scratchPlan.fixed },
    { table: block.bTable, steps: bSteps, order: plan.bOrder, used: plan.bReading !== 'packed' || code.scratchPlan.fixed },
  ].map(({ table, steps, order, used }) => {
    const isNeeded = used && steps.stride === null
    const flagged = plan.bReading === 'direct' && steps === bSteps ? 'scalar' : order
    return { table, push: isNeeded ? context.table(stepOffsets(steps.patterns, kBlock, steps.starts, flagged)) : null }
  })
  if (blocks === 1) {
    f.i32Const(k).set(block.count)
    f.i32Const(4 * aSteps.bases[0]).set(block.aOffset)
    f.i32Const(4 * bSteps.bases[0]).set(block.bOffset)
    for (const { table, push } of tables) {
      if (!push) continue
      push(f)
      f.set(table)
    }
    body()
    return
  }
  const records = new Int32Array(4 * blocks)
  for (let at = 0; at < blocks; at++) {
    records.set([aSteps.bases[at], bSteps.bases[at], aSteps.starts[at], bSteps.starts[at]].map((n) => 4 * n), 4 * at)
  }
  const record = f.local('i32')
  context.table(records)(f)
  f.set(record).i32Const(0).set(block.start)
  f.loop((next) => {
    f.i32Const(kBlock).i32Const(k).get(block.start).op('i32.sub')
    f.get(block.start).i32Const(k - kBlock).op('i32.le_s').select().set(block.count)
    f.get(record).memory('i32.load', 0).set(block.aOffset)
    f.get(record).memory('i32.load', 4).set(block.bOffset)
    tables.forEach(({ table, push }, side) => {
      if (!push) return
      push(f)
      f.get(record).memory('i32.load', 8 + 4 * side).op('i32.add').set(table)
    })
    body()
    f.i32Const(1).set(block.add)
    advance(f, record, 16)
    advance(f, block.start, kBlock)
    f.get(block.start).i32Const(k).op('i32.lt_s').brIf(next)
  })
}

/** Patterns of k in bytes; turned by fours, bit 0 marks a four that is not contiguous. */
function stepOffsets(patterns: Int32Array, blockLength: number, starts: Int32Array, order: PackOrder): Int32Array {
  const bytes = patterns.map((offset) => 4 * offset)
  if (order !== 'k') return bytes
  for (const start of new Set(starts)) {
    for (let at = start; at < Math.min(start + blockLength, patterns.length); at += 4) {
      if (!fourInARow(patterns, at)) bytes[at] |= 1
    }
  }
  return bytes
}

const fourInARow = (offsets: Int32Array, at: number): boolean =>
  at + 4 <= offsets.length && [1, 2, 3].every((next) => offsets[at + next] - offsets[at] === next)

interface Range {
  readonly from: Local | number
  readonly to: Local | number
}

/** A number of the loop around, or the constant 0 where there is but one turn. */
type Index = Local | null

/** Runs `body` for each number of a range of those below `count`. */
function eachUnit(f: FunctionBuilder, { from, to }: Range, count: number, body: (unit: Index) => void): void {
  if (count === 1) {
    body(null)
    return
  }
  const unit = f.local('i32')
  if (typeof from === 'number') f.i32Const(from).set(unit)
  else f.get(from).set(unit)
  f.loop((next) => {
    body(unit)
    f.get(unit).i32Const(1).op('i32.add').tee(unit)
    if (typeof to === 'number') f.i32Const(to)
    else f.get(to)
    f.op('i32.lt_s').brIf(next)
  })
}

/** One height of tiles in the present block of rows. */
interface Group {
  readonly group: RowGroup
  /** The first tile of the block, counted within the group, and how many. */
  readonly firstTile: Index
  readonly tiles: Local
  /** Where the block's packed rows are in the scratch. */
  readonly packedAt: number
  /** Where the block's rows are in the tile that is spread, in rows. */
  readonly rowInBlock: number
  /** Addresses of the block's first row: in A, and relative to the column in C. */
  readonly aAt: Local
  readonly cAt: Local
  readonly cTable: Local
  /** The last heights come only with the last block. */
  onlyIf(body: () => void): void
}

function rowGroups(code: Code, rowBlock: Index): readonly Group[] {
  const { plan, f, context, scratchPlan } = code
  const [main] = plan.rows
  const cStride = rowStrideOfC(plan)
  const isReal = !scratchPlan.fixed
  const cRows = cStride === 'table' && isReal && !plan.spread ? context.table(plan.c.rows.map((row) => 4 * row)) : null
  return plan.rows.map((group, at): Group => {
    const isMain = at === 0
    const firstTile = isMain && rowBlock ? f.local('i32') : null
    const tiles = f.local('i32')
    if (firstTile) {
      const { rowBlockTiles } = plan
      f.get(rowBlock!).i32Const(rowBlockTiles).op('i32.mul').set(firstTile)
      f.i32Const(main.tiles).get(firstTile).op('i32.sub').tee(tiles).i32Const(rowBlockTiles)
      f.get(tiles).i32Const(rowBlockTiles).op('i32.lt_s').select().set(tiles)
    } else f.i32Const(group.tiles).set(tiles)
    /** Pushes (the block's first row · by + plus) in bytes. */
    const pushRow = (by: number, plus: number): void => {
      const fixed = 4 * (group.firstRow * by + plus)
      if (!firstTile) f.i32Const(fixed)
      else f.get(firstTile).i32Const(4 * group.height * by).op('i32.mul').i32Const(fixed).op('i32.add')
    }
    const rowInBlock = isMain ? 0 : plan.rowBlockTiles * main.height
    const packedAt = scratchPlan.aAt + 4 * rowInBlock * scratchPlan.layoutLength
    const [aAt, cAt, cTable] = [f.local('i32'), f.local('i32'), f.local('i32')]
    if (isReal) {
      if (plan.aReading === 'direct') {
        f.get(code.a).get(code.block.aOffset).op('i32.add')
        pushRow(strideOf(plan.a.rows)!, plan.a.rows[0])
        f.op('i32.add').set(aAt)
      } else if (plan.aReading === 'packed') {
        f.get(code.a).get(code.block.start).i32Const(4 * group.height).op('i32.mul').op('i32.add')
        pushRow(plan.k, 0)
        f.op('i32.add').set(aAt)
      } else f.get(code.scratch).i32Const(packedAt).op('i32.add').set(aAt)
      if (cRows) {
        f.i32Const(0).set(cAt)
        cRows(f)
        pushRow(1, 0)
        f.op('i32.add').set(cTable)
      } else if (typeof cStride === 'number' && !plan.spread) {
        pushRow(cStride, plan.c.rows[0])
        f.set(cAt)
      }
    }
    return {
      group, firstTile, tiles, packedAt, rowInBlock, aAt, cAt, cTable,
      onlyIf: (body) => {
        if (isMain || !rowBlock) body()
        else f.get(rowBlock).i32Const(plan.rowBlocks - 1).op('i32.eq').if(() => body())
      },
    } // biome-ignore format: a list of names
  })
}

function rowStrideOfC(plan: ProductPlan): number | 'table' {
  const stride = strideOf(plan.c.rows)
  return stride === null || stride < 0 ? 'table' : stride
}

/** Packs the rows of a block, or in a whole operand all of them, for the present block of k. */
function packRows(code: Code, { group, firstTile, tiles, packedAt }: Group): void {
  const { plan, f, context, scratchPlan, block } = code
  const { layoutLength, fixed } = scratchPlan
  const { height, firstRow } = group
  const spacing = spacingOf(plan.a.rows)
  const pack = cachedPacking(context.module, {
    width: height,
    paddedWidth: height,
    tileStride: height * layoutLength,
    lanes: spacing,
    k: stepSpacing(plan.aSteps.stride),
    order: plan.aOrder,
  })
  const pushTile = (by: number): void => {
    if (firstTile) f.get(firstTile).i32Const(by).op('i32.mul').op('i32.add')
  }
  f.get(code.a).get(block.aOffset).op('i32.add')
  if (spacing !== 'table') {
    f.i32Const(4 * (plan.a.rows[0] + firstRow * spacing.stride)).op('i32.add')
    pushTile(4 * height * spacing.stride)
  }
  if (fixed) {
    f.get(fixed).get(block.start).i32Const(4 * height).op('i32.mul').op('i32.add')
    f.i32Const(4 * firstRow * layoutLength).op('i32.add')
    pushTile(4 * height * layoutLength)
  } else f.get(code.scratch).i32Const(packedAt).op('i32.add')
  if (spacing === 'table') {
    const starts = plan.rows.flatMap((part) => vectorStarts(part.firstRow, part.height, part.tiles))
    context.table(laneOffsets(plan.a.rows, starts, plan.aOrder))(f)
    f.i32Const(4 * firstRow).op('i32.add')
    pushTile(4 * height)
  } else f.i32Const(0)
  f.get(block.aTable).get(block.count).get(tiles).call(pack)
}

const spacingOf = (lanes: Int32Array): Spacing => stepSpacing(strideOf(lanes))
const stepSpacing = (stride: number | null): Spacing => (stride === null ? 'table' : { stride })

const vectorStarts = (first: number, width: number, tiles: number): number[] =>
  Array.from({ length: tiles }, (_, tile) => first + tile * width).flatMap((start) =>
    Array.from({ length: Math.floor(width / 4) }, (_, vector) => start + 4 * vector),
  )

/** Lanes in bytes; where vectors lie along lanes, bit 0 marks four that are not neighbours. */
function laneOffsets(lanes: Int32Array, starts: readonly number[], order: PackOrder): Int32Array {
  const bytes = lanes.map((lane) => 4 * lane)
  if (order === 'lanes') for (const start of starts) if (!fourInARow(lanes, start)) bytes[start] |= 1
  return bytes
}

/** The tiles of a unit: neighbouring columns of one segment. */
interface Columns {
  readonly segment: Index
  /** The first tile of the unit within its segment, and how many whole ones. */
  readonly firstTile: Index
  readonly tiles: Local
  /** Whether the unit holds the segment's last, narrower tile. */
  withRest(body: () => void): void
}

function columnUnit({ plan, f }: Code, unit: Index): Columns {
  const { segments, unitsPerSegment, unitTiles, fullTiles, restWidth } = plan
  const tiles = f.local('i32')
  let segment: Index = null
  let firstTile: Index = null
  if (unit && segments > 1) {
    segment = f.local('i32')
    f.get(unit)
    if (unitsPerSegment > 1) f.i32Const(unitsPerSegment).op('i32.div_u')
    f.set(segment)
  }
  if (unit && unitsPerSegment > 1) {
    firstTile = f.local('i32')
    f.get(unit)
    if (segments > 1) f.i32Const(unitsPerSegment).op('i32.rem_u')
    f.i32Const(unitTiles).op('i32.mul').set(firstTile)
    f.i32Const(fullTiles).get(firstTile).op('i32.sub').tee(tiles).i32Const(unitTiles)
    f.get(tiles).i32Const(unitTiles).op('i32.lt_s').select().set(tiles)
  } else f.i32Const(fullTiles).set(tiles)
  return {
    segment,
    firstTile,
    tiles,
    withRest(body) {
      if (restWidth === 0) return
      if (!firstTile) body()
      else f.get(firstTile).i32Const(fullTiles - unitTiles).op('i32.ge_s').if(() => body())
    },
  }
}

/** Adds to the address on the stack what the unit's segment and first tile come to. */
function addPlace(f: FunctionBuilder, { segment, firstTile }: Columns, bySegment: number, byTile: number): void {
  if (segment) f.get(segment).i32Const(bySegment).op('i32.mul').op('i32.add')
  if (firstTile) f.get(firstTile).i32Const(byTile).op('i32.mul').op('i32.add')
}

/** Pushes the address of the unit's first packed tile, or of its segment's rest. */
function pushPackedColumns(code: Code, columns: Columns, part: 'tiles' | 'rest'): void {
  const { plan, f, scratchPlan, block } = code
  const { layoutLength, fixed } = scratchPlan
  const isWhole = fixed !== null || plan.bReading === 'packed'
  const width = padded(part === 'rest' ? plan.restWidth : plan.tileWidth)
  const length = plan.bReading === 'packed' && !fixed ? plan.k : layoutLength
  if (isWhole) f.get(fixed ?? code.b).get(block.start).i32Const(4 * width).op('i32.mul').op('i32.add')
  else f.get(code.scratch).i32Const(scratchPlan.bAt).op('i32.add')
  const tileBytes = 4 * padded(plan.tileWidth) * length
  if (isWhole || plan.bReading === 'packAll') {
    const { segment } = columns
    const firstTile = part === 'rest' ? null : columns.firstTile
    addPlace(f, { ...columns, segment, firstTile }, 4 * paddedSegment(plan) * length, tileBytes)
    if (part === 'rest') f.i32Const(plan.fullTiles * tileBytes).op('i32.add')
  } else if (part === 'rest') f.i32Const(plan.unitTiles * tileBytes).op('i32.add')
}

/** Packs the columns of a unit for the present block of k. */
function packColumns(code: Code, columns: Columns): void {
  const { plan, f, context, scratchPlan, block } = code
  const spacing = spacingOf(plan.b.columns)
  const { segments, segmentLength, tileWidth, fullTiles, restWidth } = plan
  const starts = Array.from({ length: segments }, (_, segment) => segment * segmentLength).flatMap((start) => [
    ...vectorStarts(start, tileWidth, fullTiles),
    ...vectorStarts(start + fullTiles * tileWidth, restWidth, 1),
  ])
  const table = spacing === 'table' ? context.table(laneOffsets(plan.b.columns, starts, plan.bOrder)) : null
  const packPart = (part: 'tiles' | 'rest', width: number, pushCount: () => void): void => {
    const place: Columns = part === 'rest' ? { ...columns, firstTile: null } : columns
    const firstColumn = part === 'rest' ? fullTiles * tileWidth : 0
    const pack = cachedPacking(context.module, {
      width,
      paddedWidth: padded(width),
      tileStride: padded(width) * scratchPlan.layoutLength,
      lanes: spacing,
      k: stepSpacing(plan.bSteps.stride),
      order: plan.bOrder,
    })
    f.get(code.b).get(block.bOffset).op('i32.add')
    if (spacing !== 'table') {
      f.i32Const(4 * (plan.b.columns[0] + firstColumn * spacing.stride)).op('i32.add')
      addPlace(f, place, 4 * segmentLength * spacing.stride, 4 * tileWidth * spacing.stride)
    }
    pushPackedColumns(code, columns, part)
    if (table) {
      table(f)
      f.i32Const(4 * firstColumn).op('i32.add')
      addPlace(f, place, 4 * segmentLength, 4 * tileWidth)
    } else f.i32Const(0)
    f.get(block.bTable).get(block.count)
    pushCount()
    f.call(pack)
  }
  packPart('tiles', tileWidth, () => f.get(columns.tiles))
  columns.withRest(() => packPart('rest', restWidth, () => f.i32Const(1)))
}

/** Multiplies a block of rows with the columns of a unit. */
function multiplyColumns(code: Code, groups: readonly Group[], columns: Columns): void {
  const { plan, f } = code
  const { segments, segmentLength, tileWidth, fullTiles, restWidth } = plan
  const isDirect = plan.bReading === 'direct'
  const [bAt, cAt, cColumns, tiles] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')]
  const segmentTable = segments > 1 ? code.context.table(segmentOffsets(plan)) : null
  const columnTable = plan.spread ? code.context.table(plan.c.columns.map((column) => 4 * column)) : null
  const start = (part: 'tiles' | 'rest'): void => {
    const firstColumn = part === 'rest' ? fullTiles * tileWidth : 0
    const place: Columns = { ...columns, segment: null, firstTile: part === 'rest' ? null : columns.firstTile }
    const pushSegment = (side: number, constant: number): void => {
      if (!segmentTable) {
        f.i32Const(4 * constant)
        return
      }
      segmentTable(f)
      f.get(columns.segment!).i32Const(8).op('i32.mul').op('i32.add').memory('i32.load', 4 * side)
    }
    if (isDirect) {
      f.get(code.b).get(code.block.bOffset).op('i32.add').i32Const(4 * firstColumn).op('i32.add')
      pushSegment(0, plan.b.columns[0])
      f.op('i32.add')
      addPlace(f, place, 0, 4 * tileWidth)
    } else pushPackedColumns(code, columns, part)
    f.set(bAt)
    if (columnTable) {
      f.get(code.c).set(cAt)
      columnTable(f)
      f.i32Const(4 * firstColumn).op('i32.add')
      addPlace(f, place, 0, 4 * tileWidth)
      f.set(cColumns)
    } else {
      f.get(code.c).i32Const(4 * firstColumn).op('i32.add')
      pushSegment(1, plan.c.columns[0])
      f.op('i32.add')
      addPlace(f, place, 0, 4 * tileWidth)
      f.set(cAt)
    }
  }
  const place = { bAt, cAt, cColumns }
  start('tiles')
  f.get(columns.tiles).set(tiles)
  repeat(f, tiles, () => {
    for (const group of groups) group.onlyIf(() => multiplyTile(code, group, tileWidth, place))
    const length = plan.bReading === 'packed' ? plan.k : code.scratchPlan.layoutLength
    advance(f, bAt, 4 * (isDirect ? tileWidth : padded(tileWidth) * length))
    if (plan.spread) advance(f, cColumns, 4 * tileWidth)
    else advance(f, cAt, 4 * tileWidth)
  })
  columns.withRest(() => {
    start('rest')
    for (const group of groups) group.onlyIf(() => multiplyTile(code, group, restWidth, place))
  })
  void segmentLength
}

/** Of each segment the offset in B and in C, in bytes. */
function segmentOffsets({ b, c, segments, segmentLength }: ProductPlan): Int32Array {
  return Int32Array.from({ length: 2 * segments }, (_, at) => {
    const column = Math.floor(at / 2) * segmentLength
    return 4 * (at % 2 === 0 ? b.columns[column] : c.columns[column])
  })
}

interface TilePlace {
  readonly bAt: Local
  readonly cAt: Local
  readonly cColumns: Local
}

/** Multiplies the rows of one height in a block with the columns of one tile. */
function multiplyTile(code: Code, group: Group, width: number, { bAt, cAt, cColumns }: TilePlace): void {
  const { plan, f, context, scratchPlan, block } = code
  const { height, firstRow } = group.group
  const isDirectA = plan.aReading === 'direct'
  const length = plan.aReading === 'packed' ? plan.k : scratchPlan.layoutLength
  const rowStride = isDirectA ? strideOf(plan.a.rows)! : 1
  const blocks = plan.aSteps.bases.length
  const kernel = cachedKernel(context.module, {
    height,
    width,
    fma: context.fma,
    a: {
      rowStride,
      kStride: isDirectA ? plan.aSteps.stride! : height,
      tileStride: isDirectA ? height * rowStride : height * length,
    },
    b:
      plan.bReading === 'direct'
        ? { kStride: plan.bSteps.stride ?? 'table', packed: false }
        : { kStride: padded(width), packed: true },
    c: { rowStride: plan.spread ? padded(width) : rowStrideOfC(plan) },
    result: plan.spread || blocks === 1 ? 'store' : 'either',
  })
  const pushTile = () => f.get(code.scratch).i32Const(scratchPlan.tileAt).op('i32.add')
  f.get(group.aAt).get(bAt)
  if (plan.spread) pushTile()
  else f.get(cAt).get(group.cAt).op('i32.add')
  f.get(group.tiles).get(block.count).get(block.bTable).get(group.cTable).get(block.add).call(kernel)
  if (!plan.spread) return
  pushTile()
  f.get(cAt)
  context.table(plan.c.rows.map((row) => 4 * row))(f)
  f.i32Const(4 * firstRow).op('i32.add')
  if (group.firstTile) f.get(group.firstTile).i32Const(4 * height).op('i32.mul').op('i32.add')
  f.get(cColumns).get(group.tiles).i32Const(height).op('i32.mul').get(block.add)
  f.call(cached(context.module, `spread ${width}`, () => spreadTile(context.module, width)))
}

const cachedKernel = (m: WasmModule, spec: MicroKernel): FunctionBuilder =>
  cached(m, `kernel ${JSON.stringify(spec)}`, () => microKernel(m, spec))

const cachedPacking = (m: WasmModule, spec: Packing): FunctionBuilder =>
  cached(m, `packing ${JSON.stringify(spec)}`, () => packTiles(m, spec))

const functions = new WeakMap<WasmModule, Map<string, FunctionBuilder>>()

/** A function of the module that several products share. */
function cached(m: WasmModule, key: string, make: () => FunctionBuilder): FunctionBuilder {
  const known = functions.get(m) ?? new Map<string, FunctionBuilder>()
  functions.set(m, known)
  const func = known.get(key) ?? make()
  known.set(key, func)
  return func
}
