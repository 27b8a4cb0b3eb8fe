// The scalar operations of formulas in f64, written for being obviously right.
import { uniformAt } from '../../src/random/threefry.ts'

export function applyUnary(op: string, x: number): number {
  return op === '-' ? -x : Number(x === 0)
}

export function applyBinary(op: string, a: number, b: number): number {
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
      return power(a, b)
    case '<':
      return Number(a < b)
    case '<=':
      return Number(a <= b)
    case '>':
      return Number(a > b)
    case '>=':
      return Number(a >= b)
    case '==':
      return Number(a === b)
    case '!=':
      return Number(a !== b)
    case 'and':
      return Number(a !== 0 && b !== 0)
    case 'or':
      return Number(a !== 0 || b !== 0)
    default:
      throw new Error(`no operator ${op}`)
  }
}

export function applyFunction(fn: string, args: readonly number[]): number {
  const apply = functions[fn]
  if (!apply) throw new Error(`no function ${fn}`)
  return apply(...args)
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

const functions: Readonly<Record<string, (...args: number[]) => number>> = {
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  sqrt: Math.sqrt,
  pow: power,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  atan2: Math.atan2,
  tanh: Math.tanh,
  sigmoid,
  erf,
  relu: (x) => Math.max(x, 0),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  silu: (x) => x * sigmoid(x),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfToEven,
  min: Math.min,
  max: Math.max,
  clamp: (x, low, high) => Math.min(Math.max(x, low), high),
  where: (condition, a, b) => (condition !== 0 ? a : b),
  stopGradient: (x) => x,
  uniform: uniformAt,
}

/** 2/√π · e^(-x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms are all of one sign. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x
  if (Math.abs(x) > 6) return Math.sign(x)
  let term = x
  let sum = 0
  for (let n = 0; n < 200; n++) {
    sum += term
    term *= (2 * x * x) / (2 * n + 3)
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

function roundHalfToEven(x: number): number {
  const down = Math.floor(x)
  if (x - down !== 0.5) return Math.round(x)
  return down % 2 === 0 ? down : down + 1
}

export const neutral: Readonly<Record<string, number>> = {
  sum: 0,
  prod: 1,
  max: -Infinity,
  min: Infinity,
  any: 0,
  all: 1,
  argmax: 0,
  argmin: 0,
}

/** Reduces values in order; `argmax` and `argmin` give the first winner's `position`, NaN winning over all. */
export function applyReduction(op: string, values: readonly { value: number; position: number }[]): number {
  if (op === 'argmax' || op === 'argmin') {
    let best: { value: number; position: number } | undefined
    for (const candidate of values) {
      const { value } = candidate
      const wins = !best || (Number.isNaN(value) && !Number.isNaN(best.value))
      if (wins || (op === 'argmax' ? value > best!.value : value < best!.value)) best = candidate
    }
    return best?.position ?? 0
  }
  const step: Readonly<Record<string, (a: number, b: number) => number>> = {
    sum: (a, b) => a + b,
    prod: (a, b) => a * b,
    max: Math.max,
    min: Math.min,
    any: (a, b) => Number(a !== 0 || b !== 0),
    all: (a, b) => Number(a !== 0 && b !== 0),
  }
  return values.reduce((total, { value }) => step[op](total, value), neutral[op])
}

/** As C99 and PyTorch have it: 1 to any power is 1, and so is -1 to an infinite one. */
function power(x: number, y: number): number {
  if (x === 1) return 1
  return x === -1 && !Number.isFinite(y) && !Number.isNaN(y) ? 1 : x ** y
}
