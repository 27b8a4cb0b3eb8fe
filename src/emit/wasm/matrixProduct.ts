// Matrix products over tables of offsets: one function for each, which cuts it into tiles, packs what is worth packing and
// runs the micro-kernels.
import type { ContractionStatement, PackStatement } from '../../compiler/ir.ts'
import type { FunctionBuilder } from './encoder.ts'
import { eachBlock, eachUnit } from './productBlocks.ts'
import { blockLocals, type Code, type ProductContext, paddedSegment, planScratch } from './productCode.ts'
import { columnUnit, packColumns } from './productColumns.ts'
import { type PlanOverrides, planProduct } from './productPlan.ts'
import { packRows, rowGroups } from './productRows.ts'
import { multiplyColumns } from './productTiles.ts'

export type { ProductContext } from './productCode.ts'

export interface ProductCode {
  /**
   * (a, b, c, scratch, tables, from, to): byte addresses of the panels' elements at `base` (or of the packed operand), of
   * `scratchBytes` private to the caller and of the tables, and the units to do.
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
  const plan = planProduct(statement, context.fma, overrides)
  const f = context.module.func(`contraction_${statement.m}x${statement.n}x${statement.k}`, {
    params: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  })
  const [first, second, c, scratch, tables, from, to] = f.params
  const [a, b] = plan.swapped ? [second, first] : [first, second]
  const scratchPlan = planScratch(plan)
  const code: Code = { context, plan, f, a, b, c, scratch, tables, scratchPlan, block: blockLocals(f) }
  f.get(from)
    .get(to)
    .op('i32.ge_s')
    .if(() => f.return())
  if (plan.add) f.i32Const(1).set(code.block.add)
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
  /** (source, destination, tables, from, to): the panel's address at `base`, where the packed operand goes, and the units to do. */
  readonly func: FunctionBuilder
  /** What the packed operand takes. */
  readonly bytes: number
  readonly units: number
}

/** Writes the function of a pack statement for the contraction that uses it, made with the same overrides. */
export function packCode(
  context: ProductContext,
  pack: PackStatement,
  user: ContractionStatement,
  overrides?: PlanOverrides,
): PackCode {
  const plan = planProduct(user, context.fma, overrides)
  const f = context.module.func(`pack_${pack.side}_${user.m}x${user.n}x${user.k}`, {
    params: ['i32', 'i32', 'i32', 'i32', 'i32'],
  })
  const [source, destination, tables, from, to] = f.params
  const isA = (pack.side === 'a') !== plan.swapped
  const whole = { ...planScratch(plan), aAt: 0, bAt: 0, layoutLength: plan.k, fixed: destination }
  const code: Code = {
    context, plan, f, tables, a: source, b: source, c: source, scratch: destination, scratchPlan: whole, block: blockLocals(f),
  } // biome-ignore format: a list of names
  const units = isA ? plan.rowBlocks : plan.segments * plan.unitsPerSegment
  f.get(from)
    .get(to)
    .op('i32.ge_s')
    .if(() => f.return())
  eachBlock(code, () => {
    eachUnit(f, { from, to }, units, (unit) => {
      if (isA) for (const group of rowGroups(code, unit)) group.onlyIf(() => packRows(code, group))
      else packColumns(code, columnUnit(code, unit))
    })
  })
  return { func: f, bytes: 4 * plan.k * (isA ? plan.m : plan.segments * paddedSegment(plan)) + 16, units }
}
