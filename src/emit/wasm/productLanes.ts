// Tables and packers of the lanes of a product: rows of A, columns of B.
import type { FunctionBuilder, WasmModule } from './encoder.ts'
import { isContiguous, strideOf } from './offsetTables.ts'
import { type Packing, type PackOrder, packTiles, type Spacing } from './packing.ts'
import { cached } from './productCode.ts'

export const spacingOf = (lanes: Int32Array): Spacing => stepSpacing(strideOf(lanes))
export const stepSpacing = (stride: number | null): Spacing => (stride === null ? 'table' : { stride })

export const vectorStarts = (first: number, width: number, tiles: number): number[] =>
  Array.from({ length: tiles }, (_, tile) => first + tile * width).flatMap((start) =>
    Array.from({ length: Math.floor(width / 4) }, (_, vector) => start + 4 * vector),
  )

/** Lanes in bytes; where vectors lie along lanes, bit 0 marks four that are not neighbours. */
export function laneOffsets(lanes: Int32Array, starts: readonly number[], order: PackOrder): Int32Array {
  const bytes = lanes.map((lane) => 4 * lane)
  if (order === 'lanes') for (const start of starts) if (!isContiguous(lanes, start, 4)) bytes[start] |= 1
  return bytes
}

export const cachedPacking = (m: WasmModule, spec: Packing): FunctionBuilder =>
  cached(m, `packing ${JSON.stringify(spec)}`, () => packTiles(m, spec))
