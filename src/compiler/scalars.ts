// Scalar expressions of the tree as operations of the loop IR, types made to agree.
import type { BinaryOperator } from '../expression/tree.ts'
import {
  type Affine,
  add,
  bounds,
  constant,
  type Intervals,
  isConstant,
  remainder,
  scale,
  subtract,
} from '../index/index.ts'
import { constantValue, indexValue, type KernelBuilder } from './blocks.ts'
import { largest, type Operation, type ScalarType, smallest, type Value } from './ir.ts'

const order: readonly ScalarType[] = ['bool', 'i32', 'f32', 'f64']
const wider = (a: ScalarType, b: ScalarType): ScalarType => (order.indexOf(a) >= order.indexOf(b) ? a : b)
const atLeast = (type: ScalarType, least: ScalarType): ScalarType => wider(type, least)

/** The value in another type; literals simply take it. */
export function cast(b: KernelBuilder, value: Value, type: ScalarType): Value {
  if (value.type === type) return value
  if (value.kind === 'constant') {
    if (type === 'bool') return constantValue('bool', value.value !== 0 ? 1 : 0)
    return constantValue(type, type === 'i32' ? Math.trunc(value.value) : value.value)
  }
  if (type === 'bool') return b.operation('bool', 'ne', value, constantValue(value.type, 0))
  return b.operation(type, 'cast', value)
}

/** A literal: a whole number is an integer until its partner is a float; any other is the narrowest float. */
export const literal = (value: number): Value => constantValue(Number.isSafeInteger(value) ? 'i32' : 'f32', value)

function agree(b: KernelBuilder, least: ScalarType, ...values: Value[]): { type: ScalarType; args: Value[] } {
  const type = values.reduce((widest, value) => wider(widest, value.type), least)
  return { type, args: values.map((value) => cast(b, value, type)) }
}

function arithmetic(b: KernelBuilder, op: Operation, least: ScalarType, ...values: Value[]): Value {
  const { type, args } = agree(b, least, ...values)
  return (type === 'i32' && indexArithmetic(b, op, args)) || b.operation(type, op, ...args)
}

/** Arithmetic of indices stays an index expression, which shows how it changes from one round to the next. */
function indexArithmetic(b: KernelBuilder, op: Operation, args: readonly Value[]): Value | null {
  const parts = args.map(affineOf)
  if (!parts.every((part) => part !== null)) return null
  const result = combined(op, parts, b.intervals)
  if (!result) return null
  const { min, max } = bounds(result, b.intervals)
  return min >= smallest && max <= largest ? indexValue(result) : null
}

function affineOf(value: Value): Affine | null {
  if (value.kind === 'index') return value.of
  return value.kind === 'constant' ? constant(value.value) : null
}

function combined(op: Operation, [x, y]: readonly Affine[], intervals: Intervals): Affine | null {
  switch (op) {
    case 'neg':
      return scale(x, -1)
    case 'add':
      return add(x, y)
    case 'sub':
      return subtract(x, y)
    case 'mul':
      if (isConstant(y)) return scale(x, y.constant)
      return isConstant(x) ? scale(y, x.constant) : null
    case 'mod':
      return isConstant(y) && y.constant > 0 ? remainder(x, y.constant, intervals) : null
    default:
      return null
  }
}

function compare(b: KernelBuilder, op: 'lt' | 'le' | 'eq' | 'ne', left: Value, right: Value): Value {
  const { args } = agree(b, 'i32', left, right)
  return b.operation('bool', op, ...args)
}

export const both = (b: KernelBuilder, left: Value | null, right: Value | null): Value | null =>
  left && right ? b.operation('bool', 'and', left, right) : (left ?? right)

export function binaryValue(b: KernelBuilder, op: BinaryOperator, left: Value, right: Value): Value {
  switch (op) {
    case '+':
      return arithmetic(b, 'add', 'i32', left, right)
    case '-':
      return arithmetic(b, 'sub', 'i32', left, right)
    case '*':
      return arithmetic(b, 'mul', 'i32', left, right)
    case '/':
      return arithmetic(b, 'div', 'f32', left, right)
    case '%':
      return arithmetic(b, 'mod', 'i32', left, right)
    case '^':
      return power(b, left, right)
    case '<':
      return compare(b, 'lt', left, right)
    case '<=':
      return compare(b, 'le', left, right)
    case '>':
      return compare(b, 'lt', right, left)
    case '>=':
      return compare(b, 'le', right, left)
    case '==':
      return compare(b, 'eq', left, right)
    case '!=':
      return compare(b, 'ne', left, right)
    case 'and':
    case 'or':
      return b.operation('bool', op, cast(b, left, 'bool'), cast(b, right, 'bool'))
  }
}

