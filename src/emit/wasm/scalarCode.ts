// One value at a time: what loops outside vectors, and the ends of loops, compute with.
import type { Operation, ScalarType, Value } from '../../compiler/ir.ts'
import { pushAddress, pushAffine } from './indexCode.ts'
import type { KernelState } from './kernelState.ts'
import { localType, scalarTypeOf, withTemporary } from './kernelState.ts'
import type { MathFunction } from './moduleParts.ts'
import { mathFunctions } from './moduleParts.ts'
import type { PlainInstruction } from './opcodes.ts'

/** Pushes a value; in a lanes loop one that is the same in all lanes. Conditions are 0 or 1. */
export function pushScalar(k: KernelState, value: Value): void {
  const { f } = k
  switch (value.kind) {
    case 'constant':
      pushConstant(k, value.type, value.value)
      break
    case 'variable': {
      const binding = k.bindings.get(value.name)
      if (binding?.kind !== 'scalar') throw new Error(`${value.name} has no single value`)
      f.get(binding.local)
      break
    }
    case 'index':
      pushAffine(k, value.of)
      break
    case 'load':
      pushLoad(k, value)
      break
    case 'operation':
      pushOperation(k, value)
      break
  }
}

export function pushConstant({ f }: KernelState, type: ScalarType, value: number): void {
  if (type === 'f32') f.f32Const(value)
  else if (type === 'f64') f.f64Const(value)
  else f.i32Const(type === 'bool' ? Number(value !== 0) : value)
}

function pushLoad(k: KernelState, value: Value & { kind: 'load' }): void {
  const { f } = k
  const { dtype } = k.program.buffers.get(value.buffer)!
  const load = (): void => {
    const at = pushAddress(k, value.buffer, value.offset)
    if (dtype === 'bool') f.memory('i32.load8_u', at).i32Const(0).op('i32.ne')
    else if (dtype === 'u8') f.memory('i32.load8_u', at)
    else f.memory(`${dtype}.load`, at)
    convert(k, scalarTypeOf(dtype), value.type)
  }
  if (!value.guard) {
    load()
    return
  }
  pushScalar(k, value.guard)
  f.if({ results: [localType(value.type)] }, load, () => pushConstant(k, value.type, 0))
}

const floatOperations: Partial<Record<Operation, string>> = {
  add: 'add', sub: 'sub', mul: 'mul', div: 'div', neg: 'neg', abs: 'abs', min: 'min', max: 'max', sqrt: 'sqrt',
  floor: 'floor', ceil: 'ceil', round: 'nearest', lt: 'lt', le: 'le', eq: 'eq', ne: 'ne',
} // biome-ignore format: a table

const integerOperations: Partial<Record<Operation, PlainInstruction>> = {
  add: 'i32.add', sub: 'i32.sub', mul: 'i32.mul', lt: 'i32.lt_s', le: 'i32.le_s', eq: 'i32.eq', ne: 'i32.ne',
  and: 'i32.and', or: 'i32.or', not: 'i32.eqz',
} // biome-ignore format: a table

function pushOperation(k: KernelState, { op, type, args }: Value & { kind: 'operation' }): void {
  const { f } = k
  const operands = localType(args[0].type)
  const pushAll = (): void => {
    for (const arg of args) pushScalar(k, arg)
  }
  if (op === 'select') {
    pushScalar(k, args[1])
    pushScalar(k, args[2])
    pushScalar(k, args[0])
    f.select()
  } else if (op === 'cast') {
    pushAll()
    convert(k, args[0].type, type)
  } else if (op === 'uniform') {
    for (const arg of args) {
      pushScalar(k, arg)
      f.op('i32x4.splat')
    }
    f.call(k.parts.helper('uniform')).lane('f32x4.extract_lane', 0)
  } else if (operands === 'i32') {
    pushAll()
    integerOperation(k, op)
  } else if (op in floatOperations) {
    pushAll()
    f.op(`${operands}.${floatOperations[op]}` as PlainInstruction)
  } else if (operands === 'f64') doubleFunction(k, op, args)
  else {
    for (const arg of args) {
      pushScalar(k, arg)
      f.op('f32x4.splat')
    }
    f.call(op === 'mod' ? k.parts.helper('remainders') : k.parts.math(op as MathFunction))
    f.lane('f32x4.extract_lane', 0)
  }
}

/** An operation on the integers on the stack. */
export function integerOperation(k: KernelState, op: Operation): void {
  const { f } = k
  const plain = integerOperations[op]
  if (plain) {
    f.op(plain)
    return
  }
  switch (op) {
    case 'neg':
      withTemporary(k, 'i32', (x) => f.set(x).i32Const(0).get(x).op('i32.sub'))
      break
    case 'abs':
      withTemporary(k, 'i32', (x) => {
        f.tee(x).i32Const(0).get(x).op('i32.sub').get(x).i32Const(0).op('i32.ge_s').select()
      })
      break
    case 'min':
    case 'max':
      withTemporary(k, 'i32', (x) =>
        withTemporary(k, 'i32', (y) => {
          f.set(y).tee(x).get(y)
          f.get(x)
            .get(y)
            .op(op === 'min' ? 'i32.lt_s' : 'i32.gt_s')
            .select()
        }),
      )
      break
    case 'div':
      f.call(k.parts.helper('divide'))
      break
    case 'mod':
      f.call(k.parts.helper('remainder'))
      break
    default:
      throw new Error(`no instruction for the operation ${op} on integers`)
  }
}

function doubleFunction(k: KernelState, op: Operation, args: readonly Value[]): void {
  const { f } = k
  if (op === 'sigmoid') {
    f.f64Const(1).f64Const(1)
    pushScalar(k, args[0])
    f.op('f64.neg').call(k.parts.host('exp')).op('f64.add').op('f64.div')
    return
  }
  for (const arg of args) pushScalar(k, arg)
  if (op !== 'mod' && !(op in mathFunctions)) throw new Error(`no code for the operation ${op} on f64`)
  f.call(k.parts.host(op as MathFunction | 'mod'))
}

/** Turns the value on the stack into another type. */
export function convert({ f }: KernelState, from: ScalarType, to: ScalarType): void {
  if (from === to) return
  const [source, target] = [localType(from), localType(to)]
  if (to === 'bool') {
    if (source === 'f32') f.f32Const(0).op('f32.ne')
    else if (source === 'f64') f.f64Const(0).op('f64.ne')
    else f.i32Const(0).op('i32.ne')
  } else if (source === 'i32' && target !== 'i32') f.op(`${target}.convert_i32_s`)
  else if (source === 'f32' && target === 'f64') f.op('f64.promote_f32')
  else if (source === 'f64' && target === 'f32') f.op('f32.demote_f64')
  else if (source !== 'i32') f.op(`i32.trunc_sat_${source}_s`)
}
