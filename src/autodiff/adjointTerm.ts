// One contribution to the gradient of a formula: the adjoint that reaches one read, with the read turned around.
import {
  binary,
  call,
  type Expr,
  mapChildren,
  name,
  number,
  type Range,
  type ReadExpr,
  read,
  reduce,
  substitute,
} from '../expression/tree.ts'
import { isNumber, negate, sameExpr, sameExprs, times } from './algebra.ts'
import { conjunction, factorsOf, mentions } from './factors.ts'
import { freeNames, readsOf, renameBound, usesAlone } from './lift.ts'
import { freshName } from './ranges.ts'
import { linearOf, type SymbolicSolution, solveSymbolic, tidyIndex } from './symbolicRows.ts'

type Leaf = Extract<Expr, { kind: 'read' | 'name' }>

export interface Reached {
  /** The axes of the statement, then the ranges of the sums around the read. */
  readonly axes: readonly Range[]
  readonly ranges: readonly Range[]
  /** The adjoint of the statement, an element at its axes, times the derivative by what is read. */
  readonly value: Expr
  /** What must hold besides, as a winner being the one at hand. */
  readonly conditions: readonly Expr[]
  /** The bodies of the sums around the read: combinations at which their reads are absent contribute nothing. */
  readonly bodies: readonly Expr[]
  readonly leaf: Leaf
}

/** The contribution, at the place that the axes of the gradient tell. */
export function adjointTerm(reached: Reached, targets: readonly Range[]): Expr {
  const { axes, ranges, leaf } = reached
  const rows = leaf.kind === 'read' ? leaf.at : []
  const context = [...axes, ...ranges]
  const indices = new Set(context.map(({ index }) => index))
  // Places have names of their own until all is done, for an index may have the name that a place will get.
  const places = targets.map((_, dimension) => `@${dimension}`)
  const solution = solveSymbolic(rows, places, indices, new Set(axes.map(({ index }) => index)))
  const remaining = context.filter(({ index }) => !solution.bindings.has(index))
  const loose = looseIndices(solution, rows, reached, targets)
  const guards = guardsOf(reached, remaining, loose)
  const view = viewOf(solution, context, rows, places, loose, leaf)
  const conditions = [...guards.conditions, ...reached.conditions].map((condition) => rewrite(condition, view))
  const where = conjunction([
    ...solution.conditions.map((condition) => substitute(condition, view.flipped)),
    ...conditions,
  ])
  let value = rewrite(guards.factors.reduce(times, reached.value), view)
  const negative = value.kind === 'unary' && value.op === '-'
  if (value.kind === 'unary' && negative) value = value.arg
  if (where) value = call('where', where, value, number(0))
  const needed = guards.underSum && remaining.length === 0 ? [onlyOnce(indices)] : remaining
  if (needed.length > 0) value = reduce('sum', needed, value)
  return renamePlaces(negative ? negate(value) : value, places, targets)
}

/** An index of one value: under a sum a combination with an absent read is left out. */
function onlyOnce(taken: ReadonlySet<string>): Range {
  return { index: freshName('o', taken), bound: { kind: 'extent', extent: number(1) } }
}

function renamePlaces(expr: Expr, places: readonly string[], targets: readonly Range[]): Expr {
  const names = new Map(places.map((place, dimension) => [place, name(targets[dimension].index)]))
  return substitute(renameBound(expr, new Set(targets.map(({ index }) => index))), names)
}

/** Solved indices that may leave their range: all but those that a plain read uses alone, and that run as its axis does. */
function looseIndices(
  { bindings }: SymbolicSolution,
  rows: readonly Expr[],
  { axes, ranges, leaf }: Reached,
  targets: readonly Range[],
): Set<string> {
  const loose = new Set<string>()
  for (const range of [...axes, ...ranges]) {
    const { index, bound } = range
    if (!bindings.has(index)) continue
    const dimension = rows.findIndex((row) => row.kind === 'name' && row.name === index)
    const bounded = bound.kind === 'inferred' || (dimension >= 0 && sameBound(range, targets[dimension]))
    if (dimension < 0 || !bounded || (leaf.kind === 'read' && leaf.maybe)) loose.add(index)
  }
  return loose
}

/** Whether two ranges have the same stated extent. */
export const sameBound = ({ bound: a }: Range, { bound: b }: Range): boolean =>
  a.kind === 'extent' && b.kind === 'extent' && sameExpr(a.extent, b.extent)

interface Guards {
  readonly factors: readonly Expr[]
  readonly conditions: readonly Expr[]
  /** Whether absent reads must leave a combination out, and not only make a factor 0. */
  readonly underSum: boolean
}

/**
 * What keeps ranges and absent reads as they were in the original sums. An index of stated bounds gets a condition. Any
 * other is bounded by reads: those stay in the value, or are put there to the power 0, as are reads that may be absent.
 */
