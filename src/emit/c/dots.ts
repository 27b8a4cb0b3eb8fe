// Products over many summands that lie next to each other in both operands, in one run or in several: sums run in lanes, and
// nothing is packed.
import type { ContractionContext, Plan, Product } from './plan.ts'
import { addendParameter } from './storeRow.ts'
import { stepOf } from './tables.ts'

export interface DotTile {
  /** Rows and columns of results that are summed together. */
  readonly rows: number
  readonly columns: number
  /** Summands that lie next to each other in both operands. */
  readonly run: number
}

/** Sums of a tile, of which each takes a register; what is left is for the operands. */
const mostSums = 26
const mostRows = 6
/** More columns are better the lanes themselves. */
const mostColumns = 16
/** Columns that are summed together: all, or parts that are alike. */
const mostTogether = 13
const mostOfPart = 8
/** Numbers of b that a block of summands takes: they stay in the first cache beside a's. */
const blockNumbers = 6144
/** Rows whose unfinished sums wait for the next block of summands. */
const rowBlock = 48
/** Vectors of which lanes can be left out at the end of a run. */
const maskedWidth = 16

/** The tile of a product as dots; null where it is none, or would take longer so. */
export function dotTile(product: Product, width: number, costOfTiles: number): DotTile | null {
  const { m, n, k, a, b } = product
  if (width === 1 || n > mostColumns || k < 16 * width || a.packed !== null || b.packed !== null) return null
  const run = runOf(a.columns, b.rows)
  const isWhole = run === k || run % width === 0
  if (run < width || (!isWhole && width !== maskedWidth)) return null
  const vectors = run === k ? k / width : Math.ceil(run / width) * (k / run)
  let best: { readonly tile: DotTile; readonly cost: number } | null = null
  for (const columns of columnsOf(product)) {
    for (let rows = Math.min(m, mostRows, Math.max(1, Math.floor(mostSums / columns))); rows > 0; rows--) {
      const tile = { rows, columns, run }
      const steps = Math.floor(m / rows) * stepCost(rows, columns) + (m % rows ? stepCost(m % rows, columns) : 0)
      const blocks = (k / run) * Math.ceil(run / blockOf(tile, width))
      const cost = (n / columns) * vectors * steps + m * n * (8 + 2 * blocks)
      if (!best || cost < best.cost) best = { tile, cost }
    }
  }
  return best && best.cost < costOfTiles ? best.tile : null
}

/** Cycles for a vector of summands: multiply-adds, or loads, of which many take two lines of memory. */
const stepCost = (rows: number, columns: number): number => Math.max(rows * columns, 1.5 * (rows + columns), 4) + 1

/** Summands of a run that are multiplied at a time, in blocks that are about equal. */
function blockOf({ columns, run }: DotTile, width: number): number {
  const whole = Math.floor(run / width)
  const most = Math.max(1, Math.floor(blockNumbers / columns / width))
  return Math.ceil(whole / Math.ceil(whole / most)) * width
}

/** How many columns a tile may have. */
function columnsOf({ n, b }: Product): readonly number[] {
  const all = n <= mostTogether ? [n] : []
  if (stepOf(b.columns) === null) return all
  const parts = Array.from({ length: mostOfPart - 1 }, (_, at) => at + 2)
  return [...all, ...parts.filter((columns) => columns < n && n % columns === 0)]
}

/** The length of runs of neighbours that both lists of offsets consist of. */
function runOf(one: Int32Array, other: Int32Array): number {
  let length = divisor(firstRun(one), firstRun(other))
  for (const offsets of [one, other])
    for (let at = length; at < offsets.length; at++)
      if (at % length !== 0 && offsets[at] !== offsets[at - 1] + 1) length = divisor(length, at % length)
  return one.length % length === 0 ? length : 1
}

function firstRun(offsets: Int32Array): number {
  let length = 1
  while (length < offsets.length && offsets[length] === offsets[length - 1] + 1) length++
  return length
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))

