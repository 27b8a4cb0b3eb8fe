// Matrix products in C: b packed in panels of a tile's width, a read as it lies, sums in registers.
import type { ContractionStatement, PackStatement, Panel, Statement } from '../../compiler/ir.ts'
import { scalarIndex } from './lanes.ts'
import { stepOf, type Tables } from './tables.ts'
import { chooseTile, columnBlock, sumBlock, type Tile } from './tiles.ts'

export interface ContractionContext {
  readonly tables: Tables
  /** Vector widths in f32 lanes, widest first; the last is 1. */
  readonly widths: readonly number[]
  readonly plans: ReadonlyMap<ContractionStatement, Plan>
  readonly packs: ReadonlyMap<string, Plan>
  /** Adds a function to the file; gives its name. */
  define(prefix: string, text: (name: string) => string): string
  /** Static memory of so many floats for all threads; gives its name. */
  sharedSpace(length: number): string
  /** Memory that is free again when a product is done, shared by all of a thread's products. */
  blockSpace(length: number): string
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
  readonly width: number
  readonly tile: Tile
  /** The workspace in which `pack` has put b whole; null when each block is packed as it comes. */
  prepacked: string | null
}

/** Decides how each contraction of a kernel runs, and which of its operands the `pack` statements before it prepare. */
export function planContractions(
  body: readonly Statement[],
  width: number,
): { readonly plans: Map<ContractionStatement, Plan>; readonly packs: Map<string, Plan> } {
  const plans = new Map<ContractionStatement, Plan>()
  const packs = new Map<string, Plan>()
  const visit = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      if (statement.kind === 'loop') visit(statement.body)
      if (statement.kind !== 'contraction') continue
      const plan = planOf(statement, width)
      plans.set(statement, plan)
      if (plan.b.packed !== null) packs.set(plan.b.packed, plan)
    }
  }
  visit(body)
  return { plans, packs }
}

function planOf(statement: ContractionStatement, width: number): Plan {
  const { m, n, k, a, b, c, add } = statement
  const flip = (panel: Panel): Panel => ({ ...panel, rows: panel.columns, columns: panel.rows })
  const asIs = { m, n, k, a, b, c, add }
  const turned = { m: n, n: m, k, a: flip(b), b: flip(a), c: flip(c), add }
  const chosen = costOf(turned, width) < costOf(asIs, width) ? turned : asIs
  return { ...chosen, width, tile: chooseTile(chosen.m, chosen.n, width), prepacked: null }
}

/** Cycles, roughly: multiply-adds, packing b, and writing c once a block of sums. */
function costOf(plan: Omit<Plan, 'width' | 'tile' | 'prepacked'>, width: number): number {
  const { m, n, k, b, c } = plan
  const way = packingOf(b, width)
  const perElement = way === 'copy' ? 0.15 : way === 'transpose' ? 0.5 : 1.5
  const packing = b.packed === null ? perElement * n * k : 0
  const contiguous = stepOf(c.columns) === 1 || n === 1
  const writing = m * n * Math.ceil(k / sumBlock) * (contiguous ? 0.2 : 1.5)
  return chooseTile(m, n, width).cost * k + packing + writing
}

