// Which dtype an expression has.
import type { Dtype } from '../dtype.ts'
import { isFloat, promote } from '../dtype.ts'
import type { Expr, ReductionOperator } from '../expression/tree.ts'

/**
 * The dtype of an expression. Whole numbers and indices are i32, other numbers f32, so that a literal adopts the float type
 * of its partner. Arithmetic promotes, u8 and bool to i32 at least; `/` and functions like `exp` give floats (f32 unless an
 * f64 takes part); conditions are bool. `where`, `min`, `max` and `clamp` of bytes stay bytes.
 *
 * Names that are not indices are asked of `operandDtype`, as tensors read without indices.
 */
export function dtypeOf(
  expr: Expr,
  operandDtype: (name: string) => Dtype,
  isIndex: (name: string) => boolean = () => true,
): Dtype {
  switch (expr.kind) {
    case 'number':
      return isInt32(expr.value) ? 'i32' : 'f32'
    case 'name':
      return isIndex(expr.name) ? 'i32' : operandDtype(expr.name)
    case 'read':
      return operandDtype(expr.tensor)
    case 'unary':
      return expr.op === 'not' ? 'bool' : atLeast('i32', dtypeOf(expr.arg, operandDtype, isIndex))
    case 'binary': {
      if (isCondition(expr.op)) return 'bool'
      const both = promote(dtypeOf(expr.left, operandDtype, isIndex), dtypeOf(expr.right, operandDtype, isIndex))
      return atLeast(expr.op === '/' || expr.op === '^' ? 'f32' : 'i32', both)
    }
    case 'call':
      return callDtype(expr.fn, expr.args, (arg) => dtypeOf(arg, operandDtype, isIndex))
    case 'reduce': {
      const bound = new Set(expr.ranges.map((range) => range.index))
      const body = dtypeOf(expr.body, operandDtype, (name) => bound.has(name) || isIndex(name))
      return reductionDtype(expr.op, body)
    }
  }
}

/** The dtype of a reduction of values of the given dtype: whole numbers are added up in i32. */
export function reductionDtype(op: ReductionOperator, body: Dtype): Dtype {
  switch (op) {
    case 'any':
    case 'all':
      return 'bool'
    case 'argmax':
    case 'argmin':
      return 'i32'
    case 'mean':
      return atLeast('f32', body)
    case 'sum':
    case 'prod':
      return atLeast('i32', body)
    case 'max':
    case 'min':
      return body === 'bool' ? 'i32' : body
  }
}

function callDtype(fn: string, args: readonly Expr[], dtype: (arg: Expr) => Dtype): Dtype {
  switch (fn) {
    case 'where':
      return select(args.slice(1), dtype)
    case 'min':
    case 'max':
    case 'clamp': {
      const selected = select(args, dtype)
      return selected === 'bool' ? 'i32' : selected
    }
    case 'abs':
    case 'sign':
    case 'relu':
      return atLeast('i32', dtype(args[0]))
    case 'stopGradient':
      return dtype(args[0])
    case 'uniform':
      return 'f32'
    default:
      return atLeast('f32', promote(...args.map(dtype)))
  }
}

/** The dtype of one of several values; a literal that fits a byte does not widen bytes. */
function select(choices: readonly Expr[], dtype: (arg: Expr) => Dtype): Dtype {
  // Each choice is asked once: a nest of choices would otherwise take twice as long with every level.
  const dtypes = choices.map(dtype)
  const wide = promote(...dtypes)
  if (wide !== 'i32') return wide
  const others = dtypes.filter((_, at) => !isByte(choices[at]))
  return others.length > 0 && others.every((other) => other === 'u8') ? 'u8' : wide
}

const isByte = (expr: Expr): boolean =>
  expr.kind === 'number' && Number.isInteger(expr.value) && expr.value >= 0 && expr.value <= 255

const isInt32 = (value: number): boolean => (value | 0) === value

const isCondition = (op: string): boolean =>
  op === '<' || op === '<=' || op === '>' || op === '>=' || op === '==' || op === '!=' || op === 'and' || op === 'or'

function atLeast(least: 'i32' | 'f32', dtype: Dtype): Dtype {
  if (least === 'f32') return isFloat(dtype) ? dtype : 'f32'
  return promote(least, dtype)
}
