// One linear equation over the integers: in which order its unknowns are split off, and inverses modulo a number.
import { greatestCommonDivisor } from '../index/index.ts'

export interface UnknownTerm {
  readonly index: string
  readonly coefficient: number
  readonly extent: number
}

/** Equations of more unknowns are ordered greedily. */
const maxSearched = 5

/**
 * The order of splitting off that leaves the fewest combinations free, and their number. The last unknown is determined by
 * the others. Of equal orders, the one whose last unknown comes first among `terms`.
 */
export function cheapestOrder(terms: readonly UnknownTerm[]): {
  readonly order: readonly UnknownTerm[]
  readonly cost: number
} {
  if (terms.length === 1) return { order: terms, cost: 1 }
  let best: { readonly order: readonly UnknownTerm[]; readonly cost: number } | null = null
  const firsts = terms.length > maxSearched ? [cheapestFirst(terms)] : [...terms].reverse()
  for (const first of firsts) {
    const others = terms.filter((term) => term !== first)
    const rest = cheapestOrder(others)
    const cost = rest.cost * leftOf(first, others)
    if (!best || cost < best.cost) best = { order: [first, ...rest.order], cost }
  }
  return best!
}

/** How many values of an unknown stay possible when it is split off before the others. */
function leftOf(first: UnknownTerm, others: readonly UnknownTerm[]): number {
  const divisor = others.reduce((sofar, { coefficient }) => greatestCommonDivisor(sofar, coefficient), 0)
  return Math.ceil(first.extent / (divisor / greatestCommonDivisor(divisor, first.coefficient)))
}

function cheapestFirst(terms: readonly UnknownTerm[]): UnknownTerm {
  const left = (term: UnknownTerm) =>
    leftOf(
      term,
      terms.filter((other) => other !== term),
    )
  return terms.reduce((best, term) => (left(term) <= left(best) ? term : best))
}

/** The inverse of `a` modulo `modulus`, of smallest magnitude, for coprime numbers. */
export function inverseModulo(a: number, modulus: number): number {
  let [previous, current] = [modulus, ((a % modulus) + modulus) % modulus]
  let [before, factor] = [0, 1]
  while (current !== 0) {
    const times = Math.floor(previous / current)
    ;[previous, current] = [current, previous - times * current]
    ;[before, factor] = [factor, before - times * factor]
  }
  const positive = ((before % modulus) + modulus) % modulus
  return positive * 2 > modulus ? positive - modulus : positive
}
