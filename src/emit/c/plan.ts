// How each matrix product of a kernel runs: which operand is packed, in which form, over which tiles.
import type { Buffer, ContractionStatement, LoopStatement, Panel, Statement } from '../../compiler/ir.ts'
import { namesIn } from '../../index/index.ts'
import { type Bf16, bf16Cost, bf16SumBlock, bf16Tile } from './bf16Plan.ts'
import { type DotTile, dotTile } from './dots.ts'
import { farElements, floatBlocks, floatTile } from './floatPlan.ts'
import { type Following, followingOf } from './following.ts'
import { isInPieces, type NextOperand, nextRound } from './nextRound.ts'
import { isRun, stepOf, type Tables } from './tables.ts'
import type { Tile } from './tiles.ts'

export interface ContractionContext {
  readonly tables: Tables
  /** Vector widths in f32 lanes, widest first; the last is 1. */
  readonly widths: readonly number[]
  /** Bytes of the second cache. */
  readonly cache: number
  /** How products may be computed less exactly than in f32; null where they may not. */
  readonly bf16: Bf16 | null
  readonly plans: ReadonlyMap<ContractionStatement, Plan>
  readonly packs: ReadonlyMap<string, Plan>
  /** Where operands are that later kernels multiply by as well, by their names; null until the first of them has packed it. */
  readonly kept: Map<string, string | null>
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
  /** What else the sums are added to; null: nothing. */
  readonly plus: Panel | null
  readonly width: number
  readonly tile: Tile
  /** In which form operands are multiplied; null: as they are, in f32. */
  readonly bf16: Bf16 | null
  /** A tile of dot products; null where the lanes are columns. */
  readonly dots: DotTile | null
  /** Whether the rounds of the loop around together touch more than the cache holds. */
  distant: boolean
  /** Whether b comes from beyond the cache, and not by itself. */
  isFar: boolean
  /** What the next round of the loop around multiplies by. */
  nextRound: readonly NextOperand[]
  /** What comes from memory meanwhile. */
  following: readonly Following[]
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
  /** The same, of a tile that packs b as it reads it; null where b is packed apart. */
  readonly packingTile: (() => string) | null
  /** The same, of a tile that asks for what comes next; null where that comes by itself. */
  readonly askingTile: (() => AskingTile) | null
  /** The same, of a tile that asks for what the next round multiplies by, a line of memory a step; null where there is none. */
  readonly roundTile: (() => string) | null
  /** Whether a tile of rows meets all panels of b of a block before the next one does, or a panel all rows. */
  readonly order: 'rows' | 'panels'
  /** Lines before a tile's rows of a are used: that copy them to `stage`, which is at `to` or their own, or ask for the next. */
  stage(to: string | null): readonly string[]
  /** The numbers that are copied of a tile's rows; 0 where they are read as they lie. */
  readonly stageLength: number
  /** What a tile reads its rows of a from. */
  readonly source: 'a' | 'stage'
}

export interface AskingTile {
  readonly name: string
  /** C text: whether the tile at `i` of panel `p` asks, and from where on. */
  readonly if: string
  readonly ahead: string
}

/**
 * Decides how each contraction of a kernel runs, and which of its operands the `pack` statements before it prepare. `isFar` says
 * which buffers are beyond the cache when the kernel begins.
 */
export function planContractions(
  body: readonly Statement[],
  machine: Machine,
  buffers: ReadonlyMap<string, Buffer>,
  isFar: (buffer: string) => boolean,
): { readonly plans: Map<ContractionStatement, Plan>; readonly packs: Map<string, Plan> } {
  const plans = new Map<ContractionStatement, Plan>()
  const packs = new Map<string, Plan>()
  const visit = (statements: readonly Statement[], around: LoopStatement | null): void => {
    const following = around && followingOf(around, buffers)
    for (const statement of statements) {
      if (statement.kind === 'loop') visit(statement.body, statement)
      if (statement.kind !== 'contraction') continue
      const plan = planOf(statement, machine)
      plan.following = following?.get(statement) ?? []
      plan.distant = around !== null && isDistant(statement, around, machine)
      plan.isFar = plan.n * plan.k >= farElements || (isFar(plan.b.buffer) && isInPieces(plan.b))
      if (around) plan.nextRound = nextRound(plan, around.index, isFar)
      plans.set(statement, plan)
      if (plan.b.packed !== null) packs.set(plan.b.packed, plan)
    }
  }
  visit(body, null)
  return { plans, packs }
}

