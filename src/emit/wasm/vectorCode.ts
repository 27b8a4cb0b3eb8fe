// Four values at a time: the body of a lanes loop. Conditions are masks, all ones or all zeros in each lane.
import type { Operation, ScalarType, Value } from '../../compiler/ir.ts'
import type { Local } from './encoder.ts'
import { pushAffineVector, pushRamp } from './indexCode.ts'
import type { KernelState } from './kernelState.ts'
import { giveBack, takeLocal, width, withTemporary } from './kernelState.ts'
import { isUniform } from './laneAnalysis.ts'
import type { MathFunction } from './moduleParts.ts'
import { pushMath } from './moduleParts.ts'
import type { PlainInstruction } from './opcodes.ts'
import { pushScalar } from './scalarCode.ts'
import { pushVectorLoad } from './vectorMemory.ts'

/** Pushes a value of the lanes of copy number `copy`. */
export function pushVector(k: KernelState, value: Value, copy: number): void {
  const { f } = k
  if (value.kind === 'constant') pushVectorConstant(k, value.type, value.value)
  else if (isUniform(value, k.lanes!)) {
    pushScalar(k, value)
    splat(k, value.type)
  } else if (value.kind === 'index') pushAffineVector(k, value.of, copy)
  else if (value.kind === 'load') pushVectorLoad(k, value, copy)
  else if (value.kind === 'operation') pushOperation(k, value, copy)
  else {
    const binding = k.bindings.get(value.name)!
    if (binding.kind === 'vector') f.get(binding.locals[copy])
    else {
      f.get(binding.local).op('i32x4.splat')
      pushRamp(k, binding.stride, copy)
    }
  }
}

export function pushVectorConstant({ f }: KernelState, type: ScalarType, value: number): void {
  if (type === 'f32') f.v128Const(Float32Array.of(value, value, value, value))
  else {
    const whole = type === 'bool' ? (value !== 0 ? -1 : 0) : value
    f.v128Const(Int32Array.of(whole, whole, whole, whole))
  }
}

/** The value on the stack in every lane. */
function splat(k: KernelState, type: ScalarType): void {
  const { f } = k
  if (type === 'f32') f.op('f32x4.splat')
  else {
    f.op('i32x4.splat')
    if (type === 'bool') f.op('i32x4.neg')
  }
}

const floatOperations: Partial<Record<Operation, PlainInstruction>> = {
  add: 'f32x4.add', sub: 'f32x4.sub', mul: 'f32x4.mul', div: 'f32x4.div', neg: 'f32x4.neg', abs: 'f32x4.abs',
  min: 'f32x4.min', max: 'f32x4.max', sqrt: 'f32x4.sqrt', floor: 'f32x4.floor', ceil: 'f32x4.ceil',
  round: 'f32x4.nearest', lt: 'f32x4.lt', le: 'f32x4.le', eq: 'f32x4.eq', ne: 'f32x4.ne',
} // biome-ignore format: a table

const integerOperations: Partial<Record<Operation, PlainInstruction>> = {
  add: 'i32x4.add', sub: 'i32x4.sub', mul: 'i32x4.mul', neg: 'i32x4.neg', abs: 'i32x4.abs', min: 'i32x4.min_s',
  max: 'i32x4.max_s', lt: 'i32x4.lt_s', le: 'i32x4.le_s', eq: 'i32x4.eq', ne: 'i32x4.ne', and: 'v128.and',
  or: 'v128.or', not: 'v128.not',
} // biome-ignore format: a table

