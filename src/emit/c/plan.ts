// How each matrix product of a kernel runs: which operand is packed, in which form, over which tiles.
import type { ContractionStatement, Panel, Statement } from '../../compiler/ir.ts'
import { stepOf, type Tables } from './tables.ts'
import { chooseTile, sumBlock, type Tile } from './tiles.ts'

export interface ContractionContext {
  readonly tables: Tables
  /** Vector widths in f32 lanes, widest first; the last is 1. */
  readonly widths: readonly number[]
  readonly plans: ReadonlyMap<ContractionStatement, Plan>
  readonly packs: ReadonlyMap<string, Plan>
  /** Adds a function to the file; gives its name. */
  define(prefix: string, text: (name: string) => string): string
  /** Static memory of so many floats for all threads; gives its name. */
  sharedSpace(length: number): string
  /** Memory that is free again when a product is done, shared by all of a thread's products. */
  blockSpace(length: number): string
}

/** A contraction the way round that costs less: its columns are the lanes of vectors. */
export interface Plan {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: Panel
  readonly b: Panel
  readonly c: Panel
  /** Whether c is added to. */
  readonly add: boolean
  readonly width: number
  readonly tile: Tile
  /** The workspace in which `pack` has put b whole; null when each block is packed as it comes. */
  prepacked: string | null
}

/** Decides how each contraction of a kernel runs, and which of its operands the `pack` statements before it prepare. */
export function planContractions(
  body: readonly Statement[],
  width: number,
): { readonly plans: Map<ContractionStatement, Plan>; readonly packs: Map<string, Plan> } {
  const plans = new Map<ContractionStatement, Plan>()
  const packs = new Map<string, Plan>()
  const visit = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      if (statement.kind === 'loop') visit(statement.body)
      if (statement.kind !== 'contraction') continue
      const plan = planOf(statement, width)
      plans.set(statement, plan)
      if (plan.b.packed !== null) packs.set(plan.b.packed, plan)
    }
  }
  visit(body)
  return { plans, packs }
}

function planOf(statement: ContractionStatement, width: number): Plan {
  const { m, n, k, a, b, c, add } = statement
  const flip = (panel: Panel): Panel => ({ ...panel, rows: panel.columns, columns: panel.rows })
  const asIs = { m, n, k, a, b, c, add }
  const turned = { m: n, n: m, k, a: flip(b), b: flip(a), c: flip(c), add }
  const chosen = costOf(turned, width) < costOf(asIs, width) ? turned : asIs
  return { ...chosen, width, tile: chooseTile(chosen.m, chosen.n, width), prepacked: null }
}

/** Cycles, roughly: multiply-adds, packing b, and writing c once a block of sums. */
function costOf(plan: Omit<Plan, 'width' | 'tile' | 'prepacked'>, width: number): number {
  const { m, n, k, b, c } = plan
  const way = packingOf(b, width)
  const perElement = way === 'copy' ? 0.15 : way === 'transpose' ? 0.5 : 1.5
  const packing = b.packed === null ? perElement * n * k : 0
  const contiguous = stepOf(c.columns) === 1 || n === 1
  const writing = m * n * Math.ceil(k / sumBlock) * (contiguous ? 0.2 : 1.5)
  return chooseTile(m, n, width).cost * k + packing + writing
}

/** How b gets into panels: neighbours in a row are copied, neighbours in a column transposed, anything else gathered. */
export function packingOf(b: Panel, width: number): 'copy' | 'transpose' | 'gather' {
  if (runs(b.columns, width) > 0.6) return 'copy'
  if (runs(b.rows, width) > 0.4) return 'transpose'
  return runs(b.columns, 4) > 0.5 ? 'copy' : 'gather'
}

/** The part of aligned groups of `width` offsets that are neighbours. */
function runs(offsets: Int32Array, width: number): number {
  let good = 0
  let all = 0
  for (let at = 0; at + width <= offsets.length; at += width) {
    all++
    if (isRun(offsets, at, width)) good++
  }
  return all === 0 ? 0 : good / all
}

export function isRun(offsets: Int32Array, at: number, length: number): boolean {
  for (let step = 1; step < length; step++) if (offsets[at + step] !== offsets[at] + step) return false
  return true
}

export const panelColumns = (plan: Plan): number => plan.tile.vectors * plan.width
export const panelsOf = (plan: Plan): number => Math.ceil(plan.n / panelColumns(plan))

/** The first of some lengths that cuts the offsets into runs of neighbours; 1 where none does. */
export function runLength(offsets: Int32Array, lengths: readonly number[]): number {
  const fits = (length: number): boolean => {
    if (offsets.length % length !== 0) return false
    for (let at = 0; at < offsets.length; at += length) if (!isRun(offsets, at, length)) return false
    return true
  }
  return offsets.length === 0 ? 1 : (lengths.find(fits) ?? 1)
}
