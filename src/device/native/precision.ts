// What matrix products are computed with, by the precision that is allowed.

import type { Bf16 } from '../../emit/c/bf16Plan.ts'
import { bf16Functions, tilePermission } from '../../emit/c/bf16Preamble.ts'
import { header, vectorTypes } from '../../emit/c/preamble.ts'
import { largerTiles, type Precision, type UsedPrecision } from '../precision.ts'
import type { CCompiler } from './compiler.ts'

export interface NativePrecision extends UsedPrecision {
  readonly bf16: Bf16 | null
  /** Sums along an axis that a tile of a transformed convolution holds at most. */
  readonly tileSide: 2 | 4
}

/**
 * `high` is worth its three products only on AMX: on vectors, which multiply bfloat16 at twice the rate of f32, they would
 * take longer than f32 itself. Elsewhere larger tiles make fewer products of f32, and errors that are smaller still. Products
 * in bfloat16 have small tiles: errors of large ones would be several times theirs.
 */
export function nativePrecision(
  allowed: Precision,
  compiler: CCompiler,
  call: (source: string, prototype: string) => () => number,
): NativePrecision {
  if (allowed === 'highest') return { used: 'highest', about: 'f32', bf16: null, tileSide: 2 }
  const noTiles = tilesAbsence(compiler, call)
  if (noTiles === null) {
    const [about, parts] =
      allowed === 'high'
        ? (['two bfloat16 a number, three products, on AMX', 2] as const)
        : (['bfloat16 on AMX', 1] as const)
    return { used: allowed, about, bf16: { unit: 'amx', parts }, tileSide: 2 }
  }
  if (allowed === 'medium' && compiler.bf16.avx512 === null)
    return { used: 'medium', about: 'bfloat16 on AVX512-BF16', bf16: { unit: 'avx512', parts: 1 }, tileSide: 2 }
  const why = allowed === 'high' ? noTiles : `${noTiles}; ${compiler.bf16.avx512}`
  return { used: 'high', about: `${largerTiles}: ${why}`, bf16: null, tileSide: 4 }
}

/** Why there are no tile registers for this process; null when there are. Linux gives them to those who ask. */
function tilesAbsence(compiler: CCompiler, call: (source: string, prototype: string) => () => number): string | null {
  if (compiler.bf16.amx !== null) return compiler.bf16.amx
  const answer = call(tilesTrial, 'int tryTiles(void)')()
  if (answer === 0) return null
  return answer === 1 ? 'the system does not let this process use AMX' : 'AMX gives wrong products here'
}

/** Asks for tile registers, and multiplies small whole numbers with them: 16 rows of 32 by 32 rows of 16. */
const tilesTrial = `${header}${vectorTypes(1)}${vectorTypes(16)}${bf16Functions({ unit: 'amx' })}${tilePermission}
int tryTiles(void) {
  static float a[16][32], b[32][16], found[16][16];
  static int32_t rows[16][16], panel[16][16];
  if (!mayUseTiles()) return 1;
  for (int r = 0; r < 16; r++) for (int k = 0; k < 32; k++) a[r][k] = (r * 3 + k * 5) % 11 - 5;
  for (int k = 0; k < 32; k++) for (int j = 0; j < 16; j++) b[k][j] = (k * 7 + j * 2) % 13 - 6;
  for (int r = 0; r < 16; r++) narrowRow(a[r], 32, rows[r], NULL);
  for (int q = 0; q < 16; q++) pairUp(b[2 * q], b[2 * q + 1], panel[q], NULL);
  startTiles();
  TILE_ZERO(0);
  TILE_LOAD(4, rows, 64);
  TILE_LOAD(6, panel, 64);
  TILE_DOT(0, 4, 6);
  TILE_STORE(0, found, 64);
  endTiles();
  for (int r = 0; r < 16; r++)
    for (int j = 0; j < 16; j++) {
      float sum = 0;
      for (int k = 0; k < 32; k++) sum += a[r][k] * b[k][j];
      if (found[r][j] != sum) return 2;
    }
  return 0;
}
`