function pushOperation(k: KernelState, value: Value & { kind: 'operation' }, copy: number): void {
  const { f } = k
  const { op, type, args } = value
  const pushAll = (): void => {
    for (const arg of args) pushVector(k, arg, copy)
  }
  if (op === 'select') {
    pushVector(k, args[1], copy)
    pushVector(k, args[2], copy)
    if (isUniform(args[0], k.lanes!)) {
      pushScalar(k, args[0])
      f.select()
    } else {
      pushVector(k, args[0], copy)
      f.op('v128.bitselect')
    }
  } else if (op === 'cast') {
    pushAll()
    convertVector(k, args[0].type, type)
  } else if (op === 'uniform') {
    pushAll()
    f.call(k.parts.helper('uniform'))
  } else if (args[0].type === 'f32') {
    const limited = limitByConstant(op, args)
    if (limited) {
      // No NaN on one side: the cheap instruction, b < a ? b : a, does; adding 0 makes -0 of max(-0, 0) a 0.
      pushVector(k, limited.value, copy)
      pushVectorConstant(k, 'f32', limited.limit)
      f.op(op === 'max' ? 'f32x4.pmax' : 'f32x4.pmin')
      if (limited.limit === 0) {
        pushVectorConstant(k, 'f32', 0)
        f.op('f32x4.add')
      }
      return
    }
    pushAll()
    const plain = floatOperations[op]
    if (plain) f.op(plain)
    else if (inlined.has(op)) pushInlined(k, op as MathFunction)
    else f.call(op === 'mod' ? k.parts.helper('remainders') : k.parts.math(op as MathFunction))
  } else if (op === 'div' || op === 'mod') byLanes(k, op === 'div' ? 'divide' : 'remainder', args, copy)
  else {
    pushAll()
    f.op(integerOperations[op]!)
  }
}

/** Short enough to stand in the loop itself, where their constants stay in registers and turns overlap. */
const inlined: ReadonlySet<Operation> = new Set([
  'exp',
  'expm1',
  'log',
  'log1p',
  'tanh',
  'sigmoid',
  'erf',
  'sin',
  'cos',
])

/** The function of the vector on the stack. */
function pushInlined(k: KernelState, name: MathFunction): void {
  const taken: Local[] = []
  const take = (): Local => {
    const local = takeLocal(k, 'v128')
    taken.push(local)
    return local
  }
  const x = take()
  k.f.set(x)
  pushMath(k.f, name, [x], k.parts.fused, take)
  giveBack(k, taken)
}

/** max(x, c) and min(x, c) with a constant. min(x, 0) is left alone: there adding 0 would lose a -0. */
function limitByConstant(op: Operation, args: readonly Value[]): { value: Value; limit: number } | null {
  if (op !== 'max' && op !== 'min') return null
  const [x, y] = args
  const [value, limit] = y.kind === 'constant' ? [x, y] : [y, x]
  if (limit.kind !== 'constant' || Number.isNaN(limit.value)) return null
  if (limit.value === 0 && (op === 'min' || Object.is(limit.value, -0))) return null
  return { value, limit: limit.value }
}

/** A function of two integers for each lane. */
function byLanes(k: KernelState, name: 'divide' | 'remainder', args: readonly Value[], copy: number): void {
  const { f } = k
  const helper = k.parts.helper(name)
  withTemporary(k, 'v128', (x) =>
    withTemporary(k, 'v128', (y) => {
      pushVector(k, args[0], copy)
      pushVector(k, args[1], copy)
      f.set(y).tee(x)
      for (let lane = 0; lane < width; lane++) {
        f.get(x).lane('i32x4.extract_lane', lane).get(y).lane('i32x4.extract_lane', lane)
        f.call(helper).lane('i32x4.replace_lane', lane)
      }
    }),
  )
}

/** Turns the vector on the stack into another type. */
export function convertVector(k: KernelState, from: ScalarType, to: ScalarType): void {
  const { f } = k
  if (from === to) return
  if (to === 'bool') {
    pushVectorConstant(k, from, 0)
    f.op(from === 'f32' ? 'f32x4.ne' : 'i32x4.ne')
  } else if (from === 'bool') {
    pushVectorConstant(k, to, 1)
    f.op('v128.and')
  } else f.op(to === 'f32' ? 'f32x4.convert_i32x4_s' : 'i32x4.trunc_sat_f32x4_s')
}
