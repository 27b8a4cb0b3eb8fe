// Tiles of f32 products: a read as it lies or staged, sums in registers.
import { packFunction } from './packing.ts'
import { type ContractionContext, type Form, type Plan, panelColumns, panelsOf } from './plan.ts'
import { columnCount, storeRow } from './storeRow.ts'
import { runLength, stepOf } from './tables.ts'
import { columnBlock, sumBlock } from './tiles.ts'

export function floatForm(plan: Plan, context: ContractionContext): Form {
  const way = stagingOf(plan)
  return {
    sumBlock,
    columnBlock,
    words: (summands) => summands,
    depth: '(k1 - k0)',
    packer: () => packFunction(plan, context),
    tile: () => context.define('tile', (name) => tileFunction(name, plan, way, context)),
    stage: () => (way === 'direct' ? [] : stageLines(plan, way, context)),
  }
}

/** How a tile's rows of a are read: as they lie, or from a copy whose rows, or whose columns, lie next to each other. */
type Staging = 'direct' | 'rows' | 'columns'

/** Rows far apart fall into the same cache sets; a copy that several panels use is worth making. */
function stagingOf(plan: Plan): Staging {
  const panels = Math.min(panelsOf(plan), Math.max(1, Math.floor(columnBlock / panelColumns(plan))))
  const affine = stepOf(plan.a.rows) !== null && stepOf(plan.a.columns) !== null
  if (panels < 3 && (affine || panels < 2)) return 'direct'
  return stepOf(plan.a.rows) === 1 ? 'columns' : 'rows'
}

const stageStride = (plan: Plan): number => Math.min(plan.k, sumBlock) + 16

function stageLines(plan: Plan, way: 'rows' | 'columns', context: ContractionContext): string[] {
  const { a, m } = plan
  const { rows } = plan.tile
  const rowTable = context.tables.nameOf(a.rows)
  const columnStep = stepOf(a.columns)
  const column =
    columnStep !== null ? `${a.columns[0]} + k * (int64_t)${columnStep}` : `${context.tables.nameOf(a.columns)}[k]`
  const stride = stageStride(plan)
  const head = [
    `        float stage[${way === 'rows' ? rows * stride : (Math.min(plan.k, sumBlock) + 1) * rows}] __attribute__((aligned(64)));`,
    `        const int count = ${m} - i < ${rows} ? ${m} - i : ${rows};`,
  ]
  if (way === 'columns') {
    return [
      ...head,
      `        if (count == ${rows}) {`,
      `          for (int k = k0; k < k1; k++) memcpy(stage + (k - k0) * ${rows}, a + ${rowTable}[i] + ${column}, ${rows * 4});`,
      '        } else',
      `          for (int k = k0; k < k1; k++) for (int r = 0; r < count; r++) stage[(k - k0) * ${rows} + r] = a[${rowTable}[i + r] + ${column}];`,
    ]
  }
  // Lengths of which a block of sums is a multiple.
  const run = runLength(a.columns, [64, 48, 32, 24, 16, 12, 8, 4])
  const copy =
    columnStep === 1
      ? `memcpy(stage + r * ${stride}, row + ${a.columns[0]} + k0, (k1 - k0) * 4);`
      : run > 1
        ? `for (int k = k0; k < k1; k += ${run}) memcpy(stage + r * ${stride} + k - k0, row + ${column}, ${run * 4});`
        : `for (int k = k0; k < k1; k++) stage[r * ${stride} + k - k0] = row[${column}];`
  return [...head, `        for (int r = 0; r < count; r++) { const float *row = a + ${rowTable}[i + r]; ${copy} }`]
}

/** A result of so many elements (2 MiB) is not in the cache of one core. */
const farElements = 524288

/** Up to so many tiles of rows get code of their own. */
const maxOwnTiles = 4