/** The C function of a product as dots: of the thread's part of the rows. */
export function dotsFunction(plan: Plan, shape: DotTile, context: ContractionContext): string {
  const { m, n, k, a, b, c, add, plus, width: w } = plan
  const { rows, columns, run } = shape
  const nameOf = (offsets: Int32Array) => context.tables.nameOf(offsets)
  const addend = plus ? `plus[${nameOf(plus.rows)}[i] + ${nameOf(plus.columns)}[j]] + ` : ''
  const runs = k / run
  const whole = Math.floor(run / w) * w
  const block = blockOf(shape, w)
  const space = context.blockSpace(Math.min(m, rowBlock + rows) * n * w)
  const tiles = Math.ceil(m / rows)
  const rest = m % rows
  const tileOf = (count: number) =>
    context.define('dots', (name) => tileText(name, plan, { ...shape, rows: count }, context))
  const call = (count: number) =>
    `${tileOf(count)}(x, y + j * ${stepOf(b.columns) ?? 0}, space + ((i - i0) * ${n} + j) * ${w}, i, k0, k1, r > 0 || k0 > 0);`
  const starts = (offsets: Int32Array) => nameOf(offsets.filter((_, at) => at % run === 0))
  const lines = [
    `  float *space = ${space};`,
    `  const int iFrom = (int)((int64_t)${tiles} * part / parts) * ${rows}, iTo = part + 1 == parts ? ${m} : (int)((int64_t)${tiles} * (part + 1) / parts) * ${rows};`,
    '  for (int i0 = iFrom, i1; i0 < iTo; i0 = i1) {',
    `    i1 = i0 + ${Math.floor(rowBlock / rows) * rows} < iTo ? i0 + ${Math.floor(rowBlock / rows) * rows} : iTo;`,
    `    for (int r = 0; r < ${runs}; r++) {`,
    `      const float *x = a + ${starts(a.columns)}[r], *y = b + ${starts(b.rows)}[r];`,
    `      for (int k0 = 0; k0 < ${whole}; k0 += ${block}) {`,
    `        const int k1 = k0 + ${block} < ${whole} ? k0 + ${block} : ${whole};`,
    `        for (int j = 0; j < ${n}; j += ${columns})`,
    `          for (int i = i0; i < i1; i += ${rows}) {`,
    rest === 0 ? `            ${call(rows)}` : `            if (i + ${rows} > ${m}) ${call(rest)} else ${call(rows)}`,
    '          }',
    '      }',
    '    }',
    `    for (int i = i0; i < i1; i++) for (int j = 0; j < ${n}; j++) {`,
    `      float *to = c + ${nameOf(c.rows)}[i] + ${nameOf(c.columns)}[j];`,
    `      float s = sumf_${w}(loadf_${w}(space + ((i - i0) * ${n} + j) * ${w}));`,
  ]
  if (runs === 1 && whole < k) {
    lines.push(`      const float *x = a + ${nameOf(a.rows)}[i] + ${a.columns[0]};`)
    lines.push(`      const float *y = b + ${nameOf(b.columns)}[j] + ${b.rows[0]};`)
    lines.push(`      for (int k = ${whole}; k < ${k}; k++) s = fma_1(x[k], y[k], s);`)
  }
  lines.push(`      *to = ${add ? '*to + ' : addend}s;`, '    }', '  }')
  return context.define('product', (name) =>
    [
      `static void ${name}(const float *restrict a, const float *restrict b, float *restrict c, ${addendParameter(plan)}const float *restrict packed, int thread, int part, int parts) {`,
      ...lines,
      '}',
    ].join('\n'),
  )
}

/**
 * Sums of a tile over a block of summands of a run, taken up where the block before left them. A function of its own has the
 * registers to itself.
 */
function tileText(name: string, plan: Plan, { rows, columns, run }: DotTile, context: ContractionContext): string {
  const { n, k, a, b, width: w } = plan
  const places = Array.from({ length: columns }, (_, j) => j)
  const sum = (r: number, j: number) => `sums + ${(r * n + j) * w}`
  const lines = [
    `static __attribute__((noinline)) void ${name}(const float *restrict x, const float *restrict y, float *restrict sums, int i, int k0, int k1, int isMore) {`,
  ]
  for (let r = 0; r < rows; r++) {
    lines.push(`  const float *x${r} = x + ${context.tables.nameOf(a.rows)}[i + ${r}];`)
    for (const j of places) lines.push(`  F${w} s${r}_${j} = isMore ? loadf_${w}(${sum(r, j)}) : (F${w}){};`)
  }
  const step = (load: (from: string) => string): readonly string[] => [
    ...Array.from({ length: rows }, (_, r) => `    F${w} a${r} = ${load(`x${r} + k`)}; HOLD(a${r});`),
    ...places.flatMap((j) => [
      `    { const F${w} b = ${load(`y + ${b.columns[j]} + k`)};`,
      ...Array.from({ length: rows }, (_, r) => `      s${r}_${j} = fma_${w}(a${r}, b, s${r}_${j});`),
      '    }',
    ]),
  ]
  lines.push(`  for (int k = k0; k < k1; k += ${w}) {`, ...step((from) => `loadf_${w}(${from})`), '  }')
  if (run < k && run % w !== 0) {
    const whole = Math.floor(run / w) * w
    const mask = `firstm_${w}(${run - whole})`
    lines.push(`  if (k1 == ${whole}) {`, `    const int k = ${whole};`)
    lines.push(...step((from) => `loadMaskedf_${w}(${from}, ${mask})`), '  }')
  }
  for (let r = 0; r < rows; r++) {
    const stores = places.map((j) => `storef_${w}(${sum(r, j)}, s${r}_${j});`)
    lines.push(`  ${stores.join(' ')}`)
  }
  return [...lines, '}'].join('\n')
}
