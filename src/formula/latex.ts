// Tree to LaTeX, as the formula would stand in a paper. Needs amsmath; Temml and KaTeX render it too.
import { isScalarFunction, scalarFunctions } from '../expression/functions.ts'
import type {
  BinaryOperator,
  Expr,
  FormulaTree,
  Range,
  ReadExpr,
  ReduceExpr,
  ReductionOperator,
  Statement,
} from '../expression/tree.ts'
import { latexName } from './latex-names.ts'
import { isNegative, level, levelOf, sideLevels } from './precedence.ts'

/** The LaTeX of a formula, of one of its statements, or of an expression, for display mode. */
export function latex(tree: FormulaTree | Statement | Expr): string {
  if ('kind' in tree) return show(tree, level.or, outside)
  if (!('statements' in tree)) return statementLatex(tree, '=')
  if (tree.statements.length === 1) return statementLatex(tree.statements[0], '=')
  const rows = tree.statements.map((statement) => statementLatex(statement, '&='))
  return `\\begin{aligned} ${rows.join(' \\\\ ')} \\end{aligned}`
}

function statementLatex({ name, axes, value }: Statement, equals: string): string {
  const indices = axes.map((axis) => latexName(axis.index)).join(',')
  const extents = axes.filter((axis) => axis.bound.kind !== 'inferred').map(rangeLatex)
  const condition = extents.length === 0 ? '' : `, \\quad ${extents.join(',\\; ')}`
  return `${latexName(name)}${indices === '' ? '' : `_{${indices}}`} ${equals} ${show(value, level.or, outside)}${condition}`
}

interface Place {
  /** Inside subscripts, / is floor division and products are set close. */
  readonly index: boolean
  /** Whether a factor follows, which a sum at the end would seem to cover. */
  readonly beforeProduct: boolean
}

const outside: Place = { index: false, beforeProduct: false }
const inside: Place = { index: true, beforeProduct: false }

/** The LaTeX of an expression, in parentheses if it binds looser than `least`. */
function show(expr: Expr, least: number, place: Place): string {
  const swallows = expr.kind === 'reduce' && place.beforeProduct
  const shown = bare(expr, swallows || latexLevel(expr, place) < least ? { ...place, beforeProduct: false } : place)
  return swallows || latexLevel(expr, place) < least ? parenthesised(shown) : shown
}

/** As levelOf, but for what LaTeX sets between bars or above a line of its own. */
function latexLevel(expr: Expr, { index }: Place): number {
  if (expr.kind === 'binary' && expr.op === '/') return index ? level.atom : level.power
  if (expr.kind === 'number' && /e/.test(String(expr.value))) return level.power
  // A power is put on a letter or a number; everything else gets parentheses around it.
  if (expr.kind === 'call' && expr.fn === 'where') return level.or
  if (expr.kind === 'call' && expr.fn === 'pow') return level.power
  if (expr.kind === 'call' && !delimited.has(expr.fn)) return level.power
  if (expr.kind === 'read' && expr.maybe) return level.power
  return levelOf(expr)
}

const delimited = new Set(['abs', 'floor', 'ceil'])

const parenthesised = (shown: string): string => `\\left( ${shown} \\right)`

function bare(expr: Expr, place: Place): string {
  switch (expr.kind) {
    case 'number':
      return numberLatex(expr.value)
    case 'name':
      return latexName(expr.name)
    case 'read':
      return readLatex(expr)
    case 'unary':
      return expr.op === 'not'
        ? `\\lnot ${show(expr.arg, level.power, place)}`
        : `-${show(expr.arg, level.power, place)}`
    case 'binary':
      return binaryLatex(expr.op, expr.left, expr.right, place)
    case 'call':
      return callLatex(expr.fn, expr.args, place)
    case 'reduce':
      return reductionLatex(expr, place)
  }
}

function numberLatex(value: number): string {
  if (isNegative(value)) return `-${numberLatex(-value)}`
  if (value === Math.PI) return '\\pi'
  if (value === Number.POSITIVE_INFINITY) return '\\infty'
  if (Number.isNaN(value)) return '\\mathrm{nan}'
  const [mantissa, exponent] = String(value).split('e')
  if (exponent === undefined) return mantissa
  return `${mantissa === '1' ? '' : `${mantissa} \\cdot `}10^{${Number(exponent)}}`
}

function readLatex({ tensor, at, maybe }: ReadExpr): string {
  if (at.length === 0) return latexName(tensor)
  const indices = at.map((index) => show(index, level.or, inside)).join(',')
  return `${latexName(tensor)}${maybe ? '^{?}' : ''}_{${indices}}`
}

