// Tensors that are put together of others: the parts are made where the whole wants them, and nothing is copied.
import { type Affine, add, bounds, constant, type Interval, type Intervals, subtract } from '../index/index.ts'
import { accessesOf } from './divisions.ts'
import type { Kernel, Statement, Value } from './ir.ts'
import { mapStatements } from './mapStatements.ts'
import { type Placement, placed, placedPanel, placementOf, type Stride } from './placement.ts'
import { eachStatement, inlineSingleUses } from './tidy.ts'

/** Rows of a part that are shorter than this (64 bytes) are better copied than read and written in pieces. */
const shortestRow = 16

/**
 * The same kernels, without those copies of whole buffers into parts of another that need not be: every access to such a
 * buffer goes to its place in the other one. `lengthOf` gives the elements of a buffer, null where it is seen from outside.
 */
export function joinInPlace(kernels: readonly Kernel[], lengthOf: LengthOf, leastRow = shortestRow): readonly Kernel[] {
  let all = kernels
  for (const at of kernels.keys()) {
    for (const join of joinsIn(all[at], lengthOf)) all = withoutCopies(all, at, join, { lengthOf, leastRow })
  }
  return all.filter(({ body }) => body.length > 0)
}

interface Limits {
  readonly lengthOf: LengthOf
  readonly leastRow: number
}

type LengthOf = (buffer: string) => number | null

type Store = Statement & { readonly kind: 'store' }
type Load = Value & { readonly kind: 'load' }

/** A store that takes its value from one of several buffers, by where the loops around are. */
interface Join {
  readonly store: Store
  readonly parts: readonly Part[]
}

/** What is stored where all indices of the loops around are within intervals. */
interface Part {
  readonly box: Intervals
  readonly value: Value
  /** The same where it is an element of a buffer. */
  readonly load: Load | null
}

function joinsIn(kernel: Kernel, lengthOf: LengthOf): readonly Join[] {
  const lets = new Map<string, Value>()
  const found: Join[] = []
  const visit = (body: readonly Statement[], box: Intervals): void => {
    for (const statement of body) {
      if (statement.kind === 'let') lets.set(statement.name, statement.value)
      if (statement.kind === 'loop') {
        const { index, start, extent } = statement
        visit(statement.body, new Map([...box, [index, { min: start, max: start + extent - 1 }]]))
      }
      if (statement.kind !== 'store' || statement.add || lengthOf(statement.buffer) === null) continue
      const parts = partsOf(statement.value, lets, box)
      if (parts.length > 1) found.push({ store: statement, parts })
    }
  }
  visit(kernel.body, new Map())
  return found
}

/** `select(i < 3, a[…], select(i < 5, b[…], c[…]))` as its parts; any other value is one part. */
function partsOf(value: Value, lets: ReadonlyMap<string, Value>, box: Intervals): readonly Part[] {
  const here = resolved(value, lets)
  if (here.kind === 'load') {
    const isThere = here.guard === null || split(here.guard, lets, box)?.no === null
    const load = isThere ? { ...here, guard: null } : null
    return [{ box, value: load ?? value, load }]
  }
  const where = here.kind === 'operation' && here.op === 'select' ? split(here.args[0], lets, box) : null
  if (here.kind !== 'operation' || !where) return [{ box, value, load: null }]
  const [yes, no] = [where.yes, where.no].map((side, at) => (side ? partsOf(here.args[at + 1], lets, side) : []))
  return [...yes, ...no]
}

const resolved = (value: Value, lets: ReadonlyMap<string, Value>): Value =>
  value.kind === 'variable' && lets.has(value.name) ? resolved(lets.get(value.name)!, lets) : value

/** The parts of a box where a condition holds and where it does not. */
interface Split {
  readonly yes: Intervals | null
  readonly no: Intervals | null
}

/** How a condition divides a box; null where not in two, or it cannot be told. */
function split(condition: Value, lets: ReadonlyMap<string, Value>, box: Intervals): Split | null {
  const here = resolved(condition, lets)
  if (here.kind === 'constant') return here.value === 0 ? { yes: null, no: box } : { yes: box, no: null }
  if (here.kind !== 'operation') return null
  const [left, right] = here.args.map((arg) => resolved(arg, lets))
  if (here.op === 'and') {
    const one = split(left, lets, box)
    if (!one?.yes) return one
    const both = split(right, lets, one.yes)
    if (!both || (one.no && both.no)) return null
    return { yes: both.yes, no: one.no ?? both.no }
  }
  if (here.op !== 'lt' && here.op !== 'le') return null
  const [from, to] = [affineOf(left), affineOf(right)]
  return from && to && splitAt(subtract(to, add(from, constant(here.op === 'lt' ? 1 : 0))), box)
}

