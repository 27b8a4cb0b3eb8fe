// The columns of a unit: where they are, and their packing.
import type { FunctionBuilder, Local } from './encoder.ts'
import type { Index } from './productBlocks.ts'
import { type Code, padded, paddedSegment, placeTable } from './productCode.ts'
import { cachedPacking, laneOffsets, spacingOf, stepSpacing, vectorStarts } from './productLanes.ts'

/** The tiles of a unit: neighbouring columns of one segment. */
export interface Columns {
  readonly segment: Index
  /** The first tile of the unit within its segment, and how many whole ones. */
  readonly firstTile: Index
  readonly tiles: Local
  /** Whether the unit holds the segment's last, narrower tile. */
  withRest(body: () => void): void
}

export function columnUnit({ plan, f }: Code, unit: Index): Columns {
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
      else
        f.get(firstTile)
          .i32Const(fullTiles - unitTiles)
          .op('i32.ge_s')
          .if(() => body())
    },
  }
}

/** Adds to the address on the stack what the unit's segment and first tile come to. */
export function addPlace(f: FunctionBuilder, { segment, firstTile }: Columns, bySegment: number, byTile: number): void {
  if (segment) f.get(segment).i32Const(bySegment).op('i32.mul').op('i32.add')
  if (firstTile) f.get(firstTile).i32Const(byTile).op('i32.mul').op('i32.add')
}

/** Pushes the address of the unit's first packed tile, or of its segment's rest. */
export function pushPackedColumns(code: Code, columns: Columns, part: 'tiles' | 'rest'): void {
  const { plan, f, scratchPlan, block } = code
  const { layoutLength, fixed } = scratchPlan
  const isWhole = fixed !== null || plan.bReading === 'packed'
  const width = padded(part === 'rest' ? plan.restWidth : plan.tileWidth)
  const length = plan.bReading === 'packed' && !fixed ? plan.k : layoutLength
  if (isWhole)
    f.get(fixed ?? code.b)
      .get(block.start)
      .i32Const(4 * width)
      .op('i32.mul')
      .op('i32.add')
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
export function packColumns(code: Code, columns: Columns): void {
  const { plan, f, context, scratchPlan, block } = code
  const spacing = spacingOf(plan.b.columns)
  const { segments, segmentLength, tileWidth, fullTiles, restWidth } = plan
  const starts = Array.from({ length: segments }, (_, segment) => segment * segmentLength).flatMap((start) => [
    ...vectorStarts(start, tileWidth, fullTiles),
    ...vectorStarts(start + fullTiles * tileWidth, restWidth, 1),
  ])
  const table = spacing === 'table' ? placeTable(code, laneOffsets(plan.b.columns, starts, plan.bOrder)) : null
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
      table()
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
