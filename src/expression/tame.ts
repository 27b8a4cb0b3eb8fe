// Which expressions cannot turn a zero beside them into NaN.
import type { Expr } from './tree.ts'

const tameCalls: ReadonlySet<string> = new Set([
  'tanh', 'sigmoid', 'erf', 'relu', 'gelu', 'silu', 'softplus', 'sin', 'cos', 'abs', 'sign', 'floor', 'ceil', 'round',
  'min', 'max', 'clamp', 'where', 'stopGradient',
]) // biome-ignore format: a list

/** Whether an expression is finite whenever what it reads is, so that zero times it is zero. */
export function isTame(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
      return Number.isFinite(expr.value)
    case 'name':
    case 'read':
      return true
    case 'unary':
      return isTame(expr.arg)
    case 'binary':
      if (expr.op === '/' || expr.op === '%') return expr.right.kind === 'number' && isTame(expr.left)
      if (expr.op === '^') return expr.right.kind === 'number' && expr.right.value >= 0 && isTame(expr.left)
      return isTame(expr.left) && isTame(expr.right)
    case 'call':
      return tameCalls.has(expr.fn) && expr.args.every(isTame)
    case 'reduce':
      return false
  }
}
