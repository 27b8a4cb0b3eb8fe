// The gradient of a formula, as a formula.
import {
  binary,
  call,
  type Expr,
  type FormulaTree,
  mapChildren,
  name,
  number,
  type Range,
  type ReduceExpr,
  reduce,
  type Statement,
  substitute,
  walk,
} from '../expression/tree.ts'
import { adjointTerm, type Reached, sameBound } from './adjointTerm.ts'
import { over, plus, sameExpr, times } from './algebra.ts'
import { allNames, operandsOfFormula, visitFree } from './formulaNames.ts'
import {
  bounds,
  freeNames,
  hasExtent,
  lift,
  readOf,
  readsAny,
  readsOf,
  renameBound,
  usesAlone,
  withDistinctIndices,
} from './lift.ts'
import { freshName } from './ranges.ts'
import { derivative } from './scalarDerivatives.ts'

type Leaf = Reached['leaf']

/**
 * The formula of the gradient by an operand, given the gradient by the result as an operand named `d` and the result's name:
 * `dw` from `dz` for `z = …`. Definitions of the formula that it needs come first, then one statement an adjoint. The axes of
 * the result may have no bound: they run as far as those of the operand.
 */
export function gradientTree(tree: FormulaTree, operand: string): FormulaTree {
  const rank = operandsOfFormula(tree).find((other) => other.name === operand)?.rank ?? 0
  const taken = allNames(tree)
  const { statements, dependent } = liftAll(tree, operand, taken)
  const result = statements.at(-1)!
  const derivation: Derivation = { taken, dependent, statements, terms: new Map(), forward: [...statements] }
  const adjointNames = new Map<string, string>()
  for (const key of [operand, ...statements.map((statement) => statement.name)]) {
    const own = freshName(`d${key}`, taken)
    taken.add(own)
    adjointNames.set(key, own)
  }
  const backward: Statement[] = []
  for (const statement of [...statements].reverse()) {
    if (!dependent.has(statement.name)) continue
    const adjoint = adjointNames.get(statement.name)!
    if (statement !== result) {
      const terms = derivation.terms.get(statement.name)
      if (!terms) continue
      const axes = statement.axes
      backward.push(adjointStatement(adjoint, axes, terms, readOf(statement.name, axes)))
    }
    propagate(statement, readOf(adjoint, statement.axes), derivation)
  }
  const terms = derivation.terms.get(operand)
  const axes = targetsOf(operand, rank, derivation)
  backward.push({ name: adjointNames.get(operand)!, axes, value: terms ? sum(terms) : number(0) })
  return { statements: [...neededBy(backward, derivation.forward), ...backward] }
}

interface Derivation {
  readonly taken: Set<string>
  /** The operand, and the statements that depend on it. */
  readonly dependent: ReadonlySet<string>
  readonly statements: readonly Statement[]
  /** Contributions to the adjoints of operands and statements. */
  readonly terms: Map<string, Expr[]>
  /** The statements of the formula, and others that only depend on those. */
  readonly forward: Statement[]
}

function liftAll(tree: FormulaTree, operand: string, taken: Set<string>) {
  const dependent = new Set([operand])
  const statements: Statement[] = []
  for (const statement of tree.statements) {
    const distinct = withDistinctIndices(statement)
    for (const { index } of rangesOf(distinct)) taken.add(index)
    if (!readsAny(distinct.value, dependent)) {
      statements.push(distinct)
      continue
    }
    for (const part of lift(distinct, dependent, taken)) {
      statements.push(part)
      if (readsAny(part.value, dependent)) dependent.add(part.name)
    }
  }
  return { statements, dependent }
}

const sum = (terms: readonly Expr[]): Expr => terms.reduce((total, term) => plus(total, term) ?? number(0))

/** Axes that no term bounds run as far as those of the tensor, which is read to the power 0 to say so. */
function adjointStatement(adjoint: string, axes: readonly Range[], terms: readonly Expr[], tensor: Expr): Statement {
  const value = sum(terms)
  const bounded = axes.every(
    (axis) => hasExtent(axis) || readsOf(value).some((part) => !part.maybe && usesAlone(part, axis.index)),
  )
  return { name: adjoint, axes, value: bounded ? value : times(value, binary('^', tensor, number(0))) }
}

/**
 * The axes of a gradient: a statement's own; of an operand those it is read with, as far as they are names. An axis whose
 * reads all run over the same stated extent has it too.
 */
