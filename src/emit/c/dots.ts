// Products of few columns over many summands that lie next to each other in both operands: sums run in lanes, and nothing is
// packed.
import type { ContractionContext, Plan, Product } from './plan.ts'
import { stepOf } from './tables.ts'

/** Sums of a tile, of which each takes a register; what is left is for the operands. */
const mostSums = 26
const mostRows = 6
const mostColumns = 13
/** Numbers of b that a block of summands takes: they stay in the first cache beside a's. */
const blockNumbers = 6144
/** Rows whose unfinished sums wait for the next block of summands. */
const rowBlock = 48

/** Rows of a tile of dot products; null where the product is none, or would take longer so. */
export function dotRows({ m, n, k, a, b }: Product, width: number, costOfTiles: number): number | null {
  const isDot = stepOf(a.columns) === 1 && stepOf(b.rows) === 1 && a.packed === null && b.packed === null
  if (!isDot || width === 1 || n > mostColumns || k < 16 * width) return null
  const rows = Math.min(m, mostRows, Math.max(1, Math.floor(mostSums / n)))
  const step = Math.max(rows * n, rows + n, 4)
  const adding = m * n * (8 + Math.ceil((k * n) / blockNumbers))
  return Math.ceil(m / rows) * (k / width) * (step + 1) + adding < costOfTiles ? rows : null
}

/** The C function of a product as dots: of the thread's part of the rows. */
export function dotsFunction(plan: Plan, rows: number, context: ContractionContext): string {
  const { m, n, k, a, c, add, width: w } = plan
  const rowTable = context.tables.nameOf(a.rows)
  const resultTable = context.tables.nameOf(c.rows)
  const whole = Math.floor(k / w) * w
  const block = Math.max(1, Math.floor(blockNumbers / n / w)) * w
  const space = context.blockSpace(Math.min(m, rowBlock + rows) * n * w)
  const tile = context.define('dots', (name) => tileText(name, plan, rows, rowTable))
  const tiles = Math.ceil(m / rows)
  const rest = m % rows
  const call = (count: number) => `${tile}(a, b, space + (i - i0) * ${n * w}, i, k0, k1, ${count});`
  const lines = [
    `  float *space = ${space};`,
    `  const int iFrom = (int)((int64_t)${tiles} * part / parts) * ${rows}, iTo = part + 1 == parts ? ${m} : (int)((int64_t)${tiles} * (part + 1) / parts) * ${rows};`,
    `  for (int i0 = iFrom, i1; i0 < iTo; i0 = i1) {`,
    `    i1 = i0 + ${Math.floor(rowBlock / rows) * rows} < iTo ? i0 + ${Math.floor(rowBlock / rows) * rows} : iTo;`,
    `    for (int k0 = 0; k0 < ${whole}; k0 += ${block}) {`,
    `      const int k1 = k0 + ${block} < ${whole} ? k0 + ${block} : ${whole};`,
    `      for (int i = i0; i < i1; i += ${rows}) {`,
    rest === 0 ? `        ${call(rows)}` : `        if (i + ${rows} > ${m}) ${call(rest)} else ${call(rows)}`,
    '      }',
    '    }',
    `    for (int i = i0; i < i1; i++) {`,
    `      float *to = c + ${resultTable}[i];`,
  ]
  for (let j = 0; j < n; j++) {
    const sum = `sumf_${w}(loadf_${w}(space + (i - i0) * ${n * w} + ${j * w}))`
    lines.push(`      { float s = ${sum};`)
    if (whole < k) {
      const element = `a[${rowTable}[i] + ${a.columns[0]} + k]`
      lines.push(`        for (int k = ${whole}; k < ${k}; k++) s = fma_1(${element}, b[${offsetOf(plan, j)} + k], s);`)
    }
    lines.push(`        to[${c.columns[j]}] = ${add ? `to[${c.columns[j]}] + s` : 's'}; }`)
  }
  lines.push('    }', '  }')
  return context.define('product', (name) =>
    [
      `static void ${name}(const float *restrict a, const float *restrict b, float *restrict c, const float *restrict packed, int thread, int part, int parts) {`,
      ...lines,
      '}',
    ].join('\n'),
  )
}

const offsetOf = ({ b }: Plan, column: number): number => b.columns[column] + b.rows[0]

/** Sums of `rows` rows and all columns over a block of summands, taken up where the block before left them. */
function tileText(name: string, plan: Plan, rows: number, rowTable: string): string {
  const { n, a, width: w } = plan
  const columns = Array.from({ length: n }, (_, j) => j)
  const lines = [
    `static inline __attribute__((always_inline)) void ${name}(const float *restrict a, const float *restrict b, float *restrict sums, int i, int k0, int k1, const int rows) {`,
  ]
  for (let r = 0; r < rows; r++) {
    lines.push(`  const float *a${r} = a + ${rowTable}[${r} < rows ? i + ${r} : i] + ${a.columns[0]};`)
    for (const j of columns)
      lines.push(`  F${w} s${r}_${j} = k0 > 0 && ${r} < rows ? loadf_${w}(sums + ${(r * n + j) * w}) : (F${w}){};`)
  }
  lines.push(`  for (int k = k0; k < k1; k += ${w}) {`)
  for (let r = 0; r < rows; r++) lines.push(`    const F${w} x${r} = loadf_${w}(a${r} + k);`)
  for (const j of columns) {
    lines.push(`    { const F${w} y = loadf_${w}(b + ${offsetOf(plan, j)} + k);`)
    for (let r = 0; r < rows; r++) lines.push(`      if (${r} < rows) s${r}_${j} = fma_${w}(x${r}, y, s${r}_${j});`)
    lines.push('    }')
  }
  lines.push('  }')
  for (let r = 0; r < rows; r++) {
    const stores = columns.map((j) => `storef_${w}(sums + ${(r * n + j) * w}, s${r}_${j});`)
    lines.push(`  if (${r} < rows) { ${stores.join(' ')} }`)
  }
  return [...lines, '}'].join('\n')
}
