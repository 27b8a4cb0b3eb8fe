// Turning a read around. A read x[rows] takes indices to a place in x; the gradient of x needs, for every place, the
// indices that lead there. The rows are equations `row = place`, solved exactly over the integers, so that the gradient
// gathers: it never inserts zeros and never adds at scattered places.
import type { Expr } from '../expression/tree.ts'
import { print } from '../formula/print.ts'
import type { BoundRange, Shape } from '../graph/node.ts'
import {
  type Affine,
  add,
  affineKey,
  affineOf,
  bounds,
  constant,
  floorDivide,
  greatestCommonDivisor,
  type Interval,
  indexOf,
  isConstant,
  namesIn,
  remainder,
  scale,
  substituteIndices,
  subtract,
} from '../index/index.ts'
import { cheapestOrder, inverseModulo, type UnknownTerm } from './linearEquation.ts'
import { combinations } from './ranges.ts'
import type { Condition, Solution } from './solution.ts'

/**
 * Solves `rows = place` for a read of a tensor of the given shape, where `indices` run over their ranges.
 * Null when no place is ever reached. Affine rows, floor division and remainder by constants included, are always solved;
 * any other row (an index read from a tensor) stays a condition.
 */
export function solveRead(rows: readonly Expr[], indices: readonly BoundRange[], shape: Shape): Solution | null {
  const ranges = indices.map(({ index, start, extent }) => `${index}=${start}+${extent}`)
  const key = `[${shape}] ${ranges} ${rows.map(print)}`
  let solution = solved.get(key)
  if (solution === undefined) {
    if (solved.size === mostSolved) solved.delete(solved.keys().next().value!)
    solution = solve(rows, indices, shape)
    solved.set(key, solution)
  }
  return solution
}

/** Networks repeat themselves: what is read again and again is turned around once. */
const solved = new Map<string, Solution | null>()
const mostSolved = 1000

function solve(rows: readonly Expr[], indices: readonly BoundRange[], shape: Shape): Solution | null {
  const solution = trySolving(rows, indices, shape, true)
  if (!solution || combinations(solution.remaining) <= combinations(indices)) return solution
  // Digits of digits can be more than what they were made of.
  return trySolving(rows, indices, shape, false)
}

/** With `eliminates` false everything runs and the rows are conditions. */
function trySolving(
  rows: readonly Expr[],
  indices: readonly BoundRange[],
  shape: Shape,
  eliminates: boolean,
): Solution | null {
  const system = newSystem(indices)
  const targets = shape.map((_, dimension) => `@${dimension}`)
  shape.forEach((extent, dimension) => {
    system.intervals.set(targets[dimension], { min: 0, max: extent - 1 })
  })
  rows.forEach((row, dimension) => {
    const affine = affineOf(row, system.intervals)
    const target = shape[dimension] === 1 ? constant(0) : indexOf(targets[dimension])
    if (affine) system.equations.push(subtract(affine, target))
    else system.conditions.push({ kind: 'place', row, target })
  })
  for (const { index, start, extent } of indices) if (extent === 1) bind(system, index, constant(start), false)
  if (eliminates) {
    introduceQuotients(system)
    for (;;) {
      if (!settleKnown(system)) return null
      const next = chooseEquation(system)
      if (!next) break
      if (!eliminate(system, next)) return null
    }
  }
  for (const equation of system.equations) system.conditions.push({ kind: 'zero', of: equation })
  const conditions = necessary(system)
  return conditions && named(system, conditions, targets, rows, shape)
}

/** Equations over indices, some of which are unknown. */
interface System {
  /** The values of every index in play. */
  readonly intervals: Map<string, Interval>
  /** Indices that have no binding, in the order in which they shall be reduced. */
  unknowns: string[]
  /** Original indices; the others were made on the way, and only the ones in `checked` need to be in their range. */
  readonly original: ReadonlySet<string>
  readonly checked: Set<string>
  readonly bindings: Map<string, Affine>
  /** Each is 0. */
  equations: Affine[]
  conditions: Condition[]
  /** Quotient and remainder that stand for a division, by what is divided. */
  readonly divisions: Map<string, { readonly quotient: string; readonly rest: string }>
}

function newSystem(indices: readonly BoundRange[]): System {
  return {
    intervals: new Map(indices.map(({ index, start, extent }) => [index, { min: start, max: start + extent - 1 }])),
    unknowns: indices.map(({ index }) => index),
    original: new Set(indices.map(({ index }) => index)),
    checked: new Set(indices.map(({ index }) => index)),
    bindings: new Map(),
    equations: [],
    conditions: [],
    divisions: new Map(),
  }
}

/** Gives an index its value, everywhere. `check` when that value may lie outside the index's range. */
function bind(system: System, index: string, value: Affine, check: boolean): void {
  const values = new Map([[index, value]])
  const rewrite = (a: Affine): Affine => (namesIn(a).has(index) ? substituteIndices(a, values, system.intervals) : a)
  system.unknowns = system.unknowns.filter((other) => other !== index)
  system.equations = system.equations.map(rewrite)
  system.conditions = system.conditions.map((condition) =>
    condition.kind === 'place' ? condition : { ...condition, of: rewrite(condition.of) },
  )
  for (const [other, bound] of system.bindings) system.bindings.set(other, rewrite(bound))
  system.bindings.set(index, value)
  if (check) system.conditions.push({ kind: 'range', index, of: value, within: system.intervals.get(index)! })
}