/** How b gets into panels: neighbours in a row are copied, neighbours in a column transposed, anything else gathered. */
function packingOf(b: Panel, width: number): 'copy' | 'transpose' | 'gather' {
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

function isRun(offsets: Int32Array, at: number, length: number): boolean {
  for (let step = 1; step < length; step++) if (offsets[at + step] !== offsets[at] + step) return false
  return true
}

const panelColumns = (plan: Plan): number => plan.tile.vectors * plan.width
const panelsOf = (plan: Plan): number => Math.ceil(plan.n / panelColumns(plan))

export function packText(statement: PackStatement, context: ContractionContext, indent: string): string[] {
  const plan = context.packs.get(statement.name)
  // The operand that is read as it lies needs no packing.
  if (!plan) return []
  plan.prepacked = context.sharedSpace(panelsOf(plan) * panelColumns(plan) * plan.k)
  const packer = packFunction(plan, context)
  const lines: string[] = []
  for (let from = 0; from < plan.k; from += sumBlock) {
    const to = Math.min(plan.k, from + sumBlock)
    const target = `${plan.prepacked} + ${from * panelsOf(plan) * panelColumns(plan)}`
    lines.push(
      `${indent}${packer}(${plan.b.buffer} + ${scalarIndex(statement.panel.base)}, ${target}, ${from}, ${to}, 0, ${panelsOf(plan)});`,
    )
  }
  return lines
}

export function contractionText(
  statement: ContractionStatement,
  context: ContractionContext,
  indent: string,
  part = '0, 1',
): string[] {
  const plan = context.plans.get(statement)!
  const product = productFunction(plan, context)
  const { a, b, c } = plan
  const at = (panel: Panel) => `${panel.buffer} + ${scalarIndex(panel.base)}`
  return [`${indent}${product}(${at(a)}, ${at(b)}, ${at(c)}, ${plan.prepacked ?? 'NULL'}, thread, ${part});`]
}

/**
 * Packs columns of panels `p0 … p1` and summands `k0 … k1` of b: panel after panel, in each a row of columns a summand,
 * filled up with zeros.
 */
function packFunction(plan: Plan, context: ContractionContext): string {
  const { b, n, k, width: w } = plan
  const columns = panelColumns(plan)
  const rowTable = context.tables.nameOf(b.rows)
  const columnTable = context.tables.nameOf(b.columns)
  const way = packingOf(b, w)
  const fullPanels = Math.floor(n / columns)
  const lines: string[] = []
  const gather = (from: string, to: string) =>
    `packGather(b, ${rowTable}, column, out + (${from} - k0) * ${columns}, ${from}, ${to}, count, ${columns});`
  lines.push(`  for (int p = p0; p < p1; p++, out += (k1 - k0) * ${columns}) {`)
  lines.push(`    const int32_t *column = ${columnTable} + p * ${columns};`)
  if (way === 'copy') {
    const run = runLength(b.columns.subarray(0, fullPanels * columns), [columns, w, 8, 4])
    if (run > 1) {
      lines.push(`    if (p < ${fullPanels}) {`)
      lines.push('      for (int k = k0; k < k1; k++) {')
      lines.push(`        const float *row = b + ${rowTable}[k]; float *to = out + (k - k0) * ${columns};`)
      for (let at = 0; at < columns; at += run)
        lines.push(`        memcpy(to + ${at}, row + column[${at}], ${run * 4});`)
      lines.push('      }', '      continue;', '    }')
    } else if (w > 4) {
      // Where runs are broken within a panel, what there is of runs of four is copied.
      const pieces = Math.floor(n / 4)
      const flags = context.tables.nameOf(
        Int32Array.from({ length: pieces }, (_, q) => (isRun(b.columns, q * 4, 4) ? 1 : 0)),
      )
      lines.push(`    if (p < ${fullPanels}) {`)
      lines.push(`      for (int q = 0; q < ${columns / 4}; q++) {`)
      lines.push(`        if (${flags}[p * ${columns / 4} + q])`)
      lines.push(
        `          for (int k = k0; k < k1; k++) storef_4(out + (k - k0) * ${columns} + q * 4, loadf_4(b + ${rowTable}[k] + column[q * 4]));`,
      )
      lines.push('        else')
      lines.push(
        `          for (int k = k0; k < k1; k++) for (int j = 0; j < 4; j++) out[(k - k0) * ${columns} + q * 4 + j] = b[${rowTable}[k] + column[q * 4 + j]];`,
      )
      lines.push('      }', '      continue;', '    }')
    }
  }
  lines.push(`    const int count = ${n} - p * ${columns} < ${columns} ? ${n} - p * ${columns} : ${columns};`)
  if (way === 'transpose') {
    const blocks = Math.floor(k / w)
    const good = Array.from({ length: blocks }, (_, q) => (isRun(b.rows, q * w, w) ? 1 : 0))
    const flags = good.every(Boolean) ? null : context.tables.nameOf(Int32Array.from(good))
    const transpose = context.define(`transpose${w}_`, (name) => transposeFunction(name, w))
    lines.push('    int k = k0;')
    lines.push(`    for (; k + ${w} <= k1; k += ${w}) {`)
    // Blocks of sums begin at multiples of the width, so that the flags fit.
    lines.push(`      if (${flags ? `${flags}[k / ${w}]` : '1'}) {`)
    lines.push(`        float *to = out + (k - k0) * ${columns}; const float *from = b + ${rowTable}[k];`)
    for (let v = 0; v < plan.tile.vectors; v++) {
      lines.push(`        ${transpose}(from, column + ${v * w}, count - ${v * w}, to + ${v * w}, ${columns});`)
    }
    lines.push(`      } else ${gather('k', `k + ${w}`)}`)
    lines.push('    }', `    ${gather('k', 'k1')}`)
  } else lines.push(`    ${gather('k0', 'k1')}`)
  lines.push('  }')
  return context.define('pack', (name) =>
    [
      `static void ${name}(const float *restrict b, float *restrict out, int k0, int k1, int p0, int p1) {`,
      ...lines,
      '}',
    ].join('\n'),
  )
}

/** Turns w columns of w neighbours each into w rows, by log2(w) rounds of exchanges. */
function transposeFunction(name: string, w: number): string {
  const lines = Array.from(
    { length: w },
    (_, l) => `  F${w} r0_${l} = ${l} < count ? loadf_${w}(from + column[${l}]) : (F${w}){};`,
  )
  let round = 0
  for (let step = 1; step < w; step *= 2, round++) {
    for (let l = 0; l < w; l++) {
      const partner = l ^ step
      const low = l < partner
      const [first, second] = low ? [l, partner] : [partner, l]
      const mask = Array.from({ length: w }, (_, lane) => {
        const upper = (lane & step) !== 0
        if (low) return upper ? w + lane - step : lane
        return upper ? w + lane : lane + step
      })
      lines.push(
        `  F${w} r${round + 1}_${l} = SHUFFLE(I${w}, r${round}_${first}, r${round}_${second}, ${mask.join(', ')});`,
      )
    }
  }
  for (let l = 0; l < w; l++) lines.push(`  storef_${w}(out + ${l} * stride, r${round}_${l});`)
  return [
    `static inline void ${name}(const float *restrict from, const int32_t *restrict column, int count, float *restrict out, int stride) {`,
    '  if (count <= 0) {',
    `    for (int l = 0; l < ${w}; l++) storef_${w}(out + l * stride, (F${w}){});`,
    '    return;',
    '  }',
    ...lines,
    '}',
  ].join('\n')
}

function productFunction(plan: Plan, context: ContractionContext): string {
  const { m, k } = plan
  const columns = panelColumns(plan)
  const panels = panelsOf(plan)
  const blockPanels = Math.max(1, Math.floor(columnBlock / columns))
  const blocks = plan.prepacked === null
  const packer = blocks ? packFunction(plan, context) : null
  const space = blocks ? context.blockSpace(Math.min(k, sumBlock) * columns * Math.min(panels, blockPanels)) : null
  const way = stagingOf(plan)
  const tile = context.define('tile', (tileName) => tileFunction(tileName, plan, way, context))
  const tiles = Math.ceil(m / plan.tile.rows)
  const byPanels = panels >= tiles
  const lines: string[] = [
    // Each thread takes some panels of columns, or some tiles of rows.
    byPanels
      ? `  const int pFrom = (int)((int64_t)${panels} * part / parts), pTo = (int)((int64_t)${panels} * (part + 1) / parts), iFrom = 0, iTo = ${m};`
      : `  const int pFrom = 0, pTo = ${panels}, iFrom = (int)((int64_t)${tiles} * part / parts) * ${plan.tile.rows}, iTo = part + 1 == parts ? ${m} : (int)((int64_t)${tiles} * (part + 1) / parts) * ${plan.tile.rows};`,
  ]
  lines.push(`  for (int k0 = 0; k0 < ${k}; k0 += ${sumBlock}) {`)
  lines.push(`    const int k1 = k0 + ${sumBlock} < ${k} ? k0 + ${sumBlock} : ${k};`)
  if (blocks) {
    lines.push(`    for (int p0 = pFrom; p0 < pTo; p0 += ${blockPanels}) {`)
    lines.push(`      const int p1 = p0 + ${blockPanels} < pTo ? p0 + ${blockPanels} : pTo;`)
    lines.push(`      float *space = ${space};`)
    lines.push(`      ${packer}(b, space, k0, k1, p0, p1);`)
  } else {
    lines.push(`    { const int p0 = pFrom, p1 = pTo;`)
    lines.push(`      const float *space = packed + k0 * ${panels * columns} + pFrom * (k1 - k0) * ${columns};`)
  }
  lines.push(`      for (int i = iFrom; i < iTo; i += ${plan.tile.rows}) {`)
  if (way !== 'direct') lines.push(...stageLines(plan, way, context))
  lines.push(
    `        for (int p = p0; p < p1; p++) ${tile}(${way === 'direct' ? 'a' : 'stage'}, space + (p - p0) * (k1 - k0) * ${columns}, c, i, p, k0, k1);`,
    '      }',
  )
  lines.push('    }', '  }')
  return context.define('product', (name) =>
    [
      `static void ${name}(const float *restrict a, const float *restrict b, float *restrict c, const float *restrict packed, int thread, int part, int parts) {`,
      ...lines,
      '}',
    ].join('\n'),
  )
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

/** The first of some lengths that cuts the offsets into runs of neighbours; 1 where none does. */
function runLength(offsets: Int32Array, lengths: readonly number[]): number {
  const fits = (length: number): boolean => {
    if (offsets.length % length !== 0) return false
    for (let at = 0; at < offsets.length; at += length) if (!isRun(offsets, at, length)) return false
    return true
  }
  return offsets.length === 0 ? 1 : (lengths.find(fits) ?? 1)
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

/** Up to so many tiles of rows get code of their own. */
const maxOwnTiles = 4

/** One register tile: rows `i …` of a times one panel of b, over summands `k0 … k1`; added to c unless they are the first. */
function tileFunction(name: string, plan: Plan, way: Staging, context: ContractionContext): string {
  const { m, n, a, c, width: w } = plan
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
  const contiguous = stepOf(c.columns) === 1 || n === 1
  const adds = plan.add ? '1' : 'k0 > 0'
  const rowOffsets = context.tables.nameOf(c.rows)
  const columnOffsets = context.tables.nameOf(c.columns)
  const whole = n % columns === 0
  if (!whole || !contiguous)
    lines.push(`  const int count = ${n} - p * ${columns} < ${columns} ? ${n} - p * ${columns} : ${columns};`)
  for (let r = 0; r < rows; r++) {
    lines.push(`  if (${r} < rows) {`)
    const store: string[] = []
    for (let v = 0; v < vectors; v++) {
      store.push(`storef_${w}(to + ${v * w}, ${adds} ? loadf_${w}(to + ${v * w}) + s${r}_${v} : s${r}_${v});`)
    }
    if (contiguous) lines.push(`    float *to = c + ${rowOffsets}[i + ${r}] + ${c.columns[0]} + p * ${columns};`)
    if (contiguous && whole) lines.push(`    ${store.join(' ')}`)
    else {
      if (contiguous) lines.push(`    if (count == ${columns}) { ${store.join(' ')} } else {`)
      else lines.push('    {')
      lines.push(`      float part[${columns}];`)
      for (let v = 0; v < vectors; v++) lines.push(`      storef_${w}(part + ${v * w}, s${r}_${v});`)
      const target = contiguous ? 'to[j]' : `c[${rowOffsets}[i + ${r}] + ${columnOffsets}[p * ${columns} + j]]`
      lines.push(`      for (int j = 0; j < count; j++) ${target} = ${adds} ? ${target} + part[j] : part[j];`)
      lines.push('    }')
    }
    lines.push('  }')
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
