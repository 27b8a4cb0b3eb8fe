// How each matrix product of a kernel runs: which operand is packed, in which form, over which tiles.
import type { ContractionStatement, Panel, Statement } from '../../compiler/ir.ts'
import { type Bf16, bf16Cost, bf16SumBlock, bf16Tile } from './bf16Plan.ts'
import { type DotTile, dotTile } from './dots.ts'
import { isRun, stepOf, type Tables } from './tables.ts'
import { chooseTile, sumBlock, type Tile } from './tiles.ts'

export interface ContractionContext {
  readonly tables: Tables
  /** Vector widths in f32 lanes, widest first; the last is 1. */
  readonly widths: readonly number[]
  /** How products may be computed less exactly than in f32; null where they may not. */
  readonly bf16: Bf16 | null
  readonly plans: ReadonlyMap<ContractionStatement, Plan>
  readonly packs: ReadonlyMap<string, Plan>
  /** Adds a function to the file; gives its name. */
  define(prefix: string, text: (name: string) => string): string
  /** Static memory of so many floats for all threads; gives its name. */
  sharedSpace(length: number): string
  /** Memory that is free again when a product is done, shared by all of a thread's products. */
  blockSpace(length: number): string
  /** Notes that a product is computed in bfloat16. */
  useBf16(): void
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
  /** In which form operands are multiplied; null: as they are, in f32. */
  readonly bf16: Bf16 | null
  /** A tile of dot products; null where the lanes are columns. */
  readonly dots: DotTile | null
  /** The workspace in which `pack` has put b whole; null when each block is packed as it comes. */
  prepacked: string | null
}

/** What differs between products of f32 numbers and of pairs of bfloat16. */
export interface Form {
  /** Summands of one pass over a and b. */
  readonly sumBlock: number
  /** Columns of b that are packed at a time. */
  readonly columnBlock: number
  /** How many 4-byte words a packed column takes for so many summands. */
  words(summands: number): number
  /** The same as C text, for summands `k0 … k1`. */
  readonly depth: string
  /** The C function that packs b, defined when it is asked for. */
  packer(): string
  /** The C function of one tile, likewise. */
  tile(): string
  /** Lines that copy a tile's rows of a to `stage`; none where they are read as they lie. */
  stage(): readonly string[]
}

/** Decides how each contraction of a kernel runs, and which of its operands the `pack` statements before it prepare. */
export function planContractions(
  body: readonly Statement[],
  width: number,
  bf16: Bf16 | null,
): { readonly plans: Map<ContractionStatement, Plan>; readonly packs: Map<string, Plan> } {
  const plans = new Map<ContractionStatement, Plan>()
  const packs = new Map<string, Plan>()
  const visit = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      if (statement.kind === 'loop') visit(statement.body)
      if (statement.kind !== 'contraction') continue
      const plan = planOf(statement, width, bf16)
      plans.set(statement, plan)
      if (plan.b.packed !== null) packs.set(plan.b.packed, plan)
    }
  }
  visit(body)
  return { plans, packs }
}

function planOf(statement: ContractionStatement, width: number, bf16: Bf16 | null): Plan {
  const { m, n, k, a, b, c, add } = statement
  const flip = (panel: Panel): Panel => ({ ...panel, rows: panel.columns, columns: panel.rows })
  const asIs = { m, n, k, a, b, c, add }
  const turned = { m: n, n: m, k, a: flip(b), b: flip(a), c: flip(c), add }
  const cheaper = (form: Bf16 | null): Product => {
    return costOf(turned, width, form) < costOf(asIs, width, form) ? turned : asIs
  }
  const exact = cheaper(null)
  if (bf16 !== null && width === bf16Width) {
    const chosen = cheaper(bf16)
    // What gains little stays exact.
    if (costOf(chosen, width, bf16) < 0.8 * costOf(exact, width, null))
      return { ...chosen, width, tile: bf16Tile(bf16, chosen.m, chosen.n, width), bf16, dots: null, prepacked: null }
  }
  const form = { width, bf16: null, prepacked: null }
  const few = asIs.n <= turned.n ? asIs : turned
  const dots = dotTile(few, width, costOf(exact, width, null))
  if (dots !== null) return { ...few, ...form, tile: { rows: dots.rows, vectors: 1 }, dots }
  return { ...exact, ...form, tile: chooseTile(exact.m, exact.n, width), dots: null }
}

/** The vectors for which pairs of bfloat16 are packed. */
const bf16Width = 16

export type Product = Pick<Plan, 'm' | 'n' | 'k' | 'a' | 'b' | 'c' | 'add'>

/** Cycles, roughly: multiply-adds, packing b, and writing c once a block of sums. */
function costOf(product: Product, width: number, bf16: Bf16 | null): number {
  const { m, n, k, b, c } = product
  const way = packingOf(b, width)
  const perElement = way === 'copy' ? 0.15 : way === 'transpose' ? 0.5 : 1.5
  const packing = b.packed === null ? perElement * n * k : 0
  const contiguous = stepOf(c.columns) === 1 || n === 1
  const writing = m * n * Math.ceil(k / (bf16 ? bf16SumBlock(bf16) : sumBlock)) * (contiguous ? 0.2 : 1.5)
  const products = bf16 ? bf16Cost(bf16, product, width) : chooseTile(m, n, width).cost * k
  return products + packing + writing
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

export const panelColumns = (plan: Plan): number => plan.tile.vectors * plan.width
export const panelsOf = (plan: Plan): number => Math.ceil(plan.n / panelColumns(plan))
