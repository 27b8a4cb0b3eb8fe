// Tiles of f32 products: a read as it lies or staged, sums in registers.
import {
  farElements,
  floatBlocks,
  readsInPlace,
  readsVectors,
  type Staging,
  stagingOf,
  summandsOf,
} from './floatPlan.ts'
import type { Following } from './following.ts'
import { packFunction } from './packing.ts'
import { type ContractionContext, type Form, type Plan, packingOf, panelColumns, panelsOf } from './plan.ts'
import { addendParameter, columnCount, resultRow, storeRow } from './storeRow.ts'
import { runLength, stepOf } from './tables.ts'
import { sumBlock } from './tiles.ts'

export function floatForm(plan: Plan, context: ContractionContext): Form {
  const way = stagingOf(plan)
  const { columns } = floatBlocks(plan, plan.tile, plan.width, context.cache)
  const order = orderOf(plan, context.cache)
  return {
    order,
    sumBlock: summandsOf(plan, context.cache),
    columnBlock: columns,
    words: (summands) => summands,
    depth: '(k1 - k0)',
    packer: () => packFunction(plan, context),
    tile: () => context.define('tile', (name) => tileFunction(name, plan, way, context)),
    packingTile: packsAsItReads(plan)
      ? () => context.define('packingTile', (name) => tileFunction(name, plan, way, context, 'packs'))
      : null,
    askingTile:
      order === 'panels' || asksAhead(plan, way)
        ? () => ({
            name: context.define('askingTile', (name) => tileFunction(name, plan, way, context, 'asks', order)),
            ...askedBy(plan, order, context),
          })
        : null,
    roundTile:
      plan.nextRound.length > 0
        ? () => context.define('roundTile', (name) => tileFunction(name, plan, way, context, 'round'))
        : null,
    stage: (to) => (way === 'direct' ? aheadLines(plan, context) : stageLines(plan, way, to, context)),
    stageLength: way === 'direct' ? 0 : stageLength(plan, way),
    source: way === 'direct' ? 'a' : 'stage',
  }
}

/**
 * Packing waits for memory; tiles of the first rows, which multiply all the same, can do so instead. Where no others follow,
 * there is nothing to pack.
 */
const packsAsItReads = (plan: Plan): boolean =>
  packingOf(plan.b, plan.width) === 'copy' && readsVectors(plan) && (tilesOfRows(plan) === 1 || plan.isFar)

/** How many numbers of a may be in the second cache while b passes through it. */
const keptNumbers = (cache: number): number => cache / 4 / 4

/** Where b comes from far and all of a stays near, b comes once, panel by panel; tiles ask for the next panel meanwhile. */
function orderOf(plan: Plan, cache: number): Form['order'] {
  const isNear = plan.m * Math.min(plan.k, summandsOf(plan, cache)) <= keptNumbers(cache)
  return plan.b.packed === null &&
    isNear &&
    plan.n * plan.k >= farElements &&
    packsAsItReads(plan) &&
    tilesOfRows(plan) > 1
    ? 'panels'
    : 'rows'
}

const tilesOfRows = ({ m, tile }: Plan): number => Math.ceil(m / tile.rows)

/** Columns come from all over memory, some neighbours of each: the last panel of a tile of rows asks for those of the next one. */
const asksAhead = ({ a, m, k }: Plan, way: Staging): boolean => {
  const step = stepOf(a.columns)
  const areColumns = way === 'columns' || (way === 'direct' && stepOf(a.rows) === 1 && step !== 1)
  return areColumns && m * k >= farElements && step !== null
}

/** Numbers that come from memory together. */
const lineNumbers = 16

/** Of a row of the next panel, so many lines are asked for by each tile but the first that multiplies by a panel. */
const askedLines = (plan: Plan): number => Math.ceil(panelLines(plan) / (tilesOfRows(plan) - 1))

const panelLines = (plan: Plan): number => Math.ceil(panelColumns(plan) / lineNumbers)

/**
 * C text of where the tile at `i` of panel `p` begins to ask, and of whether it does: in a product by panels the last tiles
 * share the lines of the next panel, in one by rows the last panel asks for the last of the next rows.
 */
function askedBy(plan: Plan, order: Form['order'], context: ContractionContext): { ahead: string; if: string } {
  const { m, n, a, b } = plan
  const { rows } = plan.tile
  if (order === 'panels') {
    const first = `(p + 1) * ${panelColumns(plan)} + (iTo - 1 - i) / ${rows} * ${askedLines(plan) * lineNumbers}`
    const shares = Math.ceil(panelLines(plan) / askedLines(plan))
    return {
      ahead: `b + ${context.tables.nameOf(b.columns)}[${first}]`,
      if: `p + 1 < pTo && i + ${shares * rows} >= iTo && ${first} < ${n}`,
    }
  }
  const last = `i + ${2 * rows - 1} < ${m} ? i + ${2 * rows - 1} : ${m - 1}`
  return {
    ahead: `a + ${context.tables.nameOf(a.rows)}[${last}] + ${a.columns[0]}`,
    if: `p + 1 == p1 && i + ${rows} < iTo`,
  }
}

