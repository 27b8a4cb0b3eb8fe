// Sums and multiples of index expressions, kept in canonical form.
import type { Affine, Atom, Term } from './affine.ts'

type DivisionAtom = Exclude<Atom, { kind: 'index' }>

const zero: Affine = { constant: 0, terms: [] }

export const constant = (value: number): Affine => (value === 0 ? zero : { constant: value, terms: [] })

/** An index by name, as an index expression. */
export const indexOf = (name: string): Affine => ofAtom({ kind: 'index', key: name, name })

export const ofAtom = (atom: Atom): Affine => ({ constant: 0, terms: [{ coefficient: 1, atom }] })

export const isConstant = (a: Affine): boolean => a.terms.length === 0

export const isZero = (a: Affine): boolean => a.constant === 0 && a.terms.length === 0

/** A text that is equal for equal canonical forms. */
export function affineKey(a: Affine): string {
  let key = String(a.constant)
  for (const { coefficient, atom } of a.terms) key += `${coefficient < 0 ? '' : '+'}${coefficient}*${atom.key}`
  return key
}

export function divAtom(of: Affine, by: number): Atom {
  return { kind: 'div', key: `(${affineKey(of)})/${by}`, of, by }
}

export function modAtom(of: Affine, by: number): Atom {
  return { kind: 'mod', key: `(${affineKey(of)})%${by}`, of, by }
}

export function add(a: Affine, b: Affine): Affine {
  if (isZero(a)) return b
  if (isZero(b)) return a
  const terms = mergeTerms(a.terms, b.terms)
  return recombine({ constant: a.constant + b.constant, terms })
}

export const subtract = (a: Affine, b: Affine): Affine => add(a, scale(b, -1))

/** `k · a`, for an integer k. */
export function scale(a: Affine, k: number): Affine {
  if (k === 1) return a
  if (k === 0) return zero
  return {
    constant: a.constant * k + 0, // never -0
    terms: a.terms.map(({ coefficient, atom }) => ({ coefficient: coefficient * k, atom })),
  }
}

function mergeTerms(a: readonly Term[], b: readonly Term[]): Term[] {
  const merged: Term[] = []
  let left = 0
  let right = 0
  while (left < a.length && right < b.length) {
    const one = a[left]
    const two = b[right]
    if (one.atom.key === two.atom.key) {
      const coefficient = one.coefficient + two.coefficient
      if (coefficient !== 0) merged.push({ coefficient, atom: one.atom })
      left++
      right++
    } else if (one.atom.key < two.atom.key) {
      merged.push(one)
      left++
    } else {
      merged.push(two)
      right++
    }
  }
  while (left < a.length) merged.push(a[left++])
  while (right < b.length) merged.push(b[right++])
  return merged
}

/**
 * Puts together what was divided: `k·c·(a/c) + k·(a%c)` is `k·a`, `k·c·((a/c)%b) + k·(a%c)` is `k·(a%(b·c))`,
 * `k·a - k·c·(a/c)` is `k·(a%c)`, and `k·a - k·(a%c)` is `k·c·(a/c)`.
 */
function recombine(sum: Affine): Affine {
  if (sum.terms.length < 2) return sum
  for (const term of sum.terms) {
    if (term.atom.kind === 'index') continue
    const joined = term.atom.kind === 'mod' ? joinQuotient(sum, term, term.atom) : null
    const shorter = joined ?? takeMultiple(sum, term, term.atom)
    if (shorter) return shorter
  }
  return sum
}

function joinQuotient(sum: Affine, term: Term, { of, by }: DivisionAtom): Affine | null {
  const quotient = quotientAtom(of, by)
  const partner = sum.terms.find(
    ({ coefficient, atom }) =>
      coefficient === term.coefficient * by && (atom.key === quotient.key || isDigitAbove(atom, quotient)),
  )
  if (!partner) return null
  const rest = { constant: sum.constant, terms: sum.terms.filter((other) => other !== term && other !== partner) }
  const whole = partner.atom.kind === 'mod' ? ofAtom(modAtom(of, by * partner.atom.by)) : of
  return add(rest, scale(whole, term.coefficient))
}

/** `k·a - k·c·(a/c)` or `k·a - k·(a%c)` as one term, when all of `k·a` is there. */
function takeMultiple(sum: Affine, term: Term, { kind, of, by }: DivisionAtom): Affine | null {
  const times = kind === 'div' ? -term.coefficient / by : -term.coefficient
  if (!Number.isInteger(times)) return null
  const isThere = of.terms.every((part) =>
    sum.terms.some(({ coefficient, atom }) => atom.key === part.atom.key && coefficient === times * part.coefficient),
  )
  if (!isThere) return null
  const gone = new Set([term.atom.key, ...of.terms.map(({ atom }) => atom.key)])
  const rest = {
    constant: sum.constant - times * of.constant,
    terms: sum.terms.filter(({ atom }) => !gone.has(atom.key)),
  }
  return add(
    rest,
    kind === 'div' ? scale(ofAtom(modAtom(of, by)), times) : scale(ofAtom(quotientAtom(of, by)), times * by),
  )
}

/** `quotient % b`, for any b. */
function isDigitAbove(atom: Atom, quotient: Atom): boolean {
  if (atom.kind !== 'mod' || atom.of.constant !== 0 || atom.of.terms.length !== 1) return false
  const [only] = atom.of.terms
  return only.coefficient === 1 && only.atom.key === quotient.key
}

/** The atom of `a / by`, where `a` is already reduced modulo `by`. A quotient of a quotient is one quotient. */
export function quotientAtom(a: Affine, by: number): Atom {
  const [term] = a.terms
  if (a.terms.length === 1 && term.coefficient === 1 && term.atom.kind === 'div') {
    const { of, by: inner } = term.atom
    return quotientAtom(a.constant === 0 ? of : add(of, constant(a.constant * inner)), inner * by)
  }
  return divAtom(a, by)
}

/** The names of the indices that occur. */
export function namesIn(a: Affine): Set<string> {
  const names = new Set<string>()
  collectNames(a, names)
  return names
}

function collectNames(a: Affine, names: Set<string>): void {
  for (const { atom } of a.terms) {
    if (atom.kind === 'index') names.add(atom.name)
    else collectNames(atom.of, names)
  }
}

/** The value at a point; throws a RangeError for an index without a value. */
export function evaluateAffine(a: Affine, values: ReadonlyMap<string, number>): number {
  let total = a.constant
  for (const { coefficient, atom } of a.terms) total += coefficient * evaluateAtom(atom, values)
  return total
}

function evaluateAtom(atom: Atom, values: ReadonlyMap<string, number>): number {
  if (atom.kind === 'index') {
    const value = values.get(atom.name)
    if (value === undefined) throw new RangeError(`index ${atom.name} has no value`)
    return value
  }
  const of = evaluateAffine(atom.of, values)
  const quotient = Math.floor(of / atom.by)
  return atom.kind === 'div' ? quotient : of - quotient * atom.by
}
