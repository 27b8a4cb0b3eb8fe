// What is added to a product and nothing else done, such as a bias, is added by the tiles of the product.
import { offsetsOf } from '../../compiler/contraction/roles.ts'
import { accessesOf } from '../../compiler/divisions.ts'
import type {
  ContractionStatement,
  Kernel,
  LoopStatement,
  Panel,
  Program,
  Statement,
  Value,
} from '../../compiler/ir.ts'
import { type Affine, affineKey } from '../../index/index.ts'
import { stepOf } from './tables.ts'

/**
 * The same kernels, in which `c = a · b; z = c + x` is one contraction `z = x + a · b`, where nothing else
 * reads c.
 */
export function addInProducts({ kernels, buffers }: Program): readonly Kernel[] {
  const users = new Map<string, number>()
  for (const { reads, writes } of kernels)
    for (const name of new Set([...reads, ...writes])) users.set(name, (users.get(name) ?? 0) + 1)
  return kernels.map((kernel) => {
    // Read once where it is written, and nowhere else.
    const isBetween = (name: string): boolean =>
      buffers.get(name)!.place.kind !== 'external' && users.get(name) === 1 && usesOf(kernel, name) === 2
    const gone = new Set<string>()
    const change = (body: readonly Statement[]): readonly Statement[] => {
      const result: Statement[] = []
      for (const statement of body) {
        const before = result.at(-1)
        const sum = before?.kind === 'contraction' ? sumOf(before, statement, isBetween) : null
        if (sum) {
          gone.add(sum.without)
          result[result.length - 1] = sum.product
        } else result.push(statement.kind === 'loop' ? { ...statement, body: change(statement.body) } : statement)
      }
      return result
    }
    const body = change(kernel.body)
    const left = (names: readonly string[]) => names.filter((name) => !gone.has(name))
    return gone.size === 0 ? kernel : { ...kernel, body, reads: left(kernel.reads), writes: left(kernel.writes) }
  })
}

const usesOf = ({ body }: Kernel, buffer: string): number =>
  body.flatMap(accessesOf).filter((access) => access.buffer === buffer).length

type Load = Value & { readonly kind: 'load' }

/** Results of more elements are left alone: where each of them lies is looked at. */
const mostElements = 2097152

interface Sum {
  readonly product: ContractionStatement
  /** The buffer that is needed no more. */
  readonly without: string
}

/** The contraction that does what it and a statement after it do; null where that is something else than a sum. */
function sumOf(product: ContractionStatement, after: Statement, isBetween: (buffer: string) => boolean): Sum | null {
  const { a, b, c, add } = product
  const loops: LoopStatement[] = []
  const lets = new Map<string, Value>()
  let inner: Statement | undefined = after
  while (inner?.kind === 'loop') {
    loops.push(inner)
    for (const statement of inner.body.slice(0, -1)) {
      if (statement.kind !== 'let') return null
      lets.set(statement.name, statement.value)
    }
    inner = inner.body.at(-1)
  }
  if (add || loops.length === 0 || inner?.kind !== 'store' || inner.add) return null
  const { value, buffer } = inner
  if (value.kind !== 'operation' || value.op !== 'add' || value.type !== 'f32') return null
  const [one, other] = value.args.map((arg) => (arg.kind === 'variable' ? (lets.get(arg.name) ?? arg) : arg))
  if (!isPlainLoad(one) || !isPlainLoad(other)) return null
  const [own, addend] = one.buffer === c.buffer ? [one, other] : [other, one]
  if (own.buffer !== c.buffer || !isBetween(c.buffer)) return null
  if (product.m * product.n > mostElements) return null
  // Tiles write where others still read.
  if ([a.buffer, b.buffer, addend.buffer].includes(buffer) || addend.buffer === c.buffer) return null
  const places = placesOf(loops, [own.offset, inner.offset, addend.offset])
  if (!places || affineKey(places.bases[0]) !== affineKey(c.base)) return null
  const [at, target, plus] = places.offsets
  const whole = panelAt(c, at, target, buffer, places.bases[1])
  const added = panelAt(c, at, plus, addend.buffer, places.bases[2])
  if (!whole || !added || !isReadable(whole, added)) return null
  return { product: { ...product, c: whole, plus: added }, without: c.buffer }
}

const isPlainLoad = (value: Value): value is Load =>
  value.kind === 'load' && value.type === 'f32' && value.guard === null

/** Where vectors of c are, those of what is added must be side by side or all the same number. */
const isReadable = (c: Panel, plus: Panel): boolean =>
  (['rows', 'columns'] as const).every((side) => stepOf(c[side]) !== 1 || [0, 1].includes(stepOf(plus[side]) ?? -1))

interface Places {
  /** What loops around add to each offset. */
  readonly bases: readonly Affine[]
  /** The rest of each, in every round of the loops. */
  readonly offsets: readonly Int32Array[]
}

/** Offsets in all rounds of loops around one another; null where they are not sums of multiples of the indices. */
function placesOf(loops: readonly LoopStatement[], offsets: readonly Affine[]): Places | null {
  const bases: Affine[] = []
  const found: Int32Array[] = []
  for (const { constant, terms } of offsets) {
    const names = new Set(loops.map(({ index }) => index))
    const strides = new Map<string, number>()
    const rest: Affine['terms'][number][] = []
    for (const term of terms) {
      if (term.atom.kind !== 'index') return null
      if (names.has(term.atom.name)) strides.set(term.atom.name, term.coefficient)
      else rest.push(term)
    }
    bases.push({ constant, terms: rest })
    found.push(offsetsOf(loops, (index) => strides.get(index) ?? 0))
  }
  return { bases, offsets: found }
}

/**
 * The panel whose elements are at `to` wherever those of c are at `from`; null where its rows and columns do not make it, or not
 * all of c is there once.
 */
function panelAt(c: Panel, from: Int32Array, to: Int32Array, buffer: string, base: Affine): Panel | null {
  const { rows, columns } = c
  if (from.length !== rows.length * columns.length) return null
  // What is the scratch of a product has no gaps.
  const places = new Float64Array(from.length).fill(Number.NaN)
  for (let at = 0; at < from.length; at++) places[from[at]] = to[at]
  const place = (row: number, column: number): number => places[row + column]
  const first = place(rows[0], columns[0])
  const down = rows.map((row) => place(row, columns[0]))
  const across = columns.map((column) => place(rows[0], column) - first)
  for (const [i, row] of rows.entries())
    for (const [j, column] of columns.entries()) if (place(row, column) !== down[i] + across[j]) return null
  return { buffer, base, rows: down, columns: across, packed: null }
}