function targetsOf(tensor: string, rank: number, derivation: Derivation): readonly Range[] {
  const { statements, taken } = derivation
  const own = statements.find((statement) => statement.name === tensor)
  if (own) return own.axes
  const reads = statements.flatMap(({ value }) => readsOf(value)).filter((part) => part.tensor === tensor)
  const ranges = new Map(statements.flatMap(rangesOf).map((range) => [range.index, range]))
  const resultAxes = new Set(statements.at(-1)!.axes.map(({ index }) => index))
  const chosen = new Set<string>()
  const letters = [...'abcdefghijklmnopqrstuvwxyz'].filter((letter) => !taken.has(letter))
  return Array.from({ length: rank }, (_, dimension): Range => {
    const used = reads.map(({ at }): Range | null => {
      const index = at[dimension]
      return (index.kind === 'name' && ranges.get(index.name)) || null
    })
    const open = used.filter((range) => range !== null && !chosen.has(range.index))
    const named = open.find((range) => range && resultAxes.has(range.index)) ?? open[0]
    const index = named?.index ?? letters.shift() ?? freshName('a', new Set([...taken, ...chosen]))
    chosen.add(index)
    const [first] = used
    const bounded = first && used.every((range) => range && sameBound(range, first))
    return { index, bound: bounded ? first.bound : { kind: 'inferred' } }
  })
}

/** Everything that runs in a statement. */
function rangesOf({ axes, value }: Statement): Range[] {
  const found = [...axes]
  walk(value, (part) => {
    if (part.kind === 'reduce') found.push(...part.ranges)
  })
  return found
}

/** Sends the adjoint of a statement on to what the statement reads. */
function propagate(statement: Statement, adjoint: Expr, derivation: Derivation): void {
  const own = readOf(statement.name, statement.axes)
  // What was made a statement of its own is not to be computed again: the derivative is written with the result.
  const isLifted =
    statement.value.kind === 'call' && statement.value.fn !== 'relu' && readsLifted(statement.value, derivation)
  propagateInto(
    statement.value,
    { axes: statement.axes, ranges: [], value: adjoint, conditions: [], bodies: [] },
    { statement, derivation, value: isLifted ? own : undefined },
  )
}

function readsLifted(value: Expr, { statements, dependent }: Derivation): boolean {
  return readsAny(value, new Set(statements.map((statement) => statement.name).filter((own) => dependent.has(own))))
}

type Context = Omit<Reached, 'leaf'>

interface Source {
  readonly statement: Statement
  readonly derivation: Derivation
  /** A cheaper expression for the value. */
  readonly value?: Expr
}

/** Follows an adjoint into an expression, through the sums in it, to the reads of what depends on the operand. */
function propagateInto(expr: Expr, context: Context, source: Source): void {
  const { derivation } = source
  const { bare, reductions } = withoutReductions(expr)
  // A reduction in a slope runs over indices of its own, besides those of the reduction that the adjoint goes into.
  const restore = (part: Expr): Expr => renameBound(substitute(part, reductions), new Set(derivation.taken))
  for (const leaf of leavesOf(bare)) {
    const along = derivative(bare, (other) => (sameExpr(other, leaf) ? number(1) : null), source.value)
    if (!along) continue
    const slope = restore(along)
    const reduction = leaf.kind === 'name' ? reductions.get(leaf.name) : undefined
    const value = times(context.value, slope)
    if (reduction?.kind === 'reduce') {
      if (readsAny(reduction, derivation.dependent)) propagateIntoReduction(reduction, { ...context, value }, source)
      continue
    }
    const tensor = leaf.kind === 'read' ? leaf.tensor : leaf.name
    const isIndex = [...context.axes, ...context.ranges].some(({ index }) => index === tensor)
    if (isIndex || !derivation.dependent.has(tensor)) continue
    const rank = leaf.kind === 'read' ? leaf.at.length : 0
    const term = adjointTerm({ ...context, value, leaf }, targetsOf(tensor, rank, derivation))
    const known = derivation.terms.get(tensor)
    if (known) known.push(term)
    else derivation.terms.set(tensor, [term])
  }
}

/** The expression with names in the place of its outermost reductions. */
function withoutReductions(expr: Expr): { bare: Expr; reductions: Map<string, Expr> } {
  const reductions = new Map<string, Expr>()
  const visit = (part: Expr): Expr => {
    if (part.kind !== 'reduce') return mapChildren(part, visit)
    const own = `#${reductions.size}`
    reductions.set(own, part)
    return name(own)
  }
  return { bare: visit(expr), reductions }
}

/** The different reads and names of a pointwise expression that derivatives are taken by. */
function leavesOf(expr: Expr): Leaf[] {
  const found: Leaf[] = []
  const visit = (part: Expr): void => {
    if (part.kind === 'read' || part.kind === 'name') {
      if (!found.some((other) => sameExpr(other, part))) found.push(part)
    } else
      mapChildren(part, (child) => {
        visit(child)
        return child
      })
  }
  visit(expr)
  return found
}

