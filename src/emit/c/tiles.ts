// Sizes of register tiles and cache blocks, by vector width.

export interface Tile {
  /** Rows of the tile, and vectors of columns. */
  readonly rows: number
  readonly vectors: number
}

interface TileTable {
  /** Vector registers; a tile's sums, one row of b and one element of a must fit. */
  readonly registers: number
  readonly maxRows: number
  readonly maxVectors: number
}

/** Widths are in f32 lanes: 16 is AVX-512, 8 AVX2, 4 NEON or SSE. */
const tables: Readonly<Record<number, TileTable>> = {
  16: { registers: 32, maxRows: 14, maxVectors: 3 },
  8: { registers: 16, maxRows: 6, maxVectors: 3 },
  4: { registers: 16, maxRows: 6, maxVectors: 3 },
}

/** Summands of one pass: a packed panel of so many rows stays in the first two caches. */
export const sumBlock = 384
/** Columns of b that are packed at a time. */
export const columnBlock = 480

/** The tile that wastes least on an m × n product. */
export function chooseTile(m: number, n: number, width: number): Tile & { readonly cost: number } {
  const table = tables[width] ?? tables[4]
  let best: (Tile & { cost: number }) | null = null
  for (let vectors = 1; vectors <= table.maxVectors; vectors++) {
    const panels = Math.ceil(n / (vectors * width))
    for (let rows = 1; rows <= Math.min(table.maxRows, m); rows++) {
      if (rows * vectors + vectors + 1 > table.registers) continue
      // A step of a tile takes one cycle a multiply-add, half a cycle a load, and never less than their latency.
      const step = Math.max(rows * vectors, (rows + vectors) / 2, 4)
      const cost = Math.ceil(m / rows) * panels * (step + 0.5)
      if (!best || cost < best.cost - 1e-9) best = { rows, vectors, cost }
    }
  }
  return best!
}
