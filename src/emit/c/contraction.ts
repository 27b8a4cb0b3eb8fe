// Matrix products in C: b packed in panels of a tile's width, a read as it lies or staged, sums in registers.
import type { ContractionStatement, PackStatement, Panel } from '../../compiler/ir.ts'
import { bf16Form } from './bf16.ts'
import { dotsFunction } from './dots.ts'
import { readsInPlace } from './floatPlan.ts'
import { floatForm, followingSteps } from './floatTile.ts'
import { scalarIndex } from './lanes.ts'
import { type ContractionContext, type Form, type Plan, panelColumns, panelsOf } from './plan.ts'
import { addendParameter } from './storeRow.ts'
import { stepOf } from './tables.ts'

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
  const next = nextOf(plan).map(({ part }) => `, ${part.buffer} + ${scalarIndex(part.start)}`)
  return [
    `${indent}${product}(${at(a)}, ${at(b)}, ${at(c)}, ${plus ? `${at(plus)}, ` : ''}${plan.prepacked ?? 'NULL'}, thread, ${part}${next.join('')});`,
  ]
}

/** What comes from memory while the product multiplies. */
const nextOf = (plan: Plan): ReturnType<typeof followingSteps> => (plan.dots || plan.bf16 ? [] : followingSteps(plan))

function productFunction(plan: Plan, context: ContractionContext): string {
  const form = formOf(plan, context)
  const lines = form.order === 'panels' ? panelByPanel(plan, form, context) : rowsByRows(plan, form, context)
  return context.define('product', (name) =>
    [
      `static void ${name}(const float *restrict a, const float *restrict b, float *restrict c, ${addendParameter(plan)}const float *restrict packed, int thread, int part, int parts${nextParameters(plan)}) {`,
      ...partLines(plan),
      ...lines,
      '}',
    ].join('\n'),
  )
}

const nextParameters = (plan: Plan): string =>
  nextOf(plan)
    .map((_, at) => `, const float *next${at}`)
    .join('')

/** The call of a tile's function, as C text; each goes on where the one before has stopped asking. */
function tileCall(plan: Plan, tile: string, operands: readonly string[]): string {
  const next = nextOf(plan).map((_, at) => `next${at}`)
  return `${tile}(${[...operands, ...next, 'c', ...(plan.plus ? ['plus'] : []), 'i', 'p', 'k0', 'k1'].join(', ')});`
}

const goOn = (plan: Plan): string[] =>
  nextOf(plan).map(({ numbers }, at) => `          next${at} += (k1 - k0) * ${numbers};`)

/** Each thread takes some panels of columns, or some tiles of rows. */
function partLines(plan: Plan): string[] {
  const { m } = plan
  const { rows } = plan.tile
  const panels = panelsOf(plan)
  const tiles = Math.ceil(m / rows)
  return [
    panels >= tiles
      ? `  const int pFrom = (int)((int64_t)${panels} * part / parts), pTo = (int)((int64_t)${panels} * (part + 1) / parts), iFrom = 0, iTo = ${m};`
      : `  const int pFrom = 0, pTo = ${panels}, iFrom = (int)((int64_t)${tiles} * part / parts) * ${rows}, iTo = part + 1 == parts ? ${m} : (int)((int64_t)${tiles} * (part + 1) / parts) * ${rows};`,
  ]
}

/** Loops over blocks of sums. */
const sumLines = ({ k }: Plan, { sumBlock }: Form): string[] => [
  `  for (int k0 = 0; k0 < ${k}; k0 += ${sumBlock}) {`,
  `    const int k1 = k0 + ${sumBlock} < ${k} ? k0 + ${sumBlock} : ${k};`,
]

