// How a tile's sums get into c.
import type { Panel } from '../../compiler/ir.ts'
import { type ContractionContext, type Plan, panelColumns } from './plan.ts'
import { stepOf } from './tables.ts'

/** Declares `count`, the columns of panel `p`, where `storeRow` asks for it. */
export function columnCount(plan: Plan): string[] {
  const columns = panelColumns(plan)
  if (isContiguous(plan) && plan.n % columns === 0) return []
  const rest = `${plan.n} - p * ${columns}`
  return [`  const int count = ${rest} < ${columns} ? ${rest} : ${columns};`]
}

const isContiguous = ({ n, c }: Plan): boolean => stepOf(c.columns) === 1 || n === 1

/** Where a row of c begins, as C text: a table would take a register a row, and numbers take none. */
export const resultRow = ({ c }: Plan, row: string, context: ContractionContext): string => rowPlace(c, row, context)

function rowPlace({ rows }: Panel, row: string, context: ContractionContext): string {
  const step = stepOf(rows)
  return step === null ? `${context.tables.nameOf(rows)}[${row}]` : `${rows[0]} + (${row}) * (int64_t)${step}`
}

/** The sums of vector v of a row with what is added to them; of the row's last vector, as far as there are columns. */
function withAddend({ plus, width: w }: Plan, sum: string, v: number, mask: string | null = null): string {
  if (!plus) return sum
  if (stepOf(plus.columns) === 0) return `splatf_${w}(*from) + ${sum}`
  const from = `from + ${v * w}`
  return `${mask ? `loadMaskedf_${w}(${from}, ${mask})` : `loadf_${w}(${from})`} + ${sum}`
}

/** A parameter for what the sums are added to, behind c. */
export const addendParameter = ({ plus }: Plan): string => (plus ? 'const float *restrict plus, ' : '')

/** Writes the sums of one row of c, a vector each, or adds them: to what was there, or to the sums of the summands before. */
export function storeRow(plan: Plan, row: string, sums: readonly string[], context: ContractionContext): string[] {
  const { n, c, plus, width: w } = plan
  const columns = panelColumns(plan)
  const contiguous = isContiguous(plan)
  const adds = plan.add ? '1' : 'k0 > 0'
  const whole = n % columns === 0
  const rowOffset = resultRow(plan, row, context)
  const first = sums.map((sum, v) => withAddend(plan, sum, v))
  const columnOffsets = context.tables.nameOf(c.columns)
  const store = sums
    .map((sum, v) => `storef_${w}(to + ${v * w}, ${adds} ? loadf_${w}(to + ${v * w}) + ${sum} : ${first[v]});`)
    .join(' ')
  const lines: string[] = []
  if (contiguous) lines.push(`    float *to = c + ${rowOffset} + ${c.columns[0]} + p * ${columns};`)
  if (contiguous && plus) {
    const across = stepOf(plus.columns) === 1 ? ` + p * ${columns}` : ''
    lines.push(`    const float *from = plus + ${rowPlace(plus, row, context)} + ${plus.columns[0]}${across};`)
  }
  if (contiguous && whole) return [...lines, `    ${store}`]
  if (contiguous)
    return [...lines, `    if (count == ${columns}) { ${store} } else { ${lastColumns(plan, sums, first, adds)} }`]
  lines.push('    {', `      float part[${columns}];`)
  for (const [v, sum] of sums.entries()) lines.push(`      storef_${w}(part + ${v * w}, ${sum});`)
  const target = `c[${rowOffset} + ${columnOffsets}[p * ${columns} + j]]`
  const added = plus
    ? `plus[${rowPlace(plus, row, context)} + ${context.tables.nameOf(plus.columns)}[p * ${columns} + j]] + part[j]`
    : 'part[j]'
  lines.push(`      for (int j = 0; j < count; j++) ${target} = ${adds} ? ${target} + part[j] : ${added};`, '    }')
  return lines
}

/** The columns of the last panel, fewer than the others have. */
function lastColumns(plan: Plan, sums: readonly string[], first: readonly string[], adds: string): string {
  const w = plan.width
  const rest = plan.n % panelColumns(plan)
  const stores = sums.slice(0, Math.ceil(rest / w)).map((sum, v) => {
    const count = Math.min(w, rest - v * w)
    const to = `to + ${v * w}`
    if (count === w) return `storef_${w}(${to}, ${adds} ? loadf_${w}(${to}) + ${sum} : ${first[v]});`
    const mask = `firstm_${w}(${count})`
    const masked = withAddend(plan, sum, v, mask)
    return `storeMaskedf_${w}(${to}, ${adds} ? loadMaskedf_${w}(${to}, ${mask}) + ${sum} : ${masked}, ${mask});`
  })
  return stores.join(' ')
}
