// Checks of a parsed formula that need no operands: that names are used where they mean something,
// and that indices are whole numbers.
import { FormulaError, type Span } from '../errors.ts'
import type { Expr, FormulaTree, Range, ReduceExpr } from '../expression/tree.ts'

interface Scope {
  readonly text: string
  /** Every index of the formula, wherever it runs, with the text that makes it run. */
  readonly indices: ReadonlyMap<string, string>
  /** Every statement's name, with whether it is defined already. */
  readonly defined: Map<string, boolean>
}

/** Throws FormulaError at the first misuse of a name or of an index. */
export function checkNames(tree: FormulaTree, text: string): void {
  const scope: Scope = { text, indices: allIndices(tree, text), defined: new Map() }
  for (const statement of tree.statements) {
    if (scope.defined.has(statement.name)) {
      const span = { start: statement.span!.start, end: statement.span!.start + statement.name.length }
      throw error(scope, span, 'duplicate-statement', `\`${statement.name}\` is defined twice. Rename one of them.`)
    }
    scope.defined.set(statement.name, false)
  }
  for (const statement of tree.statements) {
    const axes = new Set<string>()
    for (const axis of statement.axes) {
      if (axes.has(axis.index)) {
        const fix = `For a diagonal write ${statement.name}[i,j] = where(i == j, …, 0).`
        throw error(scope, nameOf(axis), 'duplicate-axis', `The axis \`${axis.index}\` stands twice. ${fix}`)
      }
      checkIndexName(axis, scope)
      axes.add(axis.index)
    }
    for (const axis of statement.axes) checkBound(axis, axes, scope)
    checkExpr(statement.value, axes, scope)
    scope.defined.set(statement.name, true)
  }
}

const error = (scope: Scope, span: Span, code: string, message: string): FormulaError =>
  new FormulaError(code, message, scope.text, span)

function allIndices(tree: FormulaTree, text: string): Map<string, string> {
  const found = new Map<string, string>()
  const visit = (expr: Expr): void => {
    if (expr.kind === 'reduce') {
      const { start } = expr.span!
      const shown = text.slice(start, text.indexOf(')', expr.ranges.at(-1)!.span!.end) + 1)
      for (const range of expr.ranges) found.set(range.index, shown)
    }
    forEachPart(expr, visit)
  }
  for (const statement of tree.statements) {
    for (const axis of statement.axes) found.set(axis.index, `${statement.name}[…]`)
    visit(statement.value)
  }
  return found
}

function forEachPart(expr: Expr, visit: (part: Expr) => void): void {
  if (expr.kind === 'binary') {
    visit(expr.left)
    visit(expr.right)
  } else if (expr.kind === 'unary') visit(expr.arg)
  else if (expr.kind === 'read') for (const at of expr.at) visit(at)
  else if (expr.kind === 'call') for (const arg of expr.args) visit(arg)
  else if (expr.kind === 'reduce') visit(expr.body)
}

function checkExpr(expr: Expr, running: ReadonlySet<string>, scope: Scope): void {
  if (expr.kind === 'name' && !running.has(expr.name)) checkConstant(expr.name, expr.span!, scope)
  else if (expr.kind === 'read') {
    checkDefined(expr.tensor, { start: expr.span!.start, end: expr.span!.start + expr.tensor.length }, scope)
    for (const at of expr.at) {
      checkWhole(at, scope)
      checkExpr(at, running, scope)
    }
  } else if (expr.kind === 'reduce') {
    const inner = addRanges(expr, running, scope)
    for (const range of expr.ranges) checkBound(range, inner, scope)
    checkExpr(expr.body, inner, scope)
  } else forEachPart(expr, (part) => checkExpr(part, running, scope))
}

function checkConstant(name: string, span: Span, scope: Scope): void {
  const runsIn = scope.indices.get(name)
  if (runsIn === undefined) {
    checkDefined(name, span, scope)
    return
  }
  const fix = runsIn.endsWith(')')
    ? `It runs in \`${runsIn}\` only, which covers the product after it and stops at + and - and comparisons. ` +
      `To cover more, use parentheses: ${runsIn} (… + …).`
    : `It is an axis of \`${runsIn}\` only. Add it to the axes of this statement or reduce over it.`
  throw error(scope, span, 'index-out-of-scope', `The index \`${name}\` does not run here. ${fix}`)
}

