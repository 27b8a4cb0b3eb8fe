// The scalar functions a formula may call, with the number of arguments each takes.

export interface ScalarFunction {
  readonly arity: number
  /** LaTeX of the name; functions with a notation of their own are handled by the LaTeX printer. */
  readonly latex: string
  /** One line for `--help` and error messages. */
  readonly about: string
}

const entry = (arity: number, latex: string, about: string): ScalarFunction => ({ arity, latex, about })

export const scalarFunctions = {
  exp: entry(1, '\\exp', 'e to the power of x'),
  log: entry(1, '\\ln', 'natural logarithm'),
  log1p: entry(1, '\\operatorname{log1p}', 'log(1 + x), exact near 0'),
  expm1: entry(1, '\\operatorname{expm1}', 'exp(x) - 1, exact near 0'),
  sqrt: entry(1, '\\sqrt', 'square root'),
  pow: entry(2, '\\operatorname{pow}', 'x to the power of y, as x ^ y'),
  sin: entry(1, '\\sin', 'sine of x in radians'),
  cos: entry(1, '\\cos', 'cosine of x in radians'),
  tan: entry(1, '\\tan', 'tangent of x in radians'),
  atan2: entry(2, '\\operatorname{atan2}', 'angle of the point (x, y), called atan2(y, x)'),
  tanh: entry(1, '\\tanh', 'hyperbolic tangent'),
  sigmoid: entry(1, '\\sigma', '1 / (1 + exp(-x))'),
  erf: entry(1, '\\operatorname{erf}', 'error function'),
  relu: entry(1, '\\operatorname{relu}', 'max(x, 0)'),
  gelu: entry(1, '\\operatorname{gelu}', 'x times the normal distribution function at x (exact, by erf)'),
  silu: entry(1, '\\operatorname{silu}', 'x * sigmoid(x)'),
  softplus: entry(1, '\\operatorname{softplus}', 'log(1 + exp(x))'),
  abs: entry(1, '\\operatorname{abs}', 'absolute value'),
  sign: entry(1, '\\operatorname{sign}', '-1, 0 or 1'),
  floor: entry(1, '\\operatorname{floor}', 'largest integer not above x'),
  ceil: entry(1, '\\operatorname{ceil}', 'smallest integer not below x'),
  round: entry(1, '\\operatorname{round}', 'nearest integer, halves to even'),
  min: entry(2, '\\min', 'the smaller of two'),
  max: entry(2, '\\max', 'the larger of two'),
  clamp: entry(3, '\\operatorname{clamp}', 'clamp(x, low, high): x held between two bounds'),
  where: entry(3, '\\operatorname{where}', 'where(condition, a, b): a where it holds, else b'),
  stopGradient: entry(1, '\\operatorname{stopGradient}', 'x, taken as a constant by derivatives'),
  uniform: entry(
    4,
    '\\operatorname{uniform}',
    'uniform(seed, stream, step, i): the i-th random number in [0, 1) of a counter-based stream (Threefry-2x32-20)',
  ),
} as const satisfies Record<string, ScalarFunction>

export type ScalarFunctionName = keyof typeof scalarFunctions

export const isScalarFunction = (name: string): name is ScalarFunctionName => Object.hasOwn(scalarFunctions, name)