/**
 * How far each step of a tile goes on in what comes from memory meanwhile. Where that is more than a line, the product is soon
 * done, and nothing is asked for.
 */
export function followingSteps(plan: Plan): readonly { part: Following; numbers: number }[] {
  const steps = tilesOfRows(plan) * panelsOf(plan) * plan.k
  return plan.following
    .map((part) => ({ part, numbers: Math.ceil(part.numbers / steps) }))
    .filter(({ numbers }) => numbers <= lineNumbers)
}

/** Rows that come from afar, one behind the other, are asked for by the tile before; those of the last are the next product's. */
const asksForRows = (plan: Plan, way: Staging): boolean =>
  plan.distant && way === 'direct' && stepOf(plan.a.rows) === plan.k && stepOf(plan.a.columns) === 1

const stageStride = (plan: Plan): number => Math.min(plan.k, sumBlock) + 16

/** Asks for where the rows of the next tile begin: what follows comes by itself, but not the first of it. */
function aheadLines(plan: Plan, context: ContractionContext): string[] {
  const { a, m, k } = plan
  const { rows } = plan.tile
  // Through a single panel rows are read without a pause.
  if (m * k < farElements || stepOf(a.columns) !== 1 || panelsOf(plan) === 1) return []
  return [
    `        for (int r = i + ${rows}; r < i + ${2 * rows} && r < ${m}; r++) {`,
    `          const float *row = a + ${context.tables.nameOf(a.rows)}[r] + ${a.columns[0]} + k0;`,
    '          __builtin_prefetch(row); __builtin_prefetch(row + 16);',
    '        }',
  ]
}

function stageLength(plan: Plan, way: 'rows' | 'columns'): number {
  const { rows } = plan.tile
  return way === 'rows' ? rows * stageStride(plan) : Math.ceil(((Math.min(plan.k, sumBlock) + 1) * rows) / 16) * 16
}

