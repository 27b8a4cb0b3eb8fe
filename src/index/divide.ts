// Floor division and remainder of index expressions by positive constants, simplified with what is known of the indices.
import type { Affine, Intervals, Term } from './affine.ts'
import { add, constant, isConstant, modAtom, ofAtom, quotientAtom, scale, subtract } from './arithmetic.ts'
import { bounds } from './bounds.ts'

/** `⌊a / by⌋` for an integer by > 0. */
export function floorDivide(a: Affine, by: number, intervals: Intervals): Affine {
  if (by === 1) return a
  const { quotient, rest } = split(a, by)
  return add(quotient, divideRest(rest, by, intervals))
}

/** `a - by · ⌊a / by⌋`, in 0 … by-1, for an integer by > 0. */
export function remainder(a: Affine, by: number, intervals: Intervals): Affine {
  if (by === 1) return constant(0)
  return remainderOfRest(split(a, by).rest, by, intervals)
}

/** `a = by · quotient + rest`, with every coefficient of the rest smaller than `by` and its constant in 0 … by-1. */
function split(a: Affine, by: number): { quotient: Affine; rest: Affine } {
  const whole: Term[] = []
  const rest: Term[] = []
  for (const { coefficient, atom } of a.terms) {
    const times = Math.trunc(coefficient / by)
    const left = coefficient - times * by
    if (times !== 0) whole.push({ coefficient: times, atom })
    if (left !== 0) rest.push({ coefficient: left, atom })
  }
  const times = Math.floor(a.constant / by)
  return {
    quotient: { constant: times, terms: whole },
    rest: { constant: a.constant - times * by, terms: rest },
  }
}

function divideRest(rest: Affine, by: number, intervals: Intervals): Affine {
  if (isConstant(rest)) return constant(0)
  const block = blockOf(rest, by, intervals)
  if (block !== null) return constant(block)
  const digits = splitDigits(rest, by, intervals)
  if (digits) return floorDivide(digits.high, by / digits.base, intervals)
  const [{ coefficient, atom }] = rest.terms
  if (
    rest.terms.length === 1 &&
    coefficient === 1 &&
    rest.constant === 0 &&
    atom.kind === 'mod' &&
    atom.by % by === 0
  ) {
    return remainder(floorDivide(atom.of, by, intervals), atom.by / by, intervals)
  }
  const shorter = withoutRemainder(rest, by, intervals)
  if (shorter) return shorter
  const quotient = quotientAtom(rest, by)
  // A quotient of a quotient has become one quotient of something new, which may simplify in turn.
  if (quotient.kind === 'div' && quotient.by !== by) return floorDivide(quotient.of, quotient.by, intervals)
  return ofAtom(quotient)
}

/** For `(x + k·(a%m)) / by`, where `by` divides k·m and `x + k·a` is shorter: `(x + k·a)/by - (k·m/by)·(a/m)`. */
function withoutRemainder(rest: Affine, by: number, intervals: Intervals): Affine | null {
  for (const term of rest.terms) {
    const { coefficient, atom } = term
    if (atom.kind !== 'mod' || (coefficient * atom.by) % by !== 0) continue
    const others = { constant: rest.constant, terms: rest.terms.filter((other) => other !== term) }
    const undivided = add(others, scale(atom.of, coefficient))
    if (undivided.terms.length >= rest.terms.length) continue
    const above = scale(floorDivide(atom.of, atom.by, intervals), (coefficient * atom.by) / by)
    return subtract(floorDivide(undivided, by, intervals), above)
  }
  return null
}

function remainderOfRest(rest: Affine, by: number, intervals: Intervals): Affine {
  if (isConstant(rest)) return rest
  const block = blockOf(rest, by, intervals)
  if (block !== null) return add(rest, constant(-block * by))
  // k·(a % m) is k·a less a multiple of k·m, which vanishes when `by` divides that.
  const inner = rest.terms.find(({ coefficient, atom }) => atom.kind === 'mod' && (coefficient * atom.by) % by === 0)
  if (inner && inner.atom.kind === 'mod') {
    const others = { constant: rest.constant, terms: rest.terms.filter((term) => term !== inner) }
    return remainder(add(others, scale(inner.atom.of, inner.coefficient)), by, intervals)
  }
  const digits = splitDigits(rest, by, intervals)
  if (digits) return add(scale(remainder(digits.high, by / digits.base, intervals), digits.base), digits.low)
  return ofAtom(modAtom(rest, by))
}

/** The k for which `a` always lies in k·by … k·by + by - 1, if there is one. */
function blockOf(a: Affine, by: number, intervals: Intervals): number | null {
  const { min, max } = bounds(a, intervals)
  const block = Math.floor(min / by)
  return Number.isFinite(block) && block === Math.floor(max / by) ? block : null
}

/** `a = base · high + low` with base a divisor of `by` above 1 and low in 0 … base-1, when the terms fall apart so. */
function splitDigits(a: Affine, by: number, intervals: Intervals): { base: number; high: Affine; low: Affine } | null {
  const tried = new Set<number>()
  for (const { coefficient } of a.terms) {
    const base = greatestCommonDivisor(coefficient, by)
    if (base === 1 || tried.has(base)) continue
    tried.add(base)
    const above: Term[] = []
    const below: Term[] = []
    for (const term of a.terms) {
      if (term.coefficient % base !== 0) below.push(term)
      else above.push({ coefficient: term.coefficient / base, atom: term.atom })
    }
    const carried = Math.floor(a.constant / base)
    const low: Affine = { constant: a.constant - carried * base, terms: below }
    const block = blockOf(low, base, intervals)
    if (block === null) continue
    return {
      base,
      high: { constant: carried + block, terms: above },
      low: block === 0 ? low : subtract(low, constant(block * base)),
    }
  }
  return null
}

export function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)]
  while (y !== 0) [x, y] = [y, x % y]
  return x
}
