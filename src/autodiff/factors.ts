// A pointwise body as a product, so that what a reduction does not run over can stand outside of it.
import { binary, type Expr, number, walk } from '../expression/tree.ts'
import { isNumber, negate, one, over, times } from './algebra.ts'

/** `coefficient · Π numerators / Π denominators`, and 0 where one of the conditions fails. */
export interface Factors {
  readonly coefficient: number
  readonly numerators: readonly Expr[]
  readonly denominators: readonly Expr[]
  readonly conditions: readonly Expr[]
}

/** The factors of an expression. Of a factor `where(c, a, 0)`, c becomes a condition if `takes` says so. */
export function factorsOf(expr: Expr, takes: (condition: Expr) => boolean): Factors {
  let coefficient = 1
  const numerators: Expr[] = []
  const denominators: Expr[] = []
  const conditions: Expr[] = []
  const collect = (part: Expr, inverse: boolean): void => {
    if (part.kind === 'number') {
      coefficient *= inverse ? 1 / part.value : part.value
    } else if (part.kind === 'unary' && part.op === '-') {
      coefficient *= -1
      collect(part.arg, inverse)
    } else if (part.kind === 'binary' && part.op === '*') {
      collect(part.left, inverse)
      collect(part.right, inverse)
    } else if (part.kind === 'binary' && part.op === '/' && !inverse) {
      collect(part.left, false)
      collect(part.right, true)
    } else if (
      !inverse &&
      part.kind === 'call' &&
      part.fn === 'where' &&
      isNumber(part.args[2], 0) &&
      takes(part.args[0])
    ) {
      conditions.push(...conjuncts(part.args[0]))
      collect(part.args[1], false)
    } else (inverse ? denominators : numerators).push(part)
  }
  collect(expr, false)
  return { coefficient, numerators, denominators, conditions }
}

/** The parts of a conjunction. */
export function conjuncts(condition: Expr | null): Expr[] {
  if (condition === null) return []
  if (condition.kind !== 'binary' || condition.op !== 'and') return [condition]
  return [...conjuncts(condition.left), ...conjuncts(condition.right)]
}

export function conjunction(conditions: readonly Expr[]): Expr | null {
  return conditions.length === 0 ? null : conditions.reduce((all, next) => binary('and', all, next))
}

/** The product of factors, conditions left out. */
export function productOf({ coefficient, numerators, denominators }: Omit<Factors, 'conditions'>): Expr {
  const magnitude = Math.abs(coefficient)
  let product = magnitude === 1 ? one : number(magnitude)
  for (const factor of numerators) product = times(product, factor)
  if (denominators.length > 0) product = over(product, denominators.reduce(times))
  return coefficient < 0 ? negate(product) : product
}

/** Whether a name (an index) occurs in an expression. */
export function mentions(expr: Expr, names: { has(name: string): boolean }): boolean {
  let found = false
  walk(expr, (part) => {
    if (part.kind === 'name' && names.has(part.name)) found = true
  })
  return found
}