export function unaryValue(b: KernelBuilder, op: '-' | 'not', arg: Value): Value {
  if (op === 'not') return b.operation('bool', 'not', cast(b, arg, 'bool'))
  if (arg.kind === 'constant') return constantValue(arg.type === 'bool' ? 'i32' : arg.type, -arg.value)
  return arithmetic(b, 'neg', 'i32', arg)
}

function power(b: KernelBuilder, base: Value, exponent: Value): Value {
  const { type, args } = agree(b, 'f32', base, exponent)
  const [x, y] = args
  if (y.kind === 'constant') {
    const mul = (p: Value, q: Value) => b.operation(type, 'mul', p, q)
    if (y.value === 1) return x
    if (y.value === 2) return mul(x, x)
    if (y.value === 3) return mul(mul(x, x), x)
    if (y.value === 4) return mul(mul(x, x), mul(x, x))
    if (y.value === 0.5) return b.operation(type, 'sqrt', x)
    if (y.value === -1) return b.operation(type, 'div', constantValue(type, 1), x)
    if (y.value === -0.5) return b.operation(type, 'div', constantValue(type, 1), b.operation(type, 'sqrt', x))
  }
  return b.operation(type, 'pow', x, y)
}

/** Functions that are one operation on floats. */
const direct: Readonly<Record<string, Operation>> = {
  exp: 'exp', expm1: 'expm1', log: 'log', log1p: 'log1p', sqrt: 'sqrt', sin: 'sin', cos: 'cos', tan: 'tan',
  tanh: 'tanh', sigmoid: 'sigmoid', erf: 'erf', atan2: 'atan2',
} // biome-ignore format: a table

/** Functions that keep integers integers. */
const keepsIntegers: Readonly<Record<string, Operation>> = { abs: 'abs', min: 'min', max: 'max' }
const rounding: Readonly<Record<string, Operation>> = { floor: 'floor', ceil: 'ceil', round: 'round' }

export function callValue(b: KernelBuilder, fn: string, args: readonly Value[]): Value {
  if (Object.hasOwn(direct, fn)) return arithmetic(b, direct[fn], 'f32', ...args)
  if (Object.hasOwn(keepsIntegers, fn)) return arithmetic(b, keepsIntegers[fn], 'i32', ...args)
  const [x, y, z] = args
  if (Object.hasOwn(rounding, fn))
    return x.type === 'i32' || x.type === 'bool' ? x : b.operation(x.type, rounding[fn], x)
  const type = atLeast(x.type, 'f32')
  const of = (value: number) => constantValue(type, value)
  switch (fn) {
    case 'stopGradient':
      return x
    case 'pow':
      return power(b, x, y)
    case 'where': {
      const { type: chosen, args: sides } = agree(b, 'bool', y, z)
      return b.operation(chosen, 'select', cast(b, x, 'bool'), ...sides)
    }
    case 'relu':
      return arithmetic(b, 'max', 'i32', x, literal(0))
    case 'clamp':
      return arithmetic(b, 'min', 'i32', arithmetic(b, 'max', 'i32', x, y), z)
    case 'sign': {
      const kind = atLeast(x.type, 'i32')
      const zero = constantValue(kind, 0)
      const v = cast(b, x, kind)
      const negative = b.operation(kind, 'select', b.operation('bool', 'lt', v, zero), constantValue(kind, -1), v)
      return b.operation(kind, 'select', b.operation('bool', 'lt', zero, v), constantValue(kind, 1), negative)
    }
    case 'gelu': {
      const v = cast(b, x, type)
      const inner = b.operation(type, 'erf', b.operation(type, 'mul', v, of(Math.SQRT1_2)))
      return b.operation(type, 'mul', b.operation(type, 'mul', of(0.5), v), b.operation(type, 'add', of(1), inner))
    }
    case 'silu': {
      const v = cast(b, x, type)
      return b.operation(type, 'mul', v, b.operation(type, 'sigmoid', v))
    }
    case 'softplus': {
      const v = cast(b, x, type)
      const tail = b.operation(type, 'exp', b.operation(type, 'neg', b.operation(type, 'abs', v)))
      return b.operation(type, 'add', b.operation(type, 'max', v, of(0)), b.operation(type, 'log1p', tail))
    }
    case 'uniform':
      return b.operation('f32', 'uniform', ...args.map((arg) => cast(b, arg, 'i32')))
    default:
      throw new Error(`no lowering for the function ${fn}`)
  }
}