function binaryLatex(op: BinaryOperator, left: Expr, right: Expr, place: Place): string {
  const alone = { ...place, beforeProduct: false }
  if (op === '/' && place.index) {
    const over = show(left, level.multiply, { ...place, beforeProduct: true })
    return `\\lfloor ${over}/${show(right, level.power, alone)} \\rfloor`
  }
  if (op === '/') return `\\frac{${show(left, level.or, alone)}}{${show(right, level.or, alone)}}`
  if (op === '^') return powerLatex(left, right, alone)
  const sides = sideLevels(op)
  const product = op === '*' || op === '%'
  const before = show(left, sides.left, { ...place, beforeProduct: product })
  const after = show(right, product && startsWithSign(right) ? level.power : sides.right, place)
  const sign = op === '*' ? timesSign(after, place) : signs[op]
  if (sign === '') return `${before} ${after}`
  return place.index && (op === '+' || op === '-') ? `${before}${sign}${after}` : `${before} ${sign} ${after}`
}

function powerLatex(base: Expr, exponent: Expr, place: Place): string {
  const shown = show(base, level.atom, place)
  const below = /^\d./.test(shown) ? `{${shown}}` : shown
  return `${below}^{${show(exponent, level.or, place)}}`
}

/** Whether a factor begins with a minus sign, which cannot stand right behind another factor. */
function startsWithSign(expr: Expr): boolean {
  if (expr.kind === 'unary') return expr.op === '-'
  return expr.kind === 'number' && isNegative(expr.value)
}

/** A product of letters needs no sign; before digits and parentheses there is a dot. */
function timesSign(after: string, { index }: Place): string {
  if (/^(\d|\{\d|\\left\(|\\frac)/.test(after)) return '\\cdot'
  return index ? '' : '\\,'
}

const signs: Readonly<Record<BinaryOperator, string>> = {
  '+': '+',
  '-': '-',
  '*': '\\cdot',
  '/': '/',
  '%': '\\bmod',
  '^': '^',
  '<': '<',
  '<=': '\\le',
  '>': '>',
  '>=': '\\ge',
  '==': '=',
  '!=': '\\ne',
  and: '\\land',
  or: '\\lor',
}

function callLatex(fn: string, args: readonly Expr[], place: Place): string {
  if (fn === 'where') return casesLatex(args, place)
  if (fn === 'pow') return powerLatex(args[0], args[1], { ...place, beforeProduct: false })
  const shown = args.map((arg) => show(arg, level.or, { ...place, beforeProduct: false })).join(', ')
  if (fn === 'sqrt') return `\\sqrt{${shown}}`
  if (fn === 'abs') return `\\left| ${shown} \\right|`
  if (fn === 'floor') return `\\left\\lfloor ${shown} \\right\\rfloor`
  if (fn === 'ceil') return `\\left\\lceil ${shown} \\right\\rceil`
  const named = isScalarFunction(fn) ? scalarFunctions[fn].latex : `\\operatorname{${fn}}`
  return `${named}\\left( ${shown} \\right)`
}

/** `where`, and the `where`s in its last argument, as one list of cases. */
function casesLatex(args: readonly Expr[], place: Place): string {
  const alone = { ...place, beforeProduct: false }
  const [condition, then, otherwise] = args
  const rows = [`${show(then, level.or, alone)} & \\text{if } ${show(condition, level.or, alone)}`]
  let last = otherwise
  while (last.kind === 'call' && last.fn === 'where') {
    rows.push(`${show(last.args[1], level.or, alone)} & \\text{if } ${show(last.args[0], level.or, alone)}`)
    last = last.args[2]
  }
  rows.push(`${show(last, level.or, alone)} & \\text{otherwise}`)
  return `\\begin{cases} ${rows.join(' \\\\ ')} \\end{cases}`
}

function reductionLatex({ op, ranges, body }: ReduceExpr, place: Place): string {
  const covered = show(body, startsWithSign(body) ? level.power : level.multiply, place)
  const [first] = ranges
  if (ranges.length === 1 && first.bound.kind === 'between' && (op === 'sum' || op === 'prod')) {
    const { start, last } = first.bound
    const from = `${latexName(first.index)}=${show(start, level.add, inside)}`
    return `${operators[op]}_{${from}}^{${show(last, level.add, inside)}} ${covered}`
  }
  const separator = ranges.some((range) => range.bound.kind !== 'inferred') ? ',\\,' : ','
  return `${operators[op]}_{${ranges.map(rangeLatex).join(separator)}} ${covered}`
}

const operators: Readonly<Record<ReductionOperator, string>> = {
  sum: '\\sum',
  prod: '\\prod',
  max: '\\max',
  min: '\\min',
  mean: '\\operatorname*{mean}',
  argmax: '\\operatorname*{arg\\,max}',
  argmin: '\\operatorname*{arg\\,min}',
  any: '\\operatorname*{any}',
  all: '\\operatorname*{all}',
}

function rangeLatex({ index, bound }: Range): string {
  const shown = latexName(index)
  if (bound.kind === 'inferred') return shown
  if (bound.kind === 'extent') return `${shown} < ${show(bound.extent, level.add, inside)}`
  return `${show(bound.start, level.add, inside)} \\le ${shown} \\le ${show(bound.last, level.add, inside)}`
}
