// The products of a block of rows with the columns of a unit.
import type { FunctionBuilder, Local, WasmModule } from './encoder.ts'
import { type MicroKernel, microKernel } from './microKernel.ts'
import { strideOf } from './offsetTables.ts'
import { advance, repeat } from './partialVectors.ts'
import { type Code, cached, padded, placeTable } from './productCode.ts'
import { addPlace, type Columns, pushPackedColumns } from './productColumns.ts'
import type { ProductPlan } from './productPlan.ts'
import { type Group, rowStrideOfC } from './productRows.ts'
import { spreadTile } from './spreadTile.ts'

/** Multiplies a block of rows with the columns of a unit. */
export function multiplyColumns(code: Code, groups: readonly Group[], columns: Columns): void {
  const { plan, f } = code
  const { segments, tileWidth, fullTiles, restWidth } = plan
  const isDirect = plan.bReading === 'direct'
  const [bAt, cAt, cColumns, tiles] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')]
  const segmentTable = segments > 1 ? placeTable(code, segmentOffsets(plan)) : null
  const columnTable = plan.spread
    ? placeTable(
        code,
        plan.c.columns.map((column) => 4 * column),
      )
    : null
  const start = (part: 'tiles' | 'rest'): void => {
    const firstColumn = part === 'rest' ? fullTiles * tileWidth : 0
    const place: Columns = { ...columns, segment: null, firstTile: part === 'rest' ? null : columns.firstTile }
    const pushSegment = (side: number, constant: number): void => {
      if (!segmentTable) {
        f.i32Const(4 * constant)
        return
      }
      segmentTable()
      f.get(columns.segment!)
        .i32Const(8)
        .op('i32.mul')
        .op('i32.add')
        .memory('i32.load', 4 * side)
    }
    if (isDirect) {
      f.get(code.b)
        .get(code.block.bOffset)
        .op('i32.add')
        .i32Const(4 * firstColumn)
        .op('i32.add')
      pushSegment(0, plan.b.columns[0])
      f.op('i32.add')
      addPlace(f, place, 0, 4 * tileWidth)
    } else pushPackedColumns(code, columns, part)
    f.set(bAt)
    if (columnTable) {
      f.get(code.c).set(cAt)
      columnTable()
      f.i32Const(4 * firstColumn).op('i32.add')
      addPlace(f, place, 0, 4 * tileWidth)
      f.set(cColumns)
    } else {
      f.get(code.c)
        .i32Const(4 * firstColumn)
        .op('i32.add')
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
      kStride: isDirectA ? (plan.aSteps.stride ?? 'table') : height,
      tileStride: isDirectA ? height * rowStride : height * length,
    },
    b:
      plan.bReading === 'direct'
        ? { kStride: plan.bSteps.stride ?? 'table', packed: false }
        : { kStride: padded(width), packed: true },
    c: { rowStride: plan.spread ? padded(width) : rowStrideOfC(plan) },
    result: plan.spread || (blocks === 1 && !plan.add) ? 'store' : 'either',
  })
  const pushTile = () => f.get(code.scratch).i32Const(scratchPlan.tileAt).op('i32.add')
  f.get(group.aAt).get(bAt)
  if (plan.spread) pushTile()
  else f.get(cAt).get(group.cAt).op('i32.add')
  f.get(group.tiles).get(block.count).get(block.aTable).get(block.bTable).get(group.cTable).get(block.add).call(kernel)
  if (!plan.spread) return
  pushTile()
  f.get(cAt)
  placeTable(
    code,
    plan.c.rows.map((row) => 4 * row),
  )()
  f.i32Const(4 * firstRow).op('i32.add')
  if (group.firstTile)
    f.get(group.firstTile)
      .i32Const(4 * height)
      .op('i32.mul')
      .op('i32.add')
  f.get(cColumns).get(group.tiles).i32Const(height).op('i32.mul').get(block.add)
  f.call(cached(context.module, `spread ${width}`, () => spreadTile(context.module, width)))
}

export const cachedKernel = (m: WasmModule, spec: MicroKernel): FunctionBuilder =>
  cached(m, `kernel ${JSON.stringify(spec)}`, () => microKernel(m, spec))