/** Whether all that a product touches in the rounds of a loop, through which it moves, exceeds the second cache. */
function isDistant({ m, n, k, a, b, c }: ContractionStatement, loop: LoopStatement, { cache }: Machine): boolean {
  const touched = (panel: Panel, size: number): number => size * (namesIn(panel.base).has(loop.index) ? loop.extent : 1)
  const numbers = touched(a, m * k) + touched(b, n * k) + touched(c, m * n)
  return numbers * 4 > cache
}

/** Lanes of a vector of f32, bytes of the second cache, and what there is for bfloat16. */
export interface Machine {
  readonly width: number
  readonly cache: number
  readonly bf16: Bf16 | null
}

/** Which way round a contraction runs, over which tiles. */
export function planOf(statement: ContractionStatement, machine: Machine): Plan {
  const { width, bf16 } = machine
  const { m, n, k, a, b, c, add, plus = null } = statement
  const flip = (panel: Panel): Panel => ({ ...panel, rows: panel.columns, columns: panel.rows })
  const asIs = { m, n, k, a, b, c, add, plus }
  const turned = { m: n, n: m, k, a: flip(b), b: flip(a), c: flip(c), add, plus: plus && flip(plus) }
  const cheaper = (form: Bf16 | null): Product => {
    return costOf(turned, machine, form) < costOf(asIs, machine, form) ? turned : asIs
  }
  const exact = cheaper(null)
  if (bf16 !== null && width === bf16Width) {
    const chosen = cheaper(bf16)
    // What gains little stays exact.
    if (costOf(chosen, machine, bf16) < 0.8 * costOf(exact, machine, null))
      return { ...chosen, ...later, width, tile: bf16Tile(bf16, chosen.m, chosen.n, width), bf16, dots: null }
  }
  const form = { ...later, width, bf16: null }
  const few = asIs.n <= turned.n ? asIs : turned
  const dots = dotTile(few, width, costOf(exact, machine, null))
  if (dots !== null) return { ...few, ...form, tile: { rows: dots.rows, vectors: 1 }, dots }
  return { ...exact, ...form, tile: floatTile(exact, width), dots: null }
}

/** What is known when the text is written. */
const later = { isFar: false, distant: false, nextRound: [], following: [], prepacked: null }

/** The vectors for which pairs of bfloat16 are packed. */
const bf16Width = 16

export type Product = Pick<Plan, 'm' | 'n' | 'k' | 'a' | 'b' | 'c' | 'add' | 'plus'>

/** Cycles, roughly: multiply-adds, packing b, and writing c once a block of sums. */
function costOf(product: Product, { width, cache }: Machine, bf16: Bf16 | null): number {
  const { m, n, k, b, c } = product
  const packing = b.packed === null ? packingCost(product, width) : 0
  const contiguous = stepOf(c.columns) === 1 || n === 1
  const tile = floatTile(product, width)
  const sums = bf16 ? bf16SumBlock(bf16) : floatBlocks(product, tile, width, cache).sums
  const writing = m * n * Math.ceil(k / sums) * (contiguous ? 0.2 : 1.5)
  const products = bf16 ? bf16Cost(bf16, product, width) : tile.cost * k
  return products + packing + writing
}

/** Cycles, roughly, that packing b takes. */
export function packingCost({ n, k, b }: Product, width: number): number {
  const way = packingOf(b, width)
  return (way === 'copy' ? 0.15 : way === 'transpose' ? 0.5 : 1.5) * n * k
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
