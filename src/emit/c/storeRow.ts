// How a tile's sums get into c.
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
export function resultRow({ c }: Plan, row: string, context: ContractionContext): string {
  const step = stepOf(c.rows)
  return step === null ? `${context.tables.nameOf(c.rows)}[${row}]` : `${c.rows[0]} + (${row}) * (int64_t)${step}`
}

/** Writes the sums of one row of c, a vector each, or adds them: to what was there, or to the sums of the summands before. */
export function storeRow(plan: Plan, row: string, sums: readonly string[], context: ContractionContext): string[] {
  const { n, c, width: w } = plan
  const columns = panelColumns(plan)
  const contiguous = isContiguous(plan)
  const adds = plan.add ? '1' : 'k0 > 0'
  const whole = n % columns === 0
  const rowOffset = resultRow(plan, row, context)
  const columnOffsets = context.tables.nameOf(c.columns)
  const store = sums
    .map((sum, v) => `storef_${w}(to + ${v * w}, ${adds} ? loadf_${w}(to + ${v * w}) + ${sum} : ${sum});`)
    .join(' ')
  const lines: string[] = []
  if (contiguous) lines.push(`    float *to = c + ${rowOffset} + ${c.columns[0]} + p * ${columns};`)
  if (contiguous && whole) return [...lines, `    ${store}`]
  if (contiguous)
    return [...lines, `    if (count == ${columns}) { ${store} } else { ${lastColumns(plan, sums, adds)} }`]
  lines.push('    {', `      float part[${columns}];`)
  for (const [v, sum] of sums.entries()) lines.push(`      storef_${w}(part + ${v * w}, ${sum});`)
  const target = `c[${rowOffset} + ${columnOffsets}[p * ${columns} + j]]`
  lines.push(`      for (int j = 0; j < count; j++) ${target} = ${adds} ? ${target} + part[j] : part[j];`, '    }')
  return lines
}

/** The columns of the last panel, fewer than the others have. */
function lastColumns(plan: Plan, sums: readonly string[], adds: string): string {
  const w = plan.width
  const rest = plan.n % panelColumns(plan)
  const stores = sums.slice(0, Math.ceil(rest / w)).map((sum, v) => {
    const count = Math.min(w, rest - v * w)
    const to = `to + ${v * w}`
    if (count === w) return `storef_${w}(${to}, ${adds} ? loadf_${w}(${to}) + ${sum} : ${sum});`
    const mask = `firstm_${w}(${count})`
    return `storeMaskedf_${w}(${to}, ${adds} ? loadMaskedf_${w}(${to}, ${mask}) + ${sum} : ${sum}, ${mask});`
  })
  return stores.join(' ')
}