/** Turns equations without unknowns into conditions. False when one can never hold. */
function settleKnown(system: System): boolean {
  const open: Affine[] = []
  for (const equation of system.equations) {
    if (hasUnknown(system, equation)) open.push(equation)
    else if (isConstant(equation)) {
      if (equation.constant !== 0) return false
    } else system.conditions.push({ kind: 'zero', of: equation })
  }
  system.equations = open
  return true
}

const hasUnknown = (system: System, a: Affine): boolean =>
  [...namesIn(a)].some((index) => system.unknowns.includes(index))

/**
 * Replaces `of / by` and `of % by` of unknowns by a quotient and a remainder with `of = by · quotient + remainder`. Divisions
 * that come up later, in solutions, stay as they are, and their unknowns run.
 */
function introduceQuotients(system: System): void {
  for (let at = 0; at < system.equations.length; at++) {
    const { constant: start, terms } = system.equations[at]
    let linear = constant(start)
    for (const term of terms) {
      const { atom, coefficient } = term
      if (atom.kind === 'index' || !hasUnknown(system, atom.of)) {
        linear = add(linear, { constant: 0, terms: [term] })
        continue
      }
      const { quotient, rest } = divide(system, atom.of, atom.by)
      linear = add(linear, scale(indexOf(atom.kind === 'div' ? quotient : rest), coefficient))
    }
    system.equations[at] = linear
  }
}

function divide(system: System, of: Affine, by: number): { readonly quotient: string; readonly rest: string } {
  const key = `${affineKey(of)} / ${by}`
  const known = system.divisions.get(key)
  if (known) return known
  const parent = [...namesIn(of)].find((index) => system.unknowns.includes(index))!
  const { min, max } = bounds(of, system.intervals)
  const quotient = newUnknown(system, parent, { min: Math.floor(min / by), max: Math.floor(max / by) })
  const rest = newUnknown(system, parent, { min: 0, max: by - 1 })
  system.checked.add(rest)
  const whole = add(scale(indexOf(quotient), by), indexOf(rest))
  system.equations.push(subtract(of, whole))
  const division = { quotient, rest }
  system.divisions.set(key, division)
  return division
}

/** An unknown that takes its place, and its name with a prime, from another one. */
function newUnknown(system: System, parent: string, interval: Interval): string {
  let fresh = `${parent}'`
  while (system.intervals.has(fresh)) fresh += "'"
  system.intervals.set(fresh, interval)
  system.unknowns.splice(system.unknowns.indexOf(parent) + 1, 0, fresh)
  return fresh
}

interface Elimination {
  readonly equation: Affine
  /** The unknowns in the order in which they are split off; the last is the one that is solved. */
  readonly order: readonly UnknownTerm[]
}

/** The equation of fewest unknowns, and of those the one that leaves the smallest reduction. */
function chooseEquation(system: System): Elimination | null {
  let best: (Elimination & { readonly cost: number }) | null = null
  for (const equation of system.equations) {
    const terms = unknownTerms(system, equation)
    if (terms.length === 0 || (best && terms.length > best.order.length)) continue
    const { order, cost } = cheapestOrder(terms)
    if (!best || order.length < best.order.length || cost < best.cost) best = { equation, order, cost }
  }
  return best
}

/** The unknowns for which an equation can be solved: not those that it also divides. */
function unknownTerms(system: System, equation: Affine): UnknownTerm[] {
  const divided = new Set(equation.terms.flatMap(({ atom }) => (atom.kind === 'index' ? [] : [...namesIn(atom.of)])))
  const terms: UnknownTerm[] = []
  for (const index of system.unknowns) {
    const term = equation.terms.find(({ atom }) => atom.kind === 'index' && atom.name === index)
    if (!term || divided.has(index)) continue
    const { min, max } = system.intervals.get(index)!
    terms.push({ index, coefficient: term.coefficient, extent: max - min + 1 })
  }
  return terms
}

/**
 * Solves `Σ coefficient · unknown = known`. All but the last unknown are split off one by one: when the others have the
 * greatest common divisor g, an unknown of coefficient c is fixed modulo g / gcd(c, g), and only the multiples of that stay
 * free. False when there is no solution.
 */
