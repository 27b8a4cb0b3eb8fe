// Tree to canonical text. `parse(print(tree))` is the same tree; parentheses stand only where the parser needs them.
import type { Expr, FormulaTree, Range, ReduceExpr, Statement } from '../expression/tree.ts'
import { isNegative, level, levelOf, sideLevels } from './precedence.ts'

/** The text of a formula, of one of its statements, or of an expression. */
export function print(tree: FormulaTree | Statement | Expr): string {
  if ('statements' in tree) return tree.statements.map(printStatement).join('\n')
  return 'kind' in tree ? show(tree, level.or, outside) : printStatement(tree)
}

function printStatement({ name, axes, value }: Statement): string {
  const head = axes.length === 0 ? name : `${name}[${axes.map(printRange).join(',')}]`
  return `${head} = ${show(value, level.or, outside)}`
}

interface Place {
  /** Inside brackets and bounds operators stand without spaces. */
  readonly tight: boolean
  /** Whether `*`, `/` or `%` follows, which a reduction at the end would take for its own. */
  readonly beforeProduct: boolean
}

const outside: Place = { tight: false, beforeProduct: false }
const inside: Place = { tight: true, beforeProduct: false }

/** The text of an expression where the parser wants one of at least the level `least`. */
function show(expr: Expr, least: number, place: Place): string {
  const swallows = expr.kind === 'reduce' && place.beforeProduct
  if (levelOf(expr) < least || swallows) return `(${bare(expr, { ...place, beforeProduct: false })})`
  return bare(expr, place)
}

function bare(expr: Expr, place: Place): string {
  switch (expr.kind) {
    case 'number':
      return printNumber(expr.value)
    case 'name':
      return expr.name
    case 'read': {
      const at = expr.at.map((index) => show(index, level.or, inside)).join(',')
      return at === '' ? expr.tensor : `${expr.tensor}${expr.maybe ? '?' : ''}[${at}]`
    }
    case 'unary':
      if (expr.op === 'not') return `not ${show(expr.arg, level.not, place)}`
      // The parser takes -1 for a number, so the negation of the number 1 needs its parentheses.
      return expr.arg.kind === 'number' && !isNegative(expr.arg.value)
        ? `-(${printNumber(expr.arg.value)})`
        : `-${show(expr.arg, level.unary, place)}`
    case 'binary': {
      const { left, right } = sideLevels(expr.op)
      const product = expr.op === '*' || expr.op === '/' || expr.op === '%'
      const before = show(expr.left, left, { ...place, beforeProduct: product })
      const after = show(expr.right, right, place)
      const word = expr.op === 'and' || expr.op === 'or'
      const space = word || !(place.tight || expr.op === '^') ? ' ' : ''
      return `${before}${space}${expr.op}${space}${after}`
    }
    case 'call':
      return printCall(expr.fn, expr.args, place)
    case 'reduce':
      return printReduction(expr, place)
  }
}

/** A number as the parser reads it; pi, infinities and NaN by their names. */
export function printNumber(value: number): string {
  if (isNegative(value)) return `-${printNumber(-value)}`
  if (value === Math.PI) return 'pi'
  if (value === Number.POSITIVE_INFINITY) return 'inf'
  return Number.isNaN(value) ? 'nan' : String(value).replace('e+', 'e')
}

function printCall(fn: string, args: readonly Expr[], { tight }: Place): string {
  const shown = args.map((arg) => show(arg, level.or, tight ? inside : outside))
  // max(u < 2, v < 2) before a minus sign would be read as a reduction.
  const either = fn === 'max' || fn === 'min'
  if (either && args.every((arg) => arg.kind === 'name' || beginsBounded(arg)) && args.some(beginsBounded)) {
    shown[0] = `(${shown[0]})`
  }
  return `${fn}(${shown.join(tight ? ',' : ', ')})`
}

/** Whether the text begins with a name and `<`, as the range `u<2` does. */
function beginsBounded(expr: Expr): boolean {
  if (expr.kind !== 'binary') return false
  return expr.op === '<'
    ? expr.left.kind === 'name'
    : (expr.op === 'and' || expr.op === 'or') && beginsBounded(expr.left)
}

function printReduction(expr: ReduceExpr, place: Place): string {
  const body = show(expr.body, level.multiply, place)
  // max(i,j) -x would be read as a difference.
  const difference =
    (expr.op === 'max' || expr.op === 'min') &&
    expr.ranges.length === 2 &&
    expr.ranges.every((range) => range.bound.kind === 'inferred') &&
    body.startsWith('-')
  return `${expr.op}(${expr.ranges.map(printRange).join(',')}) ${difference ? `(${body})` : body}`
}

function printRange({ index, bound }: Range): string {
  if (bound.kind === 'inferred') return index
  if (bound.kind === 'extent') return `${index}<${show(bound.extent, level.add, inside)}`
  return `${show(bound.start, level.add, inside)}<=${index}<=${show(bound.last, level.add, inside)}`
}
