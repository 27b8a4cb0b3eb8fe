// What the parts of one matrix product's code share.
import type { FunctionBuilder, Local, WasmModule } from './encoder.ts'
import type { ProductPlan } from './productPlan.ts'

export interface ProductContext {
  readonly module: WasmModule
  /** Whether relaxed_madd may be used. */
  readonly fma: boolean
  /** The place of a table, in bytes, among those whose address the functions are given. */
  table(values: Int32Array): number
}

/** What the parts of one function's code share. */
export interface Code {
  readonly context: ProductContext
  readonly plan: ProductPlan
  readonly f: FunctionBuilder
  readonly a: Local
  readonly b: Local
  readonly c: Local
  readonly scratch: Local
  readonly tables: Local
  readonly scratchPlan: ScratchPlan
  readonly block: BlockLocals
}

/** Places a table; what is returned pushes its address. */
export function placeTable({ context, f, tables }: Code, values: Int32Array): () => void {
  const place = context.table(values)
  return () => f.get(tables).i32Const(place).op('i32.add')
}

/** Where things are in the scratch, in bytes. */
export interface ScratchPlan {
  readonly aAt: number
  readonly bAt: number
  readonly tileAt: number
  readonly bytes: number
  /** Steps over k for which the packed tiles have room. */
  readonly layoutLength: number
  /** Packing whole operands: their start. Tiles then stay where they are in the whole, and are not packed block by block. */
  readonly fixed: Local | null
}

export const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to
export const padded = (width: number): number => roundUp(width, 4)

/** Columns a segment takes when packed. */
export const paddedSegment = (plan: ProductPlan): number =>
  plan.fullTiles * padded(plan.tileWidth) + padded(plan.restWidth)

export function planScratch(plan: ProductPlan): ScratchPlan {
  const layoutLength = Math.min(plan.k, plan.kBlock)
  const [first, second] = plan.rows
  const blockRows = plan.rowBlockTiles * first.height + (second ? second.tiles * second.height : 0)
  const aElements = plan.aReading === 'pack' ? blockRows * layoutLength : 0
  const unitColumns = plan.unitTiles * padded(plan.tileWidth) + padded(plan.restWidth)
  const bColumns = { pack: unitColumns, packAll: plan.segments * paddedSegment(plan), packed: 0, direct: 0 }[
    plan.bReading
  ]
  const bAt = roundUp(4 * aElements, 64)
  const tileAt = bAt + roundUp(4 * bColumns * layoutLength, 64)
  const tileElements = plan.spread ? blockRows * padded(plan.tileWidth) : 0
  return { aAt: 0, bAt, tileAt, bytes: tileAt + 4 * tileElements, layoutLength, fixed: null }
}

/** What changes from block to block of k. */
export interface BlockLocals {
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

export const blockLocals = (f: FunctionBuilder): BlockLocals => ({
  start: f.local('i32'),
  count: f.local('i32'),
  add: f.local('i32'),
  aOffset: f.local('i32'),
  bOffset: f.local('i32'),
  aTable: f.local('i32'),
  bTable: f.local('i32'),
})

const functions = new WeakMap<WasmModule, Map<string, FunctionBuilder>>()

/** A function of the module that several products share. */
export function cached(m: WasmModule, key: string, make: () => FunctionBuilder): FunctionBuilder {
  const known = functions.get(m) ?? new Map<string, FunctionBuilder>()
  functions.set(m, known)
  const func = known.get(key) ?? make()
  known.set(key, func)
  return func
}
