// Turning a read around without knowing extents: index expressions with symbolic constants, solved for some of their indices.
import { binary, type Expr, name, number, substitute } from '../expression/tree.ts'
import { type Derivative, isNumber, minus, negate, one, over, plus, times } from './algebra.ts'
import { roundDivisions } from './solution.ts'

/** `Σ coefficient · index + rest`, coefficients and rest without indices. */
interface Linear {
  readonly terms: ReadonlyMap<string, Expr>
  readonly rest: Derivative
}

export interface SymbolicSolution {
  readonly bindings: ReadonlyMap<string, Expr>
  readonly conditions: readonly Expr[]
}

/**
 * Solves `row = target` for as many of the indices as there are rows, the first ones of `preferred` before others. A
 * coefficient other than 1 asks for divisibility; rows that are not linear stay conditions.
 */
export function solveSymbolic(
  rows: readonly Expr[],
  targets: readonly string[],
  indices: ReadonlySet<string>,
  preferred: ReadonlySet<string>,
): SymbolicSolution {
  const bindings = new Map<string, Expr>()
  const conditions: Expr[] = []
  let open = rows.map((row, dimension) => ({ row, target: name(targets[dimension]) }))
  while (open.length > 0) {
    const unknown = new Set([...indices].filter((index) => !bindings.has(index)))
    const linear = open.map(({ row }) => linearOf(substitute(row, bindings), unknown))
    const at = fewestTerms(linear)
    const form = at < 0 ? null : linear[at]
    const { row, target } = open[Math.max(at, 0)]
    open = open.filter((_, position) => position !== Math.max(at, 0))
    const index = form && chooseIndex(form, preferred)
    if (!form || !index) {
      conditions.push(binary('==', roundDivisions(substitute(row, bindings)), target))
      continue
    }
    const others = { terms: new Map([...form.terms].filter(([other]) => other !== index)), rest: form.rest }
    const value = divide(target, others, form.terms.get(index)!, conditions)
    for (const [other, bound] of bindings) bindings.set(other, substitute(bound, new Map([[index, value]])))
    bindings.set(index, value)
  }
  return { bindings, conditions }
}

/** The position of the linear form of fewest unknowns, but of some; -1 without any. */
function fewestTerms(forms: readonly (Linear | null)[]): number {
  let best = -1
  forms.forEach((form, at) => {
    if (form && form.terms.size > 0 && (best < 0 || form.terms.size < forms[best]!.terms.size)) best = at
  })
  return best
}

function chooseIndex({ terms }: Linear, preferred: ReadonlySet<string>): string | null {
  const isUnit = (coefficient: Expr): boolean => isNumber(coefficient, 1) || isNumber(coefficient, -1)
  const rank = ([index, coefficient]: [string, Expr]): number =>
    (preferred.has(index) ? 0 : 2) + (isUnit(coefficient) ? 0 : 1)
  const ordered = [...terms].sort((a, b) => rank(a) - rank(b))
  return ordered.length > 0 ? ordered[0][0] : null
}

/** `(target - others) / coefficient`, with its divisibility noted. */
function divide(target: Expr, others: Linear, coefficient: Expr, conditions: Expr[]): Expr {
  const negative =
    (coefficient.kind === 'number' && coefficient.value < 0) || (coefficient.kind === 'unary' && coefficient.op === '-')
  const divisor = negative ? negate(coefficient) : coefficient
  const difference = exprOfLinear(
    negative
      ? { terms: others.terms, rest: minus(others.rest, target) }
      : {
          terms: new Map([...others.terms].map(([index, of]) => [index, negate(of)])),
          rest: minus(target, others.rest),
        },
    true,
  )
  if (isNumber(divisor, 1)) return difference
  conditions.push(binary('==', binary('%', roundDivisions(difference), divisor), number(0)))
  return over(difference, divisor)
}

/** The linear form of an index expression; null when it divides, multiplies indices, or reads a tensor. */
export function linearOf(expr: Expr, indices: { has(name: string): boolean }): Linear | null {
  switch (expr.kind) {
    case 'number':
      return { terms: new Map(), rest: expr.value === 0 ? null : expr }
    case 'name':
      return indices.has(expr.name)
        ? { terms: new Map([[expr.name, one]]), rest: null }
        : { terms: new Map(), rest: expr }
    case 'unary': {
      const arg = expr.op === '-' ? linearOf(expr.arg, indices) : null
      return arg && scaled(arg, (part) => negate(part))
    }
    case 'binary': {
      const left = linearOf(expr.left, indices)
      const right = left && linearOf(expr.right, indices)
      if (!left || !right) return null
      if (expr.op === '+') return added(left, right)
      if (expr.op === '-')
        return added(
          left,
          scaled(right, (part) => negate(part)),
        )
      if (expr.op === '*' && left.terms.size === 0) return scaled(right, (part) => times(left.rest ?? number(0), part))
      if (expr.op === '*' && right.terms.size === 0) return scaled(left, (part) => times(right.rest ?? number(0), part))
      return left.terms.size + right.terms.size === 0 ? { terms: new Map(), rest: expr } : null
    }
    default:
      return null
  }
}

function scaled({ terms, rest }: Linear, change: (part: Expr) => Expr): Linear {
  return {
    terms: new Map([...terms].map(([index, coefficient]) => [index, change(coefficient)])),
    rest: rest && change(rest),
  }
}

function added(a: Linear, b: Linear): Linear {
  const terms = new Map(a.terms)
  for (const [index, coefficient] of b.terms) {
    const sum = plus(terms.get(index) ?? null, coefficient)
    if (sum) terms.set(index, sum)
    else terms.delete(index)
  }
  return { terms, rest: plus(a.rest, b.rest) }
}

/** As people write it: what is added first, then what is taken away. */
function exprOfLinear({ terms, rest }: Linear, restFirst: boolean): Expr {
  const parts: Expr[] = [...terms].map(([index, coefficient]) => times(coefficient, name(index)))
  if (rest) parts.splice(restFirst ? 0 : parts.length, 0, rest)
  const isNegative = (part: Expr): boolean =>
    (part.kind === 'unary' && part.op === '-') || (part.kind === 'number' && part.value < 0)
  const ordered = [...parts.filter((part) => !isNegative(part)), ...parts.filter(isNegative)]
  const subtracted = (sum: Expr, part: Expr): Expr =>
    part.kind === 'number' && part.value < 0 ? binary('-', sum, number(-part.value)) : plus(sum, part)!
  return ordered.length === 0 ? number(0) : ordered.reduce(subtracted)
}

/** The same index expression without terms that cancel, where it is linear. */
export function tidyIndex(expr: Expr, indices: { has(name: string): boolean }): Expr {
  const linear = linearOf(expr, indices)
  return linear ? exprOfLinear(linear, false) : expr
}