const affineOf = (value: Value): Affine | null =>
  value.kind === 'index' ? value.of : value.kind === 'constant' ? constant(value.value) : null

/** Where an index expression is at least 0. */
function splitAt(margin: Affine, box: Intervals): Split | null {
  const { min, max } = bounds(margin, box)
  if (min >= 0) return { yes: box, no: null }
  if (max < 0) return { yes: null, no: box }
  const [{ coefficient, atom }] = margin.terms
  const interval = atom.kind === 'index' ? box.get(atom.name) : undefined
  if (margin.terms.length > 1 || atom.kind !== 'index' || !interval || Math.abs(coefficient) !== 1) return null
  const within = (limits: Interval): Intervals => new Map([...box, [atom.name, limits]])
  const { constant: shift } = margin
  return coefficient > 0
    ? { yes: within({ min: -shift, max: interval.max }), no: within({ min: interval.min, max: -shift - 1 }) }
    : { yes: within({ min: interval.min, max: shift }), no: within({ min: shift + 1, max: interval.max }) }
}

/** The kernels with all parts of a join that can be in their places, and copies only of the others. */
function withoutCopies(kernels: readonly Kernel[], at: number, join: Join, limits: Limits): readonly Kernel[] {
  const { store, parts } = join
  const kernel = kernels[at]
  // Before it is put together nobody may use the whole, nor afterwards change it.
  const isUsed = kernels.some(({ reads, writes }, position) => {
    if (position < at) return reads.includes(store.buffer) || writes.includes(store.buffer)
    return position > at && writes.includes(store.buffer)
  })
  if (isUsed || usesOf(kernel.body, store.buffer) > 1) return kernels
  const place = kernel.body.findIndex((statement) => holds(statement, store))
  const nest = kernel.body[place]
  const isCopy = isNestOf(nest, store)
  const without = isCopy ? kernel.body.toSpliced(place, 1) : inlineSingleUses(readingWhole(kernel.body, store))
  let all: readonly Kernel[] = kernels.with(at, touching(kernel, without))
  const left: Part[] = []
  const places: [buffer: string, Placement][] = []
  for (const part of parts) {
    const isAlone = parts.every(({ load }) => load === part.load || load?.buffer !== part.load?.buffer)
    const moved = isAlone && part.load ? withPart(all, at, join, { ...part, load: part.load }, limits) : null
    if (moved) {
      all = moved.kernels
      places.push([part.load!.buffer, moved.placement])
    } else left.push(part)
  }
  if (left.length === 0) return all
  if (!isCopy || left.length === parts.length) return kernels
  const copies = left.map((part) => copyOf(nest, store, part))
  const body = inlineSingleUses(all[at].body.toSpliced(place, 0, ...copies))
  const whole = places.reduce<Kernel | null>(
    (made, [buffer, placement]) => made && movedInto(made, buffer, store.buffer, placement),
    touching(kernel, body),
  )
  return whole ? all.with(at, whole) : kernels
}

function usesOf(body: readonly Statement[], buffer: string): number {
  return body.flatMap(accessesOf).filter((access) => access.buffer === buffer).length
}

const holds = (statement: Statement, store: Store): boolean =>
  statement === store || (statement.kind === 'loop' && statement.body.some((inner) => holds(inner, store)))

/** Whether a statement is loops around nothing but a store and the values that it needs. */
const isNestOf = (statement: Statement, store: Store): boolean =>
  statement === store ||
  (statement.kind === 'loop' &&
    statement.body.every((inner) => inner.kind === 'let' || isNestOf(inner, store)) &&
    statement.body.filter((inner) => inner.kind !== 'let').length === 1)

