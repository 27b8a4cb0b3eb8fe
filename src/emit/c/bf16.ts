// Products in bfloat16: operands rounded and put in pairs along the sum, as the instructions take them.
import { type Bf16, bf16ColumnBlock, bf16SumBlock, pairsOf, tileSide } from './bf16Plan.ts'
import { dotTile, type Stage, tileRegisterTile } from './bf16Tiles.ts'
import { packFunction, transposeFunction } from './packing.ts'
import { type ContractionContext, type Form, type Plan, panelColumns } from './plan.ts'
import { runLength, stepOf } from './tables.ts'

/**
 * A word holds two neighbours of a sum, the first in its lower half. A panel of b has a row of words, one a column, for each
 * pair; with two parts a panel of what rounding left follows the panel of rounded numbers.
 */
export function bf16Form(plan: Plan, bf16: Bf16, context: ContractionContext): Form {
  context.useBf16()
  const pairs = bf16.unit === 'amx' ? '(k1 - k0 + 31) / 32 * 16' : '(k1 - k0 + 1) / 2'
  const stage = stageOf(plan, bf16)
  return {
    sumBlock: bf16SumBlock(bf16),
    columnBlock: bf16ColumnBlock(bf16),
    words: (summands) => bf16.parts * pairsOf(bf16, summands),
    depth: bf16.parts === 1 ? `(${pairs})` : `(${pairs} * 2)`,
    packer: () => pairPacker(plan, bf16, pairs, context),
    tile: () =>
      context.define('tile', (name) =>
        bf16.unit === 'amx'
          ? tileRegisterTile(name, plan, bf16, stage, pairs, context)
          : dotTile(name, plan, stage, pairs, context),
      ),
    packingTile: null,
    askingTile: null,
    roundTile: null,
    order: 'rows',
    stage: () => stageLines(plan, bf16, stage, context),
    stageLength: 0,
    source: 'stage',
  }
}

/** Summands that are packed in f32 at a time, before they are put in pairs. */
const chunk = 64

/** Packs panels as the f32 packer does, and turns them into pairs while they are in the first cache. */
function pairPacker(plan: Plan, bf16: Bf16, pairs: string, context: ContractionContext): string {
  const columns = panelColumns(plan)
  const pack = packFunction(plan, context)
  const low = bf16.parts === 2 ? `to + pairs * ${columns}` : 'NULL'
  return context.define('packPairs', (name) =>
    [
      `static void ${name}(const float *restrict b, float *restrict out, int k0, int k1, int p0, int p1) {`,
      `  float rows[${chunk * columns}] __attribute__((aligned(64)));`,
      `  const int pairs = ${pairs};`,
      `  for (int p = p0; p < p1; p++, out += pairs * ${bf16.parts * columns}) {`,
      '    int32_t *to = (int32_t *)out;',
      `    for (int k = k0; k < k1; k += ${chunk}) {`,
      `      const int count = k1 - k < ${chunk} ? k1 - k : ${chunk};`,
      `      ${pack}(b, rows, k, k + count, p, p + 1);`,
      `      if (count & 1) memset(rows + count * ${columns}, 0, ${columns * 4});`,
      `      for (const float *row = rows; row < rows + count * ${columns}; row += ${2 * columns})`,
      `        for (int j = 0; j < ${columns}; j += 16, to += 16) pairUp(row + j, row + ${columns} + j, to, ${low});`,
      '    }',
      // Tile registers take sixteen pairs, there or not.
      ...(bf16.unit === 'amx'
        ? [
            `    const int missing = (int32_t *)out + pairs * ${columns} - to;`,
            `    memset(to, 0, missing * 4);`,
            ...(bf16.parts === 2 ? [`    memset(${low}, 0, missing * 4);`] : []),
          ]
        : []),
      '  }',
      '}',
    ].join('\n'),
  )
}

function stageOf(plan: Plan, bf16: Bf16): Stage {
  const isTurned = stepOf(plan.a.rows) === 1 && stepOf(plan.a.columns) !== 1
  const { rows } = plan.tile
  // Rows are filled in vectors of 16 words; one line more, and rows are not a power of two apart.
  const pairs = tileSide * Math.ceil(Math.min(plan.k, bf16SumBlock(bf16)) / (2 * tileSide))
  if (isTurned && bf16.unit === 'avx512') {
    const side = tileSide * Math.ceil(rows / tileSide)
    return { rowStep: 1, pairStep: side, low: pairs * side, isTurned }
  }
  const rowStep = pairs + tileSide
  return { rowStep, pairStep: 1, low: rows * rowStep, isTurned }
}

