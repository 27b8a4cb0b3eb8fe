// Matrix products in C: b packed in panels of a tile's width, a read as it lies or staged, sums in registers.
import type { ContractionStatement, PackStatement, Panel } from '../../compiler/ir.ts'
import { stageLines, stagingOf, tileFunction } from './floatTile.ts'
import { scalarIndex } from './lanes.ts'
import { packFunction } from './packing.ts'
import { type ContractionContext, type Plan, panelColumns, panelsOf } from './plan.ts'
import { columnBlock, sumBlock } from './tiles.ts'

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