/** A block of b is packed, and multiplied by one tile of rows after the other. */
function rowsByRows(plan: Plan, form: Form, context: ContractionContext): string[] {
  const { sumBlock, columnBlock, words, depth } = form
  const columns = panelColumns(plan)
  const panels = panelsOf(plan)
  const full = Math.floor(plan.n / columns)
  const blockPanels = Math.max(1, Math.floor(columnBlock / columns))
  const inPlace = readsInPlace(plan)
  const isPacked = inPlace || plan.prepacked !== null
  const pack = isPacked ? null : form.packer()
  const packing = !isPacked && form.packingTile ? form.packingTile() : null
  const asking = form.askingTile ? form.askingTile() : null
  const space = pack && context.blockSpace(words(Math.min(plan.k, sumBlock)) * columns * Math.min(panels, blockPanels))
  const tile = form.tile()
  const stage = form.stage(null)
  const lines = sumLines(plan, form)
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
  } else if (inPlace) {
    const first = plan.b.rows[0] + plan.b.columns[0]
    lines.push(`    { const int p0 = pFrom, p1 = pTo;`)
    lines.push(`      const float *space = b + ${first} + k0 * ${stepOf(plan.b.rows)};`)
  } else {
    lines.push(`    { const int p0 = pFrom, p1 = pTo;`)
    lines.push(
      `      const float *space = packed + k0 * ${(panels * columns * words(sumBlock)) / sumBlock} + pFrom * ${depth} * ${columns};`,
    )
  }
  lines.push(`      for (int i = iFrom; i < iTo; i += ${plan.tile.rows}) {`)
  lines.push(...stage)
  const panel = inPlace ? `space + p * ${columns}` : `space + (p - p0) * ${depth} * ${columns}`
  lines.push('        for (int p = p0; p < p1; p++) {')
  if (form.roundTile) lines.push(`          const int call = i / ${plan.tile.rows} * ${panels} + p;`)
  if (packing) {
    const isFull = full < panels ? ` && p < ${full}` : ''
    lines.push(`          if (i == iFrom${isFull}) ${tileCall(plan, packing, [form.source, 'b', panel])} else`)
  }
  if (asking)
    lines.push(`          if (${asking.if}) ${tileCall(plan, asking.name, [form.source, panel, asking.ahead])} else`)
  const { k } = plan
  if (form.roundTile) {
    // As many tiles as it takes, one after the other.
    const name = form.roundTile()
    let from = packing ? panels : 0
    for (const { side, step, lines: table } of plan.nextRound) {
      const to = from + table.length / k
      const ahead = `${side} + ${step}, ${context.tables.nameOf(table)} + (call - ${from}) * ${k}`
      lines.push(
        `          if (call >= ${from} && call < ${to}) ${tileCall(plan, name, [form.source, panel, ahead])} else`,
      )
      from = to
    }
  }
  lines.push(`          ${tileCall(plan, tile, [form.source, panel])}`, ...goOn(plan), '        }', '      }')
  return [...lines, '    }', '  }']
}

/** All rows of a block of sums are copied where they are not read as they lie; then each panel of b meets all of them. */
function panelByPanel(plan: Plan, form: Form, context: ContractionContext): string[] {
  const { sumBlock, words, stageLength } = form
  const { rows } = plan.tile
  const columns = panelColumns(plan)
  const full = Math.floor(plan.n / columns)
  const packing = form.packingTile!()
  const asking = form.askingTile!()
  const tile = form.tile()
  const panelLength = words(Math.min(plan.k, sumBlock)) * columns
  const space = context.blockSpace(panelLength + Math.ceil(plan.m / rows) * stageLength)
  const stageOf = `space + ${panelLength} + i / ${rows} * ${stageLength}`
  const source = stageLength > 0 ? 'stage' : 'a'
  const lines = [`  float *space = ${space};`, ...sumLines(plan, form)]
  if (stageLength > 0) lines.push(`    for (int i = iFrom; i < iTo; i += ${rows}) {`, ...form.stage(stageOf), '    }')
  lines.push('    for (int p = pFrom; p < pTo; p++) {')
  // The tiles of the first rows pack what panels are full.
  if (full < panelsOf(plan)) lines.push(`      if (p == ${full}) ${form.packer()}(b, space, k0, k1, p, p + 1);`)
  const isFull = full < panelsOf(plan) ? ` && p < ${full}` : ''
  lines.push(`      for (int i = iFrom; i < iTo; i += ${rows}) {`)
  if (stageLength > 0) lines.push(`        const float *stage = ${stageOf};`)
  lines.push(
    `        if (i == iFrom${isFull}) ${tileCall(plan, packing, [source, 'b', 'space'])} else`,
    `        if (${asking.if}) ${tileCall(plan, asking.name, [source, 'space', asking.ahead])} else`,
    `        ${tileCall(plan, tile, [source, 'space'])}`,
    ...goOn(plan),
    '      }',
  )
  return [...lines, '    }', '  }']
}
