// Folding of numbers and the identities that hold for every float, NaN and infinities included.
import type { BinaryOperator, Expr } from './tree.ts'
import { binary, mapChildren, number, unary } from './tree.ts'

/**
 * The same value with less to compute: arithmetic of numbers is done, `x*1`, `x/1`, `x+0`, `x-0`, `x^1`, `--x` are x,
 * conditions that are known choose. `x*0` stays, for x may be infinite. Indices of reads are left as they are: `/` means
 * floor division there.
 */
export function simplify(expr: Expr): Expr {
  if (expr.kind === 'read') return expr
  const simple = mapChildren(expr, simplify)
  switch (simple.kind) {
    case 'unary':
      return simple.op === '-' ? negate(simple.arg, simple) : not(simple.arg, simple)
    case 'binary':
      return simplifyBinary(simple.op, simple.left, simple.right, simple)
    case 'call':
      return simplifyCall(simple.fn, simple.args, simple)
    default:
      return simple
  }
}

function negate(arg: Expr, original: Expr): Expr {
  if (arg.kind === 'number') return number(-arg.value)
  if (arg.kind === 'unary' && arg.op === '-') return arg.arg
  return original
}

function not(arg: Expr, original: Expr): Expr {
  const truth = truthOf(arg)
  if (truth !== null) return condition(!truth)
  if (arg.kind === 'unary' && arg.op === 'not' && isCondition(arg.arg)) return arg.arg
  return original
}

/** Whether the value is surely 0 or 1, as numbers taken for conditions need not be. */
function isCondition(expr: Expr): boolean {
  if (expr.kind === 'unary') return expr.op === 'not'
  return expr.kind === 'binary' && !'+-*/%^'.includes(expr.op)
}

function simplifyBinary(op: BinaryOperator, left: Expr, right: Expr, original: Expr): Expr {
  if (op === 'and' || op === 'or') return simplifyLogic(op, left, right, original)
  if (left.kind === 'number' && right.kind === 'number') {
    const folded = foldNumbers(op, left.value, right.value)
    return folded === null ? original : number(folded)
  }
  if (op === '+') {
    if (isNumber(right, 0)) return left
    if (isNumber(left, 0)) return right
    if (right.kind === 'unary' && right.op === '-') return binary('-', left, right.arg)
  }
  if (op === '-') {
    if (isNumber(right, 0)) return left
    if (right.kind === 'unary' && right.op === '-') return binary('+', left, right.arg)
  }
  if (op === '*') {
    if (isNumber(right, 1)) return left
    if (isNumber(left, 1)) return right
    if (isNumber(right, -1)) return negate(left, unary('-', left))
    if (isNumber(left, -1)) return negate(right, unary('-', right))
  }
  if ((op === '/' || op === '^') && isNumber(right, 1)) return left
  return original
}

function simplifyLogic(op: 'and' | 'or', left: Expr, right: Expr, original: Expr): Expr {
  const deciding = op === 'or'
  for (const [one, other] of [
    [left, right],
    [right, left],
  ]) {
    const truth = truthOf(one)
    if (truth === deciding) return condition(deciding)
    if (truth !== null && isCondition(other)) return other
  }
  return original
}

function simplifyCall(fn: string, args: readonly Expr[], original: Expr): Expr {
  if (fn === 'where' && args.length === 3) {
    const truth = truthOf(args[0])
    return truth === null ? original : truth ? args[1] : args[2]
  }
  const fold = foldable.get(fn)
  const values = args.map((arg) => (arg.kind === 'number' ? arg.value : Number.NaN))
  if (!fold || values.some(Number.isNaN)) return original
  const value = fold(...values)
  return Number.isFinite(value) ? number(value) : original
}

const foldable: ReadonlyMap<string, (...values: number[]) => number> = new Map([
  ['exp', Math.exp],
  ['log', Math.log],
  ['sqrt', Math.sqrt],
  ['abs', Math.abs],
  ['floor', Math.floor],
  ['ceil', Math.ceil],
  ['min', Math.min],
  ['max', Math.max],
])

/** Arithmetic of two numbers; null where the result is not finite, or is a condition (which has no literal). */
function foldNumbers(op: BinaryOperator, a: number, b: number): number | null {
  const value = arithmetic(op, a, b)
  return value !== null && Number.isFinite(value) ? value : null
}

function arithmetic(op: BinaryOperator, a: number, b: number): number | null {
  switch (op) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    case '%':
      return a - b * Math.floor(a / b)
    case '^':
      return a ** b
    default:
      return null
  }
}

/** Whether a condition surely holds (true) or surely fails (false). */
export function truthOf(expr: Expr): boolean | null {
  if (expr.kind !== 'binary' || expr.left.kind !== 'number' || expr.right.kind !== 'number') return null
  const { value: a } = expr.left
  const { value: b } = expr.right
  switch (expr.op) {
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    case '>=':
      return a >= b
    case '==':
      return a === b
    case '!=':
      return a !== b
    default:
      return null
  }
}

/** A condition that always holds, or never: the language has no literal for it. */
export const condition = (holds: boolean): Expr => binary('==', number(0), number(holds ? 0 : 1))

const isNumber = (expr: Expr, value: number): boolean => expr.kind === 'number' && expr.value === value