function eliminate(system: System, { equation, order }: Elimination): boolean {
  system.equations = system.equations.filter((other) => other !== equation)
  const { intervals } = system
  let coefficients = order.map(({ coefficient }) => coefficient)
  const unknown = new Set(order.map(({ index }) => index))
  let known = scale(
    {
      constant: equation.constant,
      terms: equation.terms.filter(({ atom }) => atom.kind !== 'index' || !unknown.has(atom.name)),
    },
    -1,
  )
  for (let at = 0; at < order.length; at++) {
    const { index } = order[at]
    const divisor = coefficients.slice(at).reduce(greatestCommonDivisor, 0)
    const whole = quotientOf(system, known, divisor)
    if (!whole) return false
    known = whole
    coefficients = coefficients.map((coefficient) => coefficient / divisor)
    const own = coefficients[at]
    if (at === order.length - 1) {
      bind(system, index, scale(known, own), system.checked.has(index))
      break
    }
    const modulus = coefficients.slice(at + 1).reduce(greatestCommonDivisor, 0)
    if (modulus === 1) {
      known = subtract(known, scale(indexOf(index), own))
      continue
    }
    const { min, max } = intervals.get(index)!
    known = subtract(known, constant(own * min))
    const unit = Math.abs(own) === 1
    const inverse = unit ? own : inverseModulo(own, modulus)
    const phase = remainder(scale(known, inverse), modulus, intervals)
    const count = Math.ceil((max - min + 1) / modulus)
    const step = count > 1 ? indexOf(newUnknown(system, index, { min: 0, max: count - 1 })) : constant(0)
    bind(system, index, add(add(phase, scale(step, modulus)), constant(min)), system.checked.has(index))
    const base = unit
      ? scale(floorDivide(scale(known, own), modulus, intervals), own)
      : floorDivide(subtract(known, scale(phase, own)), modulus, intervals)
    known = subtract(base, scale(step, own))
    coefficients = coefficients.map((coefficient) => coefficient / modulus)
  }
  return true
}

/** `a / by` where `by` must divide it, noted as a condition; null when it never does. */
function quotientOf(system: System, a: Affine, by: number): Affine | null {
  if (by === 1) return a
  const rest = remainder(a, by, system.intervals)
  if (isConstant(rest)) {
    if (rest.constant !== 0) return null
  } else system.conditions.push({ kind: 'divisible', of: a, by })
  return floorDivide(a, by, system.intervals)
}

/** The conditions that do not hold anyway; null when one never holds. */
function necessary(system: System): Condition[] | null {
  const kept = new Map<string, Condition>()
  for (const condition of system.conditions) {
    if (condition.kind === 'place') {
      kept.set(`place ${kept.size}`, condition)
      continue
    }
    const { of } = condition
    const { min, max } = bounds(of, system.intervals)
    if (condition.kind === 'range') {
      const { within } = condition
      if (min > within.max || max < within.min) return null
      if (min < within.min || max > within.max) kept.set(`${condition.index} ${affineKey(of)}`, condition)
    } else if (condition.kind === 'divisible') {
      const rest = remainder(of, condition.by, system.intervals)
      if (!isConstant(rest)) kept.set(`${affineKey(of)} % ${condition.by}`, condition)
      else if (rest.constant !== 0) return null
    } else if (!isConstant(of)) {
      if (min > 0 || max < 0) return null
      kept.set(affineKey(of), condition)
    } else if (of.constant !== 0) return null
  }
  return [...kept.values()]
}

/** The solution with names for people: a place is called as the index that alone led to it, where that name is free. */
function named(
  system: System,
  conditions: readonly Condition[],
  targets: readonly string[],
  rows: readonly Expr[],
  shape: Shape,
): Solution {
  const kept = system.unknowns.filter((index) => system.original.has(index))
  const taken = new Set(kept)
  const names = rows.map((row) => {
    const wanted = row.kind === 'name' && !taken.has(row.name) ? row.name : null
    if (wanted) taken.add(wanted)
    return wanted
  })
  const fresh = [...'abcdefghijklmnopqrstuvwxyz'].filter((letter) => !taken.has(letter) && !system.original.has(letter))
  const chosen = names.map((wanted, dimension) => wanted ?? fresh.shift() ?? `a${dimension}'`)
  const renamed = new Map(targets.map((target, dimension) => [target, indexOf(chosen[dimension])]))
  const intervals = new Map(
    chosen.map((index, dimension) => [index, system.intervals.get(targets[dimension])!] as const),
  )
  for (const index of chosen) taken.add(index)
  const remaining = system.unknowns.map((index): BoundRange => {
    const { min, max } = system.intervals.get(index)!
    let name = index
    if (!system.original.has(index)) {
      name = index.replace(/'+$/, "'")
      while (taken.has(name)) name += "'"
      taken.add(name)
      renamed.set(index, indexOf(name))
    }
    intervals.set(name, { min, max })
    return { index: name, start: min, extent: max - min + 1 }
  })
  const rename = (a: Affine): Affine => substituteIndices(a, renamed, intervals)
  const bindings = new Map<string, Affine>()
  for (const [index, value] of system.bindings) if (system.original.has(index)) bindings.set(index, rename(value))
  return {
    targets: chosen.map((index, dimension) => ({ index, start: 0, extent: shape[dimension] })),
    remaining,
    bindings,
    conditions: conditions.map((condition) =>
      condition.kind === 'place'
        ? { ...condition, target: rename(condition.target) }
        : { ...condition, of: rename(condition.of) },
    ),
    intervals,
  }
}
