// Where products pay in bfloat16, and over which tiles.
import type { Panel } from '../../compiler/ir.ts'
import { runLength, stepOf } from './tables.ts'
import { chooseTile, columnBlock, sumBlock, type Tile } from './tiles.ts'

/**
 * How products may be computed less exactly than in f32. `unit`: `amx` has tiles of 16 × 16 sums, `avx512` vectors of 16; both
 * multiply pairs of bfloat16 and sum in f32. `parts`: bfloat16 numbers for an f32: one (`medium`), or two, of which three
 * products are summed (`high`). On vectors, at twice the rate of f32, three would take longer than f32 itself.
 */
export type Bf16 = { readonly unit: 'amx'; readonly parts: 1 | 2 } | { readonly unit: 'avx512'; readonly parts: 1 }

/** Rows and columns of a tile register, in 4-byte words. */
export const tileSide = 16

/** A tile of sums: the register tile's, or up to two by two tile registers. */
export function bf16Tile({ unit }: Bf16, m: number, n: number, width: number): Tile {
  if (unit === 'avx512') return chooseTile(m, n, width)
  return { rows: m > tileSide ? 2 * tileSide : tileSide, vectors: n > tileSide ? 2 : 1 }
}

/** Summands of one pass: their bytes are those of an f32 pass. */
export const bf16SumBlock = ({ parts }: Bf16): number => (2 / parts) * sumBlock

/** Columns of b that are packed at a time, their bytes likewise: more columns for each row of a that is converted. */
export const bf16ColumnBlock = ({ unit, parts }: Bf16): number => (unit === 'amx' ? 2 / parts : 1) * columnBlock

/** Pairs of summands that a pass over so many takes: tile registers take sixteen at a time. */
export const pairsOf = ({ unit }: Bf16, summands: number): number =>
  unit === 'amx' ? tileSide * Math.ceil(summands / (2 * tileSide)) : Math.ceil(summands / 2)

interface Sizes {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: Panel
}

/** Cycles of the products, roughly, and of turning operands into pairs: each of b once, each of a for each block of columns. */
export function bf16Cost(form: Bf16, { m, n, k, a }: Sizes, width: number): number {
  const passes = form.parts === 1 ? 1 : 3
  const tiles = (side: number): number => Math.ceil(side / tileSide)
  const products =
    form.unit === 'amx' ? tileSide * tiles(m) * tiles(n) * tiles(k / 2) : (chooseTile(m, n, width).cost * k) / 2
  const blocks = Math.ceil(n / bf16ColumnBlock(form))
  return passes * products + form.parts * convert * k * (n + m * blocks) + reading(a) * k * m * blocks
}

/** Cycles to round a number and put it where it belongs. */
const convert = 0.2

/** Cycles on top of that to read a number of a. */
function reading(a: Panel): number {
  if (stepOf(a.columns) === 1) return 0
  if (stepOf(a.rows) === 1) return 0.2
  return runLength(a.columns, [8]) > 1 ? 0.2 : 1.5
}