function checkDefined(name: string, span: Span, scope: Scope): void {
  if (scope.defined.get(name) !== false) return
  const fix = 'A statement may use what is defined above it; give the result a new name, or change the order.'
  throw error(scope, span, 'used-before-definition', `\`${name}\` is used before it is defined. ${fix}`)
}

function addRanges(expr: ReduceExpr, running: ReadonlySet<string>, scope: Scope): Set<string> {
  const inner = new Set(running)
  const own = new Set<string>()
  for (const range of expr.ranges) {
    const { index } = range
    if (own.has(index)) {
      throw error(scope, nameOf(range), 'duplicate-index', `The index \`${index}\` stands twice. Rename or remove one.`)
    }
    if (running.has(index)) {
      const fix = `Take another letter for this one, here and in what it reduces.`
      throw error(scope, nameOf(range), 'shadowed-index', `The index \`${index}\` runs here already. ${fix}`)
    }
    checkIndexName(range, scope)
    own.add(index)
    inner.add(index)
  }
  return inner
}

/** An index may not be called as a statement is: a bare name would then mean two things. */
function checkIndexName(range: Range, scope: Scope): void {
  if (!scope.defined.has(range.index)) return
  const message = `The index \`${range.index}\` has the name of a statement. Take another letter for it.`
  throw error(scope, nameOf(range), 'shadowed-index', message)
}

function checkBound(range: Range, running: ReadonlySet<string>, scope: Scope): void {
  if (range.bound.kind === 'inferred') return
  const { bound } = range
  const bounds = bound.kind === 'extent' ? [bound.extent] : [bound.start, bound.last]
  for (const part of bounds) {
    checkWhole(part, scope)
    checkBoundPart(part, running, scope)
  }
}

function checkBoundPart(expr: Expr, running: ReadonlySet<string>, scope: Scope): void {
  if (expr.kind === 'name') {
    if (running.has(expr.name)) {
      const fix = 'Let the index run its whole range and leave values out: sum(j) where(j < i, x[j], 0).'
      const message = `A bound is made of numbers and constants, and \`${expr.name}\` is an index. ${fix}`
      throw error(scope, expr.span!, 'index-in-bound', message)
    }
    checkConstant(expr.name, expr.span!, scope)
    return
  }
  const arithmetic =
    expr.kind === 'number' ||
    (expr.kind === 'unary' && expr.op === '-') ||
    (expr.kind === 'binary' && '+-*/%'.includes(expr.op))
  if (!arithmetic) {
    const fix = 'Use whole numbers, names of constants, and + - * / %.'
    throw error(scope, expr.span!, 'bad-range', `A bound cannot hold this. ${fix}`)
  }
  forEachPart(expr, (part) => checkBoundPart(part, running, scope))
}

/** Refuses fractions and divisions by zero in an index or a bound. Reads inside are indexed by themselves. */
function checkWhole(expr: Expr, scope: Scope): void {
  if (expr.kind === 'number' && !Number.isInteger(expr.value)) {
    const shown = scope.text.slice(expr.span!.start, expr.span!.end)
    const fix = 'Inside an index, / divides and rounds down, as in x[i/2].'
    throw error(scope, expr.span!, 'float-in-index', `An index is a whole number, and ${shown} is not. ${fix}`)
  }
  if (expr.kind === 'binary' && (expr.op === '/' || expr.op === '%') && wholeValue(expr.right) === 0) {
    const fix = `After ${expr.op} write a whole number from 1 on.`
    throw error(scope, expr.span!, 'division-by-zero-in-index', `This index divides by zero. ${fix}`)
  }
  if (expr.kind === 'unary' || expr.kind === 'binary') forEachPart(expr, (part) => checkWhole(part, scope))
}

/** The value of an expression of numbers alone. */
function wholeValue(expr: Expr): number | undefined {
  if (expr.kind === 'number') return expr.value
  if (expr.kind === 'unary' && expr.op === '-') {
    const value = wholeValue(expr.arg)
    return value === undefined ? undefined : -value
  }
  if (expr.kind !== 'binary') return undefined
  const left = wholeValue(expr.left)
  const right = wholeValue(expr.right)
  if (left === undefined || right === undefined) return undefined
  switch (expr.op) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    default:
      return undefined
  }
}

/** The span of the index alone in `i`, `i<n` or `a<=i<=b`. */
function nameOf(range: Range): Span {
  const span = range.span!
  return range.bound.kind === 'between' ? span : { start: span.start, end: span.start + range.index.length }
}