function stageLines(plan: Plan, bf16: Bf16, stage: Stage, context: ContractionContext): string[] {
  const { a, m } = plan
  const { rows } = plan.tile
  const rowTable = context.tables.nameOf(a.rows)
  const columnStep = stepOf(a.columns)
  const column =
    columnStep !== null ? `${a.columns[0]} + k * (int64_t)${columnStep}` : `${context.tables.nameOf(a.columns)}[k]`
  const lowOf = (to: string): string => (bf16.parts === 2 ? `${to} + ${stage.low}` : 'NULL')
  const head = [
    `        int32_t stage[${bf16.parts * stage.low}] __attribute__((aligned(64)));`,
    `        const int count = ${m} - i < ${rows} ? ${m} - i : ${rows};`,
  ]
  if (!stage.isTurned) {
    const run = runLength(a.columns, [64, 48, 32, 24, 16, 12, 8, 4])
    const copy =
      run > 1
        ? `for (int k = k0; k < k1; k += ${run}) memcpy(part + k - k0, row + ${column}, ${run * 4});`
        : `for (int k = k0; k < k1; k++) part[k - k0] = row[${column}];`
    const to = `stage + r * ${stage.rowStep}`
    return [
      ...head,
      '        for (int r = 0; r < count; r++) {',
      `          const float *row = a + ${rowTable}[i + r];`,
      ...(columnStep === 1
        ? [`          const float *part = row + ${a.columns[0]} + k0;`]
        : [`          float part[${Math.min(plan.k, bf16SumBlock(bf16))}]; ${copy}`]),
      `          narrowRow(part, k1 - k0, ${to}, ${lowOf(to)});`,
      '        }',
    ]
  }
  const side = tileSide * Math.ceil(rows / tileSide)
  const copy = (count: string | number): string =>
    `for (int s = 0; s < summands; s++) { const int64_t k = at + s; memcpy(part + s * ${side}, a + ${rowTable}[i] + ${column}, ${count}); }`
  const pairUp = (to: string, low: string): string[] => [
    '          for (int q = 0; q < 16; q++)',
    `            for (int r = 0; r < ${side}; r += 16)`,
    `              pairUp(part + 2 * q * ${side} + r, part + (2 * q + 1) * ${side} + r, ${to} + q * ${side} + r, ${low === 'NULL' ? low : `${low} + q * ${side} + r`});`,
  ]
  const lines = [
    ...head,
    '        for (int at = k0; at < k1; at += 32) {',
    `          float part[${32 * side}] __attribute__((aligned(64)));`,
    '          const int summands = k1 - at < 32 ? k1 - at : 32;',
    `          if (count == ${rows}) ${copy(rows * 4)}`,
    `          else ${copy('count * 4')}`,
    `          if (summands < 32) memset(part + summands * ${side}, 0, (32 - summands) * ${side * 4});`,
  ]
  if (stage.pairStep > 1) {
    const to = `stage + (at - k0) / 2 * ${side}`
    return [...lines, ...pairUp(to, lowOf(to)), '        }']
  }
  // Tile registers want each row's pairs in a row.
  const transpose = context.define('transpose16_', (name) => transposeFunction(name, tileSide))
  const steps = context.tables.nameOf(Int32Array.from({ length: tileSide }, (_, q) => q * side))
  const turn = (from: string, low: number): string =>
    `            ${transpose}((const float *)${from} + r, ${steps}, 16, (float *)stage + ${low} + r * ${stage.rowStep} + (at - k0) / 2, ${stage.rowStep});`
  return [
    ...lines,
    `          int32_t high[${16 * side}] __attribute__((aligned(64)))${bf16.parts === 2 ? `, low[${16 * side}] __attribute__((aligned(64)))` : ''};`,
    ...pairUp('high', bf16.parts === 2 ? 'low' : 'NULL'),
    `          for (int r = 0; r < ${side}; r += 16) {`,
    turn('high', 0),
    ...(bf16.parts === 2 ? [turn('low', stage.low)] : []),
    '          }',
    '        }',
  ]
}