function propagateIntoReduction(reduction: ReduceExpr, context: Context, source: Source): void {
  const { op, ranges, body } = reduction
  const inner = { ...context, ranges: [...context.ranges, ...ranges], bodies: [...context.bodies, body] }
  const into = (value: Expr, conditions: readonly Expr[] = context.conditions): void =>
    propagateInto(body, { ...inner, value, conditions }, { ...source, value: undefined })
  switch (op) {
    case 'sum':
      into(context.value)
      return
    case 'mean':
      into(over(context.value, countOf(reduction, source.derivation)))
      return
    case 'prod':
      into(times(context.value, productOfOthers(reduction, source.derivation)))
      return
    case 'max':
    case 'min':
      into(context.value, [...context.conditions, winnerOf(reduction, context, source)])
      return
    default: // the other reductions do not change with small changes of what they reduce
  }
}

/** How many combinations a mean is over. */
function countOf({ ranges, body }: ReduceExpr, { taken }: Derivation): Expr {
  const reads = readsOf(body)
  const absent = reads.filter(({ maybe }) => maybe)
  if (absent.length === 0 && ranges.every(hasExtent)) return ranges.map(extentOf).reduce(times)
  const bounding = ranges.flatMap((range) => {
    if (hasExtent(range)) return []
    const plain = reads.filter((part) => !part.maybe && freeNames(part).has(range.index))
    const alone = plain.find((part) => usesAlone(part, range.index))
    return alone ? [alone] : plain
  })
  const ones = [...new Set([...bounding, ...absent])].map((part) => binary('^', part, number(0)))
  return renameBound(reduce('sum', ranges, ones.reduce(times, number(1))), new Set(taken))
}

function extentOf({ bound }: Range): Expr {
  if (bound.kind === 'extent') return bound.extent
  if (bound.kind === 'inferred') throw new TypeError('an inferred extent is not known yet')
  const { start, last } = bound
  if (start.kind === 'number' && last.kind === 'number') return number(last.value - start.value + 1)
  return binary('+', binary('-', last, start), number(1))
}

/** The product of all other factors. */
function productOfOthers({ ranges, body }: ReduceExpr, { taken }: Derivation): Expr {
  const names = new Set(taken)
  const renamed = new Map<string, Expr>()
  const others = ranges.map((range): Range => {
    const index = freshName(`${range.index}'`, names)
    names.add(index)
    renamed.set(range.index, name(index))
    return { ...range, index }
  })
  const differs = ranges
    .map(({ index }, at) => binary('!=', name(others[at].index), name(index)))
    .reduce((any, next) => binary('or', any, next))
  return reduce('prod', others, call('where', differs, substitute(renameBound(body, names), renamed), number(1)))
}

/** The condition that the combination at hand is the winner, which gets a statement of its own. */
function winnerOf(reduction: ReduceExpr, context: Context, { statement, derivation }: Source): Expr {
  const { ranges, body } = reduction
  const { taken, forward } = derivation
  const found: Expr = { ...reduction, op: reduction.op === 'max' ? 'argmax' : 'argmin' }
  const free = freeNames(reduction)
  const axes = [...context.axes, ...context.ranges].filter(({ index }) => free.has(index))
  const place = placeIn(ranges)
  // Axes start at 0.
  if (axes.some(({ bound }) => bound.kind === 'between')) return binary('==', renameBound(found, new Set(taken)), place)
  const own = freshName('winner', taken)
  taken.add(own)
  if (axes.every((axis) => hasExtent(axis) || bounds(body, axis.index, statement.value))) {
    forward.push({ name: own, axes, value: found })
    return binary('==', readOf(own, axes), place)
  }
  // The axes run as far as those of the statement, which is read to the power 0 to say so.
  const all = [...statement.axes, ...axes.filter((axis) => !statement.axes.includes(axis))]
  const witness = binary('^', readOf(statement.name, statement.axes), number(0))
  forward.push({ name: own, axes: all, value: binary('*', found, witness) })
  return binary('==', readOf(own, all), place)
}

/** What argmax gives for a combination: the index itself, or the offset among several. */
function placeIn(ranges: readonly Range[]): Expr {
  if (ranges.length === 1) return name(ranges[0].index)
  return ranges
    .map(({ index, bound }): Expr => (bound.kind === 'between' ? binary('-', name(index), bound.start) : name(index)))
    .reduce((offset, steps, at) => binary('+', times(extentOf(ranges[at]), offset), steps))
}

/** The statements that others read, directly or not, in order. */
function neededBy(others: readonly Statement[], statements: readonly Statement[]): Statement[] {
  const wanted = new Set<string>()
  const want = (statement: Statement): void =>
    visitFree(statement, (leaf) => wanted.add(leaf.kind === 'read' ? leaf.tensor : leaf.name))
  for (const statement of others) want(statement)
  const needed: Statement[] = []
  for (const statement of [...statements].reverse()) {
    if (!wanted.has(statement.name)) continue
    needed.unshift(statement)
    want(statement)
  }
  return needed
}
