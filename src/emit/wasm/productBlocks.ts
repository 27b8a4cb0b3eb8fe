// The loops of a matrix product's code: over blocks of k, and over numbered parts of rows and columns.
import type { FunctionBuilder, Local } from './encoder.ts'
import { isContiguous } from './offsetTables.ts'
import type { PackOrder } from './packing.ts'
import { advance } from './partialVectors.ts'
import { type Code, placeTable } from './productCode.ts'

/** Runs `body` for each block of k, in order. */
export function eachBlock(code: Code, body: () => void): void {
  const { plan, f, block } = code
  const { aSteps, bSteps, kBlock, k } = plan
  const blocks = aSteps.bases.length
  const isBeforehand = code.scratchPlan.fixed !== null
  const tables = [
    { table: block.aTable, steps: aSteps, order: plan.aOrder, reading: plan.aReading },
    { table: block.bTable, steps: bSteps, order: plan.bOrder, reading: plan.bReading },
  ].map(({ table, steps, order, reading }) => {
    if (steps.stride !== null || (reading === 'packed') !== isBeforehand) return { table, push: null }
    const offsets = stepOffsets(steps.patterns, kBlock, steps.starts, reading === 'direct' ? 'scalar' : order)
    return { table, push: placeTable(code, offsets) }
  })
  if (blocks === 1) {
    f.i32Const(k).set(block.count)
    f.i32Const(4 * aSteps.bases[0]).set(block.aOffset)
    f.i32Const(4 * bSteps.bases[0]).set(block.bOffset)
    for (const { table, push } of tables) {
      if (!push) continue
      push()
      f.set(table)
    }
    body()
    return
  }
  const records = new Int32Array(4 * blocks)
  for (let at = 0; at < blocks; at++) {
    records.set(
      [aSteps.bases[at], bSteps.bases[at], aSteps.starts[at], bSteps.starts[at]].map((n) => 4 * n),
      4 * at,
    )
  }
  const record = f.local('i32')
  placeTable(code, records)()
  f.set(record).i32Const(0).set(block.start)
  f.loop((next) => {
    f.i32Const(kBlock).i32Const(k).get(block.start).op('i32.sub')
    f.get(block.start)
      .i32Const(k - kBlock)
      .op('i32.le_s')
      .select()
      .set(block.count)
    f.get(record).memory('i32.load', 0).set(block.aOffset)
    f.get(record).memory('i32.load', 4).set(block.bOffset)
    tables.forEach(({ table, push }, side) => {
      if (!push) return
      push()
      f.get(record)
        .memory('i32.load', 8 + 4 * side)
        .op('i32.add')
        .set(table)
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
      if (at + 4 > patterns.length || !isContiguous(patterns, at, 4)) bytes[at] |= 1
    }
  }
  return bytes
}

export interface Range {
  readonly from: Local | number
  readonly to: Local | number
}

/** A number of the loop around, or the constant 0 where there is but one turn. */
export type Index = Local | null

/** Runs `body` for each number of a range of those below `count`. */
export function eachUnit(f: FunctionBuilder, { from, to }: Range, count: number, body: (unit: Index) => void): void {
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
