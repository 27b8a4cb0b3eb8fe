// The derivative of every scalar function and operator, and of the pointwise bodies made of them.
import type { ScalarFunctionName } from '../expression/functions.ts'
import { isScalarFunction } from '../expression/functions.ts'
import { type BinaryOperator, binary, call, type Expr, number, type ReadExpr } from '../expression/tree.ts'
import { type Derivative, minus, negate, one, over, plus, sameExpr, times } from './algebra.ts'

/**
 * The derivative of a pointwise expression along the given derivatives of its reads and names (null: constant).
 * `value`, where given, is a cheaper expression of the same value as `expr`: a read of where it is stored.
 *
 * At points where a function has no derivative, one of its one-sided ones or their mean is taken, as PyTorch does:
 * relu and abs have 0 at 0; equal arguments of max and min get half each; clamp passes at its bounds;
 * floor, ceil, round, sign, comparisons and conditions have 0 everywhere.
 */
export function derivative(expr: Expr, seed: (leaf: Expr) => Derivative, value: Expr = expr): Derivative {
  switch (expr.kind) {
    case 'number':
      return null
    case 'name':
    case 'read':
      return seed(expr)
    case 'unary':
      return expr.op === '-' ? negate(derivative(expr.arg, seed)) : null
    case 'binary': {
      if (conditions.has(expr.op)) return null
      const { left, right } = expr
      return derivativeOfBinary(expr.op, left, right, derivative(left, seed), derivative(right, seed), value)
    }
    case 'call': {
      const { fn, args } = expr
      if (!isScalarFunction(fn) || constants.has(fn)) return null
      const along = args.map((arg) => derivative(arg, seed))
      return along.every((part) => part === null) ? null : derivativeOfCall(fn, args, along, value)
    }
    case 'reduce':
      throw new TypeError('a reduction has no pointwise derivative')
  }
}

/**
 * The derivative of a pointwise body by the element that all reads written like `occurrence` (its tensor and indices) give;
 * null when it is zero.
 */
export function partial(body: Expr, occurrence: ReadExpr, value?: Expr): Derivative {
  return derivative(
    body,
    (leaf) => {
      if (leaf.kind !== 'read' || leaf.tensor !== occurrence.tensor || leaf.maybe !== occurrence.maybe) return null
      return sameExpr(leaf, occurrence) ? one : null
    },
    value,
  )
}

const conditions: ReadonlySet<BinaryOperator> = new Set(['<', '<=', '>', '>=', '==', '!=', 'and', 'or'])

const constants: ReadonlySet<string> = new Set(['sign', 'floor', 'ceil', 'round', 'stopGradient', 'uniform'])

const zero = number(0)

function derivativeOfBinary(
  op: BinaryOperator,
  left: Expr,
  right: Expr,
  dLeft: Derivative,
  dRight: Derivative,
  value: Expr,
): Derivative {
  if (dLeft === null && dRight === null) return null
  switch (op) {
    case '+':
      return plus(dLeft, dRight)
    case '-':
      return minus(dLeft, dRight)
    case '*':
      return plus(times(dLeft, right), times(left, dRight))
    case '/':
      return minus(dLeft && over(dLeft, right), dRight && over(times(left, dRight), binary('*', right, right)))
    case '%':
      return minus(dLeft, times(call('floor', binary('/', left, right)), dRight))
    case '^':
      return derivativeOfPower(left, right, dLeft, dRight, value)
    default:
      return null
  }
}

/** x^y. At y = 0 the derivative by x is 0; at x = 0 that by y is 0, also where a logarithm would say otherwise. */
function derivativeOfPower(x: Expr, y: Expr, dx: Derivative, dy: Derivative, value: Expr): Derivative {
  return plus(times(dx && powerByBase(x, y), dx), times(dy && powerByExponent(x, y, value), dy))
}