/** The statements without the store; where its value is needed besides, it is read from where it was stored. */
function readingWhole(body: readonly Statement[], store: Store): readonly Statement[] {
  const { value, buffer, offset } = store
  return body
    .filter((statement) => statement !== store)
    .map((statement) => {
      if (statement.kind === 'loop') return { ...statement, body: readingWhole(statement.body, store) }
      const isValue = statement.kind === 'let' && value.kind === 'variable' && statement.name === value.name
      return isValue
        ? { ...statement, value: { kind: 'load', type: value.type, buffer, offset, guard: null } }
        : statement
    })
}

/** Loops that store just one part. */
function copyOf(nest: Statement, store: Store, part: Part): Statement {
  if (nest === store) return { ...store, value: part.value }
  if (nest.kind !== 'loop') return nest
  const body = nest.body.map((inner) => copyOf(inner, store, part))
  const { min, max } = part.box.get(nest.index)!
  return { ...nest, body, start: min, extent: max - min + 1 }
}

/** The kernel with another body. */
function touching(kernel: Kernel, body: readonly Statement[]): Kernel {
  const accesses = body.flatMap(accessesOf)
  const names = (isWrite: boolean) =>
    new Set(accesses.filter((access) => access.isWrite === isWrite).map(({ buffer }) => buffer))
  return { ...kernel, body, reads: [...names(false)], writes: [...names(true)] }
}

interface MovingPart extends Part {
  readonly load: Load
}

/** The kernels with one part of a join in its place; null where that cannot be. */
function withPart(
  kernels: readonly Kernel[],
  at: number,
  join: Join,
  part: MovingPart,
  { lengthOf, leastRow }: Limits,
): { readonly kernels: readonly Kernel[]; readonly placement: Placement } | null {
  const { buffer } = part.load
  const length = lengthOf(buffer)
  const placement = length === null || buffer === join.store.buffer ? null : placementIn(join, part, length)
  if (!placement) return null
  const row = placement.digits.at(-1)
  if (row && (row.to !== 1 || row.extent < leastRow)) return null
  if (kernels.some(({ writes }, position) => position >= at && writes.includes(buffer))) return null
  const result: Kernel[] = []
  for (const kernel of kernels) {
    const moved = movedInto(kernel, buffer, join.store.buffer, placement)
    if (!moved) return null
    result.push(moved)
  }
  return { kernels: result, placement }
}

function placementIn({ store }: Join, { box, load }: MovingPart, length: number): Placement | null {
  const strides: Stride[] = []
  let [from, to] = [load.offset.constant, store.offset.constant]
  for (const [name, { min, max }] of box) {
    const [inPart, inWhole] = [load, store].map(
      ({ offset }) => offset.terms.find(({ atom }) => atom.kind === 'index' && atom.name === name)?.coefficient ?? 0,
    )
    from += min * inPart
    to += min * inWhole
    if (max > min) strides.push({ extent: max - min + 1, from: inPart, to: inWhole })
  }
  const isPlain = [load, store].every(({ offset }) =>
    offset.terms.every(({ atom }) => atom.kind === 'index' && box.has(atom.name)),
  )
  return isPlain && from === 0 ? placementOf(to, length, strides) : null
}

/** The kernel with accesses to a place in `whole` instead of `buffer`; null where they are in no such order. */
function movedInto(kernel: Kernel, buffer: string, whole: string, placement: Placement): Kernel | null {
  if (!kernel.reads.includes(buffer) && !kernel.writes.includes(buffer)) return kernel
  const intervals = new Map<string, Interval>()
  eachStatement(kernel.body, (statement) => {
    if (statement.kind !== 'loop') return
    const { index, start, extent } = statement
    // Pieces of one loop have the same index.
    const { min, max } = intervals.get(index) ?? { min: start, max: start }
    intervals.set(index, { min: Math.min(min, start), max: Math.max(max, start + extent - 1) })
  })
  let fits = true
  const body = mapStatements(kernel.body, {
    offset: (name, at) => {
      const moved = name === buffer ? placed(at, placement, intervals) : at
      if (!moved) fits = false
      return moved ?? at
    },
    buffer: (name) => (name === buffer ? whole : name),
    panel: (panel) => {
      const moved = panel.buffer === buffer ? placedPanel(panel, placement, whole, intervals) : panel
      if (!moved) fits = false
      return moved ?? panel
    },
  })
  const renamed = (names: readonly string[]) => [...new Set(names.map((name) => (name === buffer ? whole : name)))]
  return fits ? { ...kernel, body, reads: renamed(kernel.reads), writes: renamed(kernel.writes) } : null
}
