// Tiles of products in bfloat16: sums of 32 bits in vector registers, or in tile registers.
import { type Bf16, tileSide } from './bf16Plan.ts'
import { type ContractionContext, type Plan, panelColumns } from './plan.ts'
import { columnCount, storeRow } from './storeRow.ts'

/** How a tile's rows of a lie in `stage`: pair `q` of row `r` is word `r · rowStep + q · pairStep`, its low part `low` after it. */
export interface Stage {
  readonly rowStep: number
  readonly pairStep: number
  readonly low: number
  /** Whether rows of a are neighbours in memory, not summands. */
  readonly isTurned: boolean
}

/** One tile in vectors: rows `i …` of a, staged, times one panel of b, over summands `k0 … k1`; added to c unless they are the first. */
export function dotTile(name: string, plan: Plan, stage: Stage, pairs: string, context: ContractionContext): string {
  const { rows, vectors } = plan.tile
  const columns = panelColumns(plan)
  const lines = ['  const int32_t *row = (const int32_t *)packed;', `  const int pairs = ${pairs};`]
  for (let r = 0; r < rows; r++) for (let v = 0; v < vectors; v++) lines.push(`  F16 s${r}_${v} = {};`)
  lines.push(`  for (int q = 0; q < pairs; q++, row += ${columns}) {`)
  lines.push(`    const int32_t *at = stage + q * ${stage.pairStep};`)
  for (let v = 0; v < vectors; v++) lines.push(`    const I16 b${v} = loadi_16(row + ${v * 16});`)
  for (let r = 0; r < rows; r++) {
    const sums = Array.from({ length: vectors }, (_, v) => `s${r}_${v} = dot_16(s${r}_${v}, x, b${v});`)
    lines.push(`    if (${r} < rows) { const I16 x = splati_16(at[${r * stage.rowStep}]); ${sums.join(' ')} }`)
  }
  lines.push('  }', ...columnCount(plan))
  for (let r = 0; r < rows; r++) {
    const sums = Array.from({ length: vectors }, (_, v) => `s${r}_${v}`)
    lines.push(`  if (${r} < rows) {`, ...storeRow(plan, `i + ${r}`, sums, context), '  }')
  }
  return tileText(name, plan, lines)
}

/**
 * The same in tile registers: 0 to 3 hold sums, 4 and 5 rows of a, 6 and 7 columns of b. Of numbers in two parts, three
 * products are summed, the small ones first. Those are left out where they are not finite: then a number was, or became,
 * infinite, and its low part means nothing.
 */
export function tileRegisterTile(
  name: string,
  plan: Plan,
  { parts }: Bf16,
  stage: Stage,
  pairs: string,
  context: ContractionContext,
): string {
  const { rows, vectors } = plan.tile
  const columns = panelColumns(plan)
  const below = rows > tileSide
  // Sums of rows `at …` and columns `v …` are in register 2 · at/16 + v.
  const blocks = (below ? [0, 1] : [0]).flatMap((half) => Array.from({ length: vectors }, (_, v) => ({ half, v })))
  const each = (text: (register: number, half: number, v: number) => string): string[] =>
    blocks.map(({ half, v }) => `${half ? `if (rows > ${tileSide}) ` : ''}${text(2 * half + v, half, v)};`)
  const lines = [
    '  const int32_t *const panel = (const int32_t *)packed;',
    `  const int pairs = ${pairs};`,
    `  float sums[${rows * columns}] __attribute__((aligned(64)));`,
    ...each((register) => `TILE_ZERO(${register})`).map((line) => `  ${line}`),
  ]
  const pass = (products: readonly (readonly [aLow: number, bLow: boolean])[]): void => {
    lines.push('  for (int q = 0; q < pairs; q += 16) {')
    for (const [aLow, bLow] of products) {
      const at = `stage + q${aLow ? ` + ${aLow}` : ''}`
      const from = `panel + ${bLow ? '(pairs + q)' : 'q'} * ${columns}`
      lines.push(`    TILE_LOAD(4, ${at}, ${stage.rowStep * 4});`)
      if (below)
        lines.push(
          `    if (rows > ${tileSide}) TILE_LOAD(5, ${at} + ${tileSide * stage.rowStep}, ${stage.rowStep * 4});`,
        )
      for (let v = 0; v < vectors; v++) lines.push(`    TILE_LOAD(${6 + v}, ${from} + ${v * 16}, ${columns * 4});`)
      lines.push(...each((register, half, v) => `TILE_DOT(${register}, ${4 + half}, ${6 + v})`).map((l) => `    ${l}`))
    }
    lines.push('  }')
  }
  const move = (what: 'LOAD' | 'STORE'): string[] =>
    each(
      (register, half, v) => `TILE_${what}(${register}, sums + ${half * tileSide * columns + v * 16}, ${columns * 4})`,
    ).map((line) => `  ${line}`)
  if (parts === 2) {
    pass([
      [0, true],
      [stage.low, false],
    ])
    lines.push(
      ...move('STORE'),
      `  for (int at = 0; at < ${rows * columns}; at += 16) storef_16(sums + at, finite_16(loadf_16(sums + at)));`,
      ...move('LOAD'),
    )
  }
  pass([[0, false]])
  lines.push(...move('STORE'), ...columnCount(plan))
  const sums = Array.from({ length: vectors }, (_, v) => `loadf_16(sums + r * ${columns} + ${v * 16})`)
  lines.push('  for (int r = 0; r < rows; r++) {', ...storeRow(plan, 'i + r', sums, context), '  }')
  return tileText(name, plan, lines)
}

/** The function of a tile, its last rows apart: how many there are is then a number in the code. */
function tileText(name: string, { m, tile: { rows } }: Plan, lines: readonly string[]): string {
  const rest = m % rows
  const parameters =
    'const int32_t *restrict stage, const float *restrict packed, float *restrict c, int i, int p, int k0, int k1'
  return [
    `static inline __attribute__((always_inline)) void ${name}_rows(${parameters}, const int rows) {`,
    ...lines,
    '}',
    `static __attribute__((noinline)) void ${name}(${parameters}) {`,
    ...(rest === 0
      ? []
      : [`  if (i + ${rows} > ${m}) { ${name}_rows(stage, packed, c, i, p, k0, k1, ${rest}); return; }`]),
    `  ${name}_rows(stage, packed, c, i, p, k0, k1, ${rows});`,
    '}',
  ].join('\n')
}