function powerByBase(x: Expr, y: Expr): Derivative {
  if (y.kind === 'number') {
    if (y.value === 0) return null
    if (y.value === 1) return one
    return times(number(y.value), y.value === 2 ? x : binary('^', x, number(y.value - 1)))
  }
  return call('where', binary('==', y, zero), zero, binary('*', y, binary('^', x, binary('-', y, one))))
}

const powerByExponent = (x: Expr, y: Expr, value: Expr): Expr =>
  x.kind === 'number' && x.value > 0
    ? times(number(Math.log(x.value)), value)
    : call('where', binary('and', binary('==', x, zero), binary('>=', y, zero)), zero, times(value, call('log', x)))

function derivativeOfCall(
  fn: ScalarFunctionName,
  args: readonly Expr[],
  along: readonly Derivative[],
  value: Expr,
): Derivative {
  switch (fn) {
    case 'where':
      return choose(args[0], along[1], along[2])
    case 'max':
      return chooseLarger(args[0], args[1], along[0], along[1])
    case 'min':
      return chooseLarger(args[1], args[0], along[0], along[1])
    case 'clamp':
      return derivativeOfClamp(args, along)
    case 'pow':
      return derivativeOfPower(args[0], args[1], along[0], along[1], value)
    case 'relu':
      return choose(binary('>', value.kind === 'read' ? value : args[0], zero), along[0], null)
    case 'atan2': {
      const [y, x] = args
      const squares = binary('+', binary('*', x, x), binary('*', y, y))
      return minus(along[0] && over(times(x, along[0]), squares), along[1] && over(times(y, along[1]), squares))
    }
    default: {
      const slope = slopes[fn]
      return slope ? times(slope(args[0], value), along[0]) : null
    }
  }
}

function choose(condition: Expr, a: Derivative, b: Derivative): Derivative {
  if (a === null && b === null) return null
  if (a && b && sameExpr(a, b)) return a
  return call('where', condition, a ?? zero, b ?? zero)
}

function chooseLarger(a: Expr, b: Expr, first: Derivative, second: Derivative): Derivative {
  const atTie = times(number(0.5), plus(first, second))
  return choose(binary('>', a, b), first, choose(binary('==', a, b), atTie, second))
}

function derivativeOfClamp([x, low, high]: readonly Expr[], [dx, dLow, dHigh]: readonly Derivative[]): Derivative {
  if (dLow === null && dHigh === null) {
    return choose(binary('and', binary('<=', low, x), binary('<=', x, high)), dx, null)
  }
  return choose(binary('<', x, low), dLow, choose(binary('>', x, high), dHigh, dx))
}

const square = (x: Expr): Expr => binary('*', x, x)

/** The slopes of functions of one argument x, with value y. */
const slopes: Partial<Record<ScalarFunctionName, (x: Expr, y: Expr) => Expr>> = {
  exp: (_, y) => y,
  log: (x) => over(one, x),
  log1p: (x) => over(one, binary('+', one, x)),
  expm1: (x) => call('exp', x),
  sqrt: (_, y) => over(number(0.5), y),
  sin: (x) => call('cos', x),
  cos: (x) => negate(call('sin', x)),
  tan: (_, y) => binary('+', one, square(y)),
  tanh: (_, y) => binary('-', one, square(y)),
  sigmoid: (_, y) => binary('*', y, binary('-', one, y)),
  erf: (x) => times(number(2 / Math.sqrt(Math.PI)), call('exp', negate(square(x)))),
  gelu: (x) =>
    binary(
      '+',
      binary('*', number(0.5), binary('+', one, call('erf', binary('*', number(Math.SQRT1_2), x)))),
      binary(
        '*',
        number(1 / Math.sqrt(2 * Math.PI)),
        binary('*', x, call('exp', binary('*', number(-0.5), square(x)))),
      ),
    ),
  silu: (x) => {
    const s = call('sigmoid', x)
    return binary('*', s, binary('+', one, binary('*', x, binary('-', one, s))))
  },
  softplus: (x) => call('sigmoid', x),
  abs: (x) => call('sign', x),
}
