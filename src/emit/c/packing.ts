// The packed operand of a product: panels of a tile's width, in f32.
import { type ContractionContext, type Plan, packingOf, panelColumns } from './plan.ts'
import { isRun, runLength } from './tables.ts'

/**
 * Packs columns of panels `p0 … p1` and summands `k0 … k1` of b: panel after panel, in each a row of columns a summand,
 * filled up with zeros.
 */
export function packFunction(plan: Plan, context: ContractionContext): string {
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
export function transposeFunction(name: string, w: number): string {
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