/** Copies the rows of a tile to `to`; to memory of their own where that is null. */
function stageLines(plan: Plan, way: 'rows' | 'columns', to: string | null, context: ContractionContext): string[] {
  const { a, m } = plan
  const { rows } = plan.tile
  const rowTable = context.tables.nameOf(a.rows)
  const columnStep = stepOf(a.columns)
  const column =
    columnStep !== null ? `${a.columns[0]} + k * (int64_t)${columnStep}` : `${context.tables.nameOf(a.columns)}[k]`
  const stride = stageStride(plan)
  const head = [
    to === null
      ? `        float stage[${stageLength(plan, way)}] __attribute__((aligned(64)));`
      : `        float *stage = ${to};`,
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

/** Up to so many tiles of rows get code of their own. */
const maxOwnTiles = 4

/** Steps by which a tile that packs asks for b before it reads it. */
const packingDistance = 8

/**
 * One register tile: rows `i …` of a times one panel of b, over summands `k0 … k1`; added to c unless they are the first.
 * One that `packs` reads the panel where it lies, and writes it to `out` as the packer would where other rows need it; one that `asks` has the columns
 * from `ahead` on brought near.
 */
function tileFunction(
  name: string,
  plan: Plan,
  way: Staging,
  context: ContractionContext,
  kind: 'packs' | 'asks' | 'round' | null = null,
  order: Form['order'] = 'rows',
): string {
  const { m, n, a, b, width: w } = plan
  const { rows, vectors } = plan.tile
  const columns = panelColumns(plan)
  const stage = stageStride(plan)
  const [rowStep, columnStep] =
    way === 'rows' ? [stage, 1] : way === 'columns' ? [1, rows] : [stepOf(a.rows), stepOf(a.columns)]
  const rowTable = context.tables.nameOf(a.rows)
  const packs = kind === 'packs'
  const [extra, extraPassed] =
    kind === null
      ? ['', '']
      : packs
        ? ['float *restrict out, ', 'out, ']
        : kind === 'asks'
          ? ['const float *ahead, ', 'ahead, ']
          : ['const float *ahead, const int32_t *lines, ', 'ahead, lines, ']
  const following = followingSteps(plan)
  const next = following.map((_, at) => `const float *next${at}, `).join('')
  const nextPassed = following.map((_, at) => `next${at}, `).join('')
  const parameters = `const float *restrict a, const float *restrict b, ${extra}${next}float *restrict c, ${addendParameter(plan)}int i, int p, int k0, int k1`
  const passed = `a, b, ${extraPassed}${nextPassed}c${plan.plus ? ', plus' : ''}`
  const lines = [`static inline __attribute__((always_inline)) void ${name}_rows(${parameters}, const int rows) {`]
  // With few tiles each gets code of its own, in which the rows' offsets are numbers and take no registers.
  const tiles = tilesOfRows(plan)
  const isOwn = way === 'direct' && rowStep === null && tiles <= maxOwnTiles
  if (way !== 'direct') lines.push('  const float *a0 = a;')
  else if (isOwn) lines.push('  const float *a0 = a;')
  else if (rowStep !== null) lines.push(`  const float *a0 = a + ${a.rows[0]} + i * ${rowStep};`)
  else
    for (let r = 0; r < rows; r++)
      lines.push(`  const float *a${r} = a + ${rowTable}[i + ${r} < ${m} ? i + ${r} : ${m - 1}];`)
  for (let r = 0; r < rows; r++) for (let v = 0; v < vectors; v++) lines.push(`  F${w} s${r}_${v} = {};`)
  // What the sums are added to comes from far while they are made.
  if (stepOf(plan.c.columns) === 1 && (plan.distant || m * n >= farElements)) {
    const at = `${plan.c.columns[0]} + p * ${columns}`
    for (let r = 0; r < rows; r++)
      for (let v = 0; v < vectors; v++)
        lines.push(
          `  if (${r} < rows) __builtin_prefetch(c + ${resultRow(plan, `i + ${r}`, context)} + ${at} + ${v * w}, 1);`,
        )
  }
  if (packs)
    for (let v = 0; v < vectors; v++)
      lines.push(`  const int column${v} = ${context.tables.nameOf(b.columns)}[p * ${columns} + ${v * w}];`)
  lines.push('  for (int k = k0; k < k1; k++) {')
  const at =
    way !== 'direct'
      ? `(k - k0) * ${columnStep}`
      : columnStep !== null
        ? `k * (int64_t)${columnStep}${a.columns[0] ? ` + ${a.columns[0]}` : ''}`
        : `${context.tables.nameOf(a.columns)}[k]`
  lines.push(`    const int64_t at = ${at};`)
  if (asksForRows(plan, way)) lines.push(`    __builtin_prefetch(a0 + ${rows * plan.k} + at * ${rows});`)
  if (kind === 'round') lines.push('    __builtin_prefetch(ahead + lines[k]);')
  if (kind === 'asks') {
    const of = order === 'panels' ? b.rows : a.columns
    const step = stepOf(of)
    const ahead = `ahead + ${step === null ? `${context.tables.nameOf(of)}[k]` : `k * (int64_t)${step}`}`
    for (let line = 0; line < (order === 'panels' ? askedLines(plan) : 1); line++)
      lines.push(`    __builtin_prefetch(${ahead} + ${line * lineNumbers});`)
  }
  for (const [at, { part, numbers }] of following.entries())
    lines.push(`    __builtin_prefetch(next${at}${part.isWrite ? ', 1' : ''}); next${at} += ${numbers};`)
  if (packs) {
    const bStep = stepOf(b.rows)
    const row = (by: number): string =>
      bStep !== null
        ? `${b.rows[0]} + (k + ${by}) * (int64_t)${bStep}`
        : `${context.tables.nameOf(b.rows)}[${by ? `k + ${by} < k1 ? k + ${by} : k` : 'k'}]`
    lines.push(`    const float *from = b + ${row(0)};`)
    if (plan.isFar) lines.push(`    const float *next = b + ${row(packingDistance)};`)
    for (let v = 0; v < vectors; v++) {
      if (plan.isFar) lines.push(`    __builtin_prefetch(next + column${v});`)
      lines.push(`    const F${w} b${v} = loadf_${w}(from + column${v});`)
      if (tiles > 1) lines.push(`    storef_${w}(out + ${v * w}, b${v});`)
    }
    if (tiles > 1) lines.push(`    out += ${columns};`)
  } else {
    for (let v = 0; v < vectors; v++) lines.push(`    const F${w} b${v} = loadf_${w}(b + ${v * w});`)
    lines.push(`    b += ${readsInPlace(plan) ? stepOf(b.rows) : columns};`)
  }
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
  // Called, not inlined: its loop wants all registers, and gets them back from vectors where what is around it holds some.
  const head = `static __attribute__((noinline)) void ${name}(${parameters}) {`
  if (isOwn) {
    const calls = Array.from({ length: tiles }, (_, tile) => {
      const count = Math.min(rows, m - tile * rows)
      return `  if (i == ${tile * rows}) { ${name}_rows(${passed}, ${tile * rows}, p, k0, k1, ${count}); return; }`
    })
    return [...lines, head, ...calls, '}'].join('\n')
  }
  const whenRest =
    rest === 0 ? '' : `  if (i + ${rows} > ${m}) { ${name}_rows(${passed}, i, p, k0, k1, ${rest}); return; }\n`
  return [...lines, head, `${whenRest}  ${name}_rows(${passed}, i, p, k0, k1, ${rows});`, '}'].join('\n')
}
