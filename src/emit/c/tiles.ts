// Sizes of register tiles, by vector width, and of cache blocks.

export interface Tile {
  /** Rows of the tile, and vectors of columns. */
  readonly rows: number
  readonly vectors: number
}

/** At most so many rows and vectors of columns. */
export interface TileLimits {
  readonly rows: number
  readonly vectors: number
}

interface TileTable {
  /** Vector registers; a tile's sums, one row of b and one element of a must fit. */
  readonly registers: number
  readonly most: TileLimits
}

/** Widths are in f32 lanes: 16 is AVX-512, 8 AVX2, 4 NEON or SSE. */
const tables: Readonly<Record<number, TileTable>> = {
  16: { registers: 32, most: { rows: 14, vectors: 4 } },
  8: { registers: 16, most: { rows: 6, vectors: 3 } },
  4: { registers: 16, most: { rows: 6, vectors: 3 } },
}

const tableOf = (width: number): TileTable => tables[width] ?? tables[4]

export const tileLimits = (width: number): TileLimits => tableOf(width).most

/** Limits of tiles whose rows of a are copied first: wide ones have fewer rows, and a copy serves fewer sums. */
export const stagedLimits = (width: number): TileLimits => ({ rows: tileLimits(width).rows, vectors: 3 })

/** Bytes of a core's second cache, where the machine does not say. */
export const usualCache = 1048576

/** Summands of one pass over copied rows: a packed panel of so many stays in the first two caches. */
export const sumBlock = 384
/** Columns of b that are packed at a time for copied rows. */
export const columnBlock = 480

/** The tile that wastes least on an m × n product. */
export function chooseTile(
  m: number,
  n: number,
  width: number,
  most: TileLimits = stagedLimits(width),
): Tile & { readonly cost: number } {
  const { registers } = tableOf(width)
  let best: (Tile & { cost: number }) | null = null
  for (let vectors = 1; vectors <= most.vectors; vectors++) {
    const panels = Math.ceil(n / (vectors * width))
    for (let rows = 1; rows <= Math.min(most.rows, m); rows++) {
      if (rows * vectors + vectors + 1 > registers) continue
      const rest = m % rows
      const cost = panels * (Math.floor(m / rows) * stepCost(rows, vectors) + (rest ? stepCost(rest, vectors) : 0))
      if (!best || cost < best.cost - 1e-9) best = { rows, vectors, cost }
    }
  }
  return best!
}

/**
 * Cycles of a step of a tile: one a multiply-add, half of one a load, and never less than their latency. Loads that are hidden
 * cost next to nothing.
 */
const stepCost = (rows: number, vectors: number): number => {
  const loads = rows + vectors
  return Math.max(rows * vectors, loads / 2, 4) + 0.5 + 0.01 * loads
}