function guardsOf(
  { ranges, value, bodies, leaf }: Reached,
  remaining: readonly Range[],
  loose: ReadonlySet<string>,
): Guards {
  const inValue = readsOf(value)
  const direct = factorsOf(value, () => false).numerators
  const inBodies = bodies.flatMap(readsOf).filter((part) => !sameExpr(part, leaf))
  const factors: Expr[] = []
  const conditions: Expr[] = []
  let underSum = false
  const isDirect = (part: ReadExpr): boolean => direct.some((factor) => sameExpr(factor, part))
  const keep = (part: ReadExpr): void => {
    if (isDirect(part)) return
    underSum = true
    if ([...inValue, ...factors].some((other) => other.kind === 'read' && sameExpr(other, part))) return
    const witness = binary('^', part, number(0))
    if (!factors.some((factor) => sameExpr(factor, witness))) factors.push(witness)
  }
  for (const { index, bound } of ranges) {
    const isLoose = loose.has(index)
    if (!isLoose && !remaining.some((range) => range.index === index)) continue
    if (bound.kind !== 'inferred') {
      if (isLoose) conditions.push(...withinBounds(index, bound))
      continue
    }
    const lone = (part: ReadExpr): boolean => !part.maybe && usesAlone(part, index)
    const bounding = inValue.find(lone) ?? inBodies.find(lone)
    if (bounding && !isLoose && inValue.includes(bounding)) continue
    if (bounding) keep(bounding)
    else {
      for (const part of inBodies) if (!part.maybe && freeNames(part).has(index)) keep(part)
      if (isLoose) conditions.push(binary('>=', name(index), number(0)))
    }
  }
  for (const part of inBodies) if (part.maybe) keep(part)
  return { factors, conditions, underSum }
}

function withinBounds(index: string, bound: Exclude<Range['bound'], { kind: 'inferred' }>): Expr[] {
  return bound.kind === 'extent'
    ? [binary('>=', name(index), number(0)), binary('<', name(index), bound.extent)]
    : [binary('>=', name(index), bound.start), binary('<=', name(index), bound.last)]
}

/** How expressions of the original indices are seen from a place. */
interface View {
  readonly rows: readonly Expr[]
  readonly places: readonly string[]
  readonly leaf: Leaf
  /** Values of the solved indices, and of flipped ones. */
  readonly values: ReadonlyMap<string, Expr>
  readonly flipped: ReadonlyMap<string, Expr>
  readonly loose: ReadonlySet<string>
  readonly indices: ReadonlySet<string>
}

function viewOf(
  { bindings }: SymbolicSolution,
  context: readonly Range[],
  rows: readonly Expr[],
  places: readonly string[],
  loose: ReadonlySet<string>,
  leaf: Leaf,
): View {
  const flipped = flippedWindows(bindings, context)
  const indices = new Set([...context.map(({ index }) => index), ...places])
  const values = new Map([...bindings].map(([index, value]) => [index, tidyIndex(substitute(value, flipped), indices)]))
  for (const [index, value] of flipped) values.set(index, value)
  return { rows, places, leaf, values, flipped, loose, indices }
}

/**
 * With a window of stated extent that moves by single steps the gradient is written as the correlation with the flipped
 * kernel, by counting the window from its other end.
 */
function flippedWindows(bindings: ReadonlyMap<string, Expr>, context: readonly Range[]): Map<string, Expr> {
  const flipped = new Map<string, Expr>()
  for (const { index, bound } of context) {
    if (bound.kind !== 'extent' || bindings.has(index)) continue
    const using = [...bindings.values()].filter((value) => freeNames(value).has(index))
    const linear = using.length === 1 ? linearOf(using[0], new Set([index])) : null
    const coefficient = linear?.terms.get(index)
    if (coefficient && isNumber(coefficient, -1)) flipped.set(index, binary('-', lastOf(bound.extent), name(index)))
  }
  return flipped
}

const lastOf = (extent: Expr): Expr =>
  extent.kind === 'number' ? number(extent.value - 1) : binary('-', extent, number(1))

/** The same expression from the place. Reads at solved indices may fall outside, but for the very read that is solved. */
function rewrite(expr: Expr, view: View): Expr {
  if (expr.kind === 'name') return view.values.get(expr.name) ?? expr
  if (expr.kind !== 'read') return mapChildren(expr, (part) => rewrite(part, view))
  const own = view.leaf.kind === 'read' && expr.tensor === view.leaf.tensor && sameExprs(expr.at, view.rows)
  if (own) {
    return read(
      expr.tensor,
      view.places.map((place) => name(place)),
    )
  }
  const outside = mentions(expr, view.loose)
  return { ...expr, at: expr.at.map((at) => rewriteIndex(at, view)), maybe: expr.maybe || outside }
}

function rewriteIndex(at: Expr, view: View): Expr {
  if (!mentions(at, view.values)) return at
  const dimension = view.rows.findIndex((row) => sameExpr(row, at))
  if (dimension >= 0) return name(view.places[dimension])
  const rewritten = rewrite(at, view)
  const renamed = [...freeNames(at)].every((index) => (view.values.get(index)?.kind ?? 'name') === 'name')
  return renamed ? rewritten : tidyIndex(rewritten, view.indices)
}
