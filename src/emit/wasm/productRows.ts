// The rows of a block: where they are, and their packing.
import type { Local } from './encoder.ts'
import { strideOf } from './offsetTables.ts'
import type { Index } from './productBlocks.ts'
import { type Code, placeTable } from './productCode.ts'
import { cachedPacking, laneOffsets, spacingOf, stepSpacing, vectorStarts } from './productLanes.ts'
import type { ProductPlan, RowGroup } from './productPlan.ts'

/** One height of tiles in the present block of rows. */
export interface Group {
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

export function rowGroups(code: Code, rowBlock: Index): readonly Group[] {
  const { plan, f, scratchPlan } = code
  const [main] = plan.rows
  const cStride = rowStrideOfC(plan)
  const isReal = !scratchPlan.fixed
  const cRows =
    cStride === 'table' && isReal && !plan.spread
      ? placeTable(
          code,
          plan.c.rows.map((row) => 4 * row),
        )
      : null
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
      else
        f.get(firstTile)
          .i32Const(4 * group.height * by)
          .op('i32.mul')
          .i32Const(fixed)
          .op('i32.add')
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
        f.get(code.a)
          .get(code.block.start)
          .i32Const(4 * group.height)
          .op('i32.mul')
          .op('i32.add')
        pushRow(plan.k, 0)
        f.op('i32.add').set(aAt)
      } else f.get(code.scratch).i32Const(packedAt).op('i32.add').set(aAt)
      if (cRows) {
        f.i32Const(0).set(cAt)
        cRows()
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

export function rowStrideOfC(plan: ProductPlan): number | 'table' {
  const stride = strideOf(plan.c.rows)
  return stride === null || stride < 0 ? 'table' : stride
}

/** Packs the rows of a block, or in a whole operand all of them, for the present block of k. */
export function packRows(code: Code, { group, firstTile, tiles, packedAt }: Group): void {
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
    f.get(fixed)
      .get(block.start)
      .i32Const(4 * height)
      .op('i32.mul')
      .op('i32.add')
    f.i32Const(4 * firstRow * layoutLength).op('i32.add')
    pushTile(4 * height * layoutLength)
  } else f.get(code.scratch).i32Const(packedAt).op('i32.add')
  if (spacing === 'table') {
    const starts = plan.rows.flatMap((part) => vectorStarts(part.firstRow, part.height, part.tiles))
    placeTable(code, laneOffsets(plan.a.rows, starts, plan.aOrder))()
    f.i32Const(4 * firstRow).op('i32.add')
    pushTile(4 * height)
  } else f.i32Const(0)
  f.get(block.aTable).get(block.count).get(tiles).call(pack)
}
