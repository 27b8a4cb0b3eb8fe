// Matrix products in C: b packed in panels of a tile's width, a read as it lies or staged, sums in registers.
import type { ContractionStatement, PackStatement, Panel } from '../../compiler/ir.ts'
import { bf16Form } from './bf16.ts'
import { dotsFunction } from './dots.ts'
import { floatForm } from './floatTile.ts'
import { scalarIndex } from './lanes.ts'
import { type ContractionContext, type Form, type Plan, panelColumns, panelsOf } from './plan.ts'
import { addendParameter, addendPassed } from './storeRow.ts'

const formOf = (plan: Plan, context: ContractionContext): Form =>
  plan.bf16 ? bf16Form(plan, plan.bf16, context) : floatForm(plan, context)

export function packText(statement: PackStatement, context: ContractionContext, indent: string): string[] {
  const plan = context.packs.get(statement.name)
  // The operand that is read as it lies needs no packing.
  if (!plan) return []
  const { sumBlock, words, packer } = formOf(plan, context)
  const size = panelsOf(plan) * panelColumns(plan)
  plan.prepacked = context.sharedSpace(size * words(plan.k))
  if (context.kept.has(statement.name)) context.kept.set(statement.name, plan.prepacked)
  const pack = packer()
  const lines: string[] = []
  for (let from = 0; from < plan.k; from += sumBlock) {
    const to = Math.min(plan.k, from + sumBlock)
    const target = `${plan.prepacked} + ${size * words(from)}`
    lines.push(
      `${indent}${pack}(${plan.b.buffer} + ${scalarIndex(statement.panel.base)}, ${target}, ${from}, ${to}, 0, ${panelsOf(plan)});`,
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
  if (plan.b.packed !== null) plan.prepacked ??= context.kept.get(plan.b.packed) ?? null
  const product = plan.dots === null ? productFunction(plan, context) : dotsFunction(plan, plan.dots, context)
  const { a, b, c, plus } = plan
  const at = (panel: Panel) => `${panel.buffer} + ${scalarIndex(panel.base)}`
  return [
    `${indent}${product}(${at(a)}, ${at(b)}, ${at(c)}, ${plus ? `${at(plus)}, ` : ''}${plan.prepacked ?? 'NULL'}, thread, ${part});`,
  ]
}

function productFunction(plan: Plan, context: ContractionContext): string {
  const { m, n, k } = plan
  const form = formOf(plan, context)
  const { sumBlock, columnBlock, words, depth } = form
  const columns = panelColumns(plan)
  const panels = panelsOf(plan)
  const full = Math.floor(n / columns)
  const blockPanels = Math.max(1, Math.floor(columnBlock / columns))
  const pack = plan.prepacked === null ? form.packer() : null
  const packing = plan.prepacked === null && form.packingTile ? form.packingTile() : null
  const asking = form.askingTile && (form.asksAhead || plan.next.length > 0) ? form.askingTile() : null
  const space = pack && context.blockSpace(words(Math.min(k, sumBlock)) * columns * Math.min(panels, blockPanels))
  const tile = form.tile()
  const stage = form.stage()
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
  if (pack) {
    lines.push(`    for (int p0 = pFrom; p0 < pTo; p0 += ${blockPanels}) {`)
    lines.push(`      const int p1 = p0 + ${blockPanels} < pTo ? p0 + ${blockPanels} : pTo;`)
    lines.push(`      float *space = ${space};`)
    // The tiles of the first rows pack what panels are full.
    if (!packing) lines.push(`      ${pack}(b, space, k0, k1, p0, p1);`)
    else if (full < panels)
      lines.push(
        `      if (p1 > ${full}) ${pack}(b, space + (${full} - p0) * ${depth} * ${columns}, k0, k1, ${full}, p1);`,
      )
  } else {
    lines.push(`    { const int p0 = pFrom, p1 = pTo;`)
    lines.push(
      `      const float *space = packed + k0 * ${(panels * columns * words(sumBlock)) / sumBlock} + pFrom * ${depth} * ${columns};`,
    )
  }
  lines.push(`      for (int i = iFrom; i < iTo; i += ${plan.tile.rows}) {`)
  lines.push(...stage)
  const addend = addendPassed(plan)
  const panel = `space + (p - p0) * ${depth} * ${columns}`
  lines.push('        for (int p = p0; p < p1; p++) {')
  if (plan.next.length > 0) lines.push(`          const int call = i / ${plan.tile.rows} * ${panels} + p;`)
  if (packing) {
    const isFull = full < panels ? ` && p < ${full}` : ''
    lines.push(
      `          if (i == iFrom${isFull}) ${packing}(${form.source}, b, ${panel}, c, ${addend}i, p, k0, k1); else`,
    )
  }
  if (asking && form.asksAhead) {
    const { rows } = plan.tile
    const last = `i + ${2 * rows - 1} < ${m} ? i + ${2 * rows - 1} : ${m - 1}`
    const ahead = `a + ${context.tables.nameOf(plan.a.rows)}[${last}], ${context.tables.nameOf(plan.a.columns)}`
    lines.push(
      `          if (p + 1 == p1 && i + ${rows} < iTo) ${asking}(${form.source}, ${panel}, ${ahead}, c, ${addend}i, p, k0, k1); else`,
    )
  }
  if (asking) {
    // As many tiles as it takes, one after the other.
    let from = packing ? panels : 0
    for (const { side, step, lines: table } of plan.next) {
      const to = from + table.length / k
      const ahead = `${side} + ${step}, ${context.tables.nameOf(table)} + (call - ${from}) * ${k}`
      lines.push(
        `          if (call < ${to}) ${asking}(${form.source}, ${panel}, ${ahead}, c, ${addend}i, p, k0, k1); else`,
      )
      from = to
    }
  }
  lines.push(`          ${tile}(${form.source}, ${panel}, c, ${addend}i, p, k0, k1);`, '        }', '      }')
  lines.push('    }', '  }')
  return context.define('product', (name) =>
    [
      `static void ${name}(const float *restrict a, const float *restrict b, float *restrict c, ${addendParameter(plan)}const float *restrict packed, int thread, int part, int parts) {`,
      ...lines,
      '}',
    ].join('\n'),
  )
}