/** One register tile: rows `i …` of a times one panel of b, over summands `k0 … k1`; added to c unless they are the first. */
function tileFunction(name: string, plan: Plan, way: Staging, context: ContractionContext): string {
  const { m, n, a, width: w } = plan
  const { rows, vectors } = plan.tile
  const columns = panelColumns(plan)
  const stage = stageStride(plan)
  const [rowStep, columnStep] =
    way === 'rows' ? [stage, 1] : way === 'columns' ? [1, rows] : [stepOf(a.rows), stepOf(a.columns)]
  const rowTable = context.tables.nameOf(a.rows)
  const lines = [
    `static inline __attribute__((always_inline)) void ${name}_rows(const float *restrict a, const float *restrict b, float *restrict c, int i, int p, int k0, int k1, const int rows) {`,
  ]
  // With few tiles each gets code of its own, in which the rows' offsets are numbers and take no registers.
  const tiles = Math.ceil(m / rows)
  const isOwn = way === 'direct' && rowStep === null && tiles <= maxOwnTiles
  if (way !== 'direct') lines.push('  const float *a0 = a;')
  else if (isOwn) lines.push('  const float *a0 = a;')
  else if (rowStep !== null) lines.push(`  const float *a0 = a + ${a.rows[0]} + i * ${rowStep};`)
  else
    for (let r = 0; r < rows; r++)
      lines.push(`  const float *a${r} = a + ${rowTable}[i + ${r} < ${m} ? i + ${r} : ${m - 1}];`)
  for (let r = 0; r < rows; r++) for (let v = 0; v < vectors; v++) lines.push(`  F${w} s${r}_${v} = {};`)
  // What the sums are added to comes from far while they are made.
  if (stepOf(plan.c.columns) === 1 && m * n >= farElements) {
    const at = `${plan.c.columns[0]} + p * ${columns}`
    for (let r = 0; r < rows; r++)
      for (let v = 0; v < vectors; v++)
        lines.push(
          `  if (${r} < rows) __builtin_prefetch(c + ${context.tables.nameOf(plan.c.rows)}[i + ${r}] + ${at} + ${v * w}, 1);`,
        )
  }
  lines.push('  for (int k = k0; k < k1; k++) {')
  const at =
    way !== 'direct'
      ? `(k - k0) * ${columnStep}`
      : columnStep !== null
        ? `k * (int64_t)${columnStep}${a.columns[0] ? ` + ${a.columns[0]}` : ''}`
        : `${context.tables.nameOf(a.columns)}[k]`
  lines.push(`    const int64_t at = ${at};`)
  for (let v = 0; v < vectors; v++) lines.push(`    const F${w} b${v} = loadf_${w}(b + ${v * w});`)
  lines.push(`    b += ${columns};`)
  for (let r = 0; r < rows; r++) {
    const element = isOwn
      ? `a0[at + ${rowTable}[i + ${r}]]`
      : rowStep !== null
        ? `a0[at + ${r * rowStep}]`
        : `a${r}[at]`
    const sums = Array.from({ length: vectors }, (_, v) => `s${r}_${v} = fma_${w}(x, b${v}, s${r}_${v});`)
    lines.push(`    if (${r} < rows) { const F${w} x = splatf_${w}(${element}); ${sums.join(' ')} }`)
  }
  lines.push('  }')
  lines.push(...columnCount(plan))
  for (let r = 0; r < rows; r++) {
    const sums = Array.from({ length: vectors }, (_, v) => `s${r}_${v}`)
    lines.push(`  if (${r} < rows) {`, ...storeRow(plan, `i + ${r}`, sums, context), '  }')
  }
  lines.push('}')
  const rest = m % rows
  if (isOwn) {
    const calls = Array.from({ length: tiles }, (_, tile) => {
      const count = Math.min(rows, m - tile * rows)
      return `  if (i == ${tile * rows}) { ${name}_rows(a, b, c, ${tile * rows}, p, k0, k1, ${count}); return; }`
    })
    return [
      ...lines,
      `static void ${name}(const float *restrict a, const float *restrict b, float *restrict c, int i, int p, int k0, int k1) {`,
      ...calls,
      '}',
    ].join('\n')
  }
  const whenRest =
    rest === 0 ? '' : `  if (i + ${rows} > ${m}) { ${name}_rows(a, b, c, i, p, k0, k1, ${rest}); return; }\n`
  return [
    ...lines,
    `static void ${name}(const float *restrict a, const float *restrict b, float *restrict c, int i, int p, int k0, int k1) {`,
    `${whenRest}  ${name}_rows(a, b, c, i, p, k0, k1, ${rows});`,
    '}',
  ].join('\n')
}
