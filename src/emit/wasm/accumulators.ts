// Adding up, and finding winners, in one value or in four lanes.
import type { AccumulateOperator, ScalarType, Statement, Value } from '../../compiler/ir.ts'
import type { Local } from './encoder.ts'
import type { KernelState } from './kernelState.ts'
import { localType, withTemporary } from './kernelState.ts'
import { isUniform } from './laneAnalysis.ts'
import type { PlainInstruction } from './opcodes.ts'
import { integerOperation, pushScalar } from './scalarCode.ts'
import { pushVector, pushVectorConstant } from './vectorCode.ts'

type Accumulate = Statement & { kind: 'accumulate' }
type AccumulateWinner = Statement & { kind: 'accumulateWinner' }

function singleLocal(k: KernelState, name: string): { local: Local; type: ScalarType } {
  const binding = k.bindings.get(name)
  if (binding?.kind !== 'scalar') throw new Error(`accumulator ${name} has no single value`)
  return binding
}

/** Runs `inside` where the condition holds; in a lanes loop one that all lanes share. */
function onlyWhere(k: KernelState, where: Value | null, inside: () => void): void {
  if (!where) {
    inside()
    return
  }
  pushScalar(k, where)
  k.f.if(inside)
}

export function accumulateScalar(k: KernelState, { name, op, value, where }: Accumulate): void {
  const { f } = k
  const { local, type } = singleLocal(k, name)
  onlyWhere(k, where, () => {
    f.get(local)
    pushScalar(k, value)
    combineScalar(k, op, type)
    f.set(local)
  })
}

/** The two values on the stack become one. */
export function combineScalar(k: KernelState, op: AccumulateOperator, type: ScalarType): void {
  const { f } = k
  const of = localType(type)
  if (op === 'any') f.op('i32.or')
  else if (op === 'all') f.op('i32.and')
  else if (op === 'sum') f.op(`${of}.add`)
  else if (op === 'prod') f.op(`${of}.mul`)
  else if (of === 'i32') integerOperation(k, op)
  else f.op(`${of}.${op}`)
}

/** What changes nothing when it is accumulated. */
export function identityOf(op: AccumulateOperator, type: ScalarType): number {
  const whole = type === 'i32'
  switch (op) {
    case 'sum':
    case 'any':
      return 0
    case 'prod':
    case 'all':
      return 1
    case 'max':
      return whole ? -2147483648 : Number.NEGATIVE_INFINITY
    case 'min':
      return whole ? 2147483647 : Number.POSITIVE_INFINITY
  }
}

export function accumulateVector(k: KernelState, statement: Accumulate): void {
  const { f } = k
  const { name, op, value, where } = statement
  const binding = k.bindings.get(name)!
  const { type } = binding
  const locals = binding.kind === 'vector' ? binding.locals : k.partials.get(name)!
  const shared = where && isUniform(where, k.lanes!) ? where : null
  const masked = where && !shared ? where : null
  onlyWhere(k, shared, () => {
    for (let copy = 0; copy < k.lanes!.copies; copy++) {
      const local = locals[copy]
      if (op === 'sum' && type === 'f32' && !masked && k.parts.fused && isProduct(value)) {
        pushVector(k, value.args[0], copy)
        pushVector(k, value.args[1], copy)
        f.get(local).op('f32x4.relaxed_madd').set(local)
        continue
      }
      f.get(local)
      pushVector(k, value, copy)
      if (masked) {
        pushVectorConstant(k, type, identityOf(op, type))
        pushVector(k, masked, copy)
        f.op('v128.bitselect')
      }
      f.op(combination(op, type)).set(local)
    }
  })
}

const isProduct = (value: Value): value is Value & { kind: 'operation' } =>
  value.kind === 'operation' && value.op === 'mul'

/** The instruction that makes one vector of two. */
export function combination(op: AccumulateOperator, type: ScalarType): PlainInstruction {
  if (op === 'any') return 'v128.or'
  if (op === 'all') return 'v128.and'
  const name = op === 'sum' ? 'add' : op === 'prod' ? 'mul' : op
  if (type === 'f32') return `f32x4.${name}`
  return name === 'max' || name === 'min' ? `i32x4.${name}_s` : `i32x4.${name}`
}

/** The first best value stays; a NaN is better than anything, and the first one stays. */
export function winnerScalar(k: KernelState, statement: AccumulateWinner): void {
  const { f } = k
  const { name, positionName, op, value, position, where } = statement
  const { local, type } = singleLocal(k, name)
  const { local: positionLocal } = singleLocal(k, positionName)
  const of = localType(type)
  onlyWhere(k, where, () => {
    withTemporary(k, of, (candidate) => {
      pushScalar(k, value)
      f.tee(candidate).get(local)
      if (of === 'i32') f.op(op === 'max' ? 'i32.gt_s' : 'i32.lt_s')
      else {
        f.op(`${of}.${op === 'max' ? 'gt' : 'lt'}`)
        f.get(candidate).get(candidate).op(`${of}.ne`).get(local).get(local).op(`${of}.eq`).op('i32.and')
        f.op('i32.or')
      }
      f.if(() => {
        f.get(candidate).set(local)
        pushScalar(k, position)
        f.set(positionLocal)
      })
    })
  })
}

export function winnerVector(k: KernelState, statement: AccumulateWinner): void {
  const { f } = k
  const { name, positionName, op, value, position, where } = statement
  const best = k.bindings.get(name)
  const place = k.bindings.get(positionName)
  if (best?.kind !== 'vector' || place?.kind !== 'vector') throw new Error(`winner ${name} is not in lanes`)
  const of = best.type === 'f32' ? 'f32x4' : 'i32x4'
  for (let copy = 0; copy < k.lanes!.copies; copy++) {
    const [local, positionLocal] = [best.locals[copy], place.locals[copy]]
    withTemporary(k, 'v128', (candidate) =>
      withTemporary(k, 'v128', (won) => {
        pushVector(k, value, copy)
        f.tee(candidate).get(local)
        if (of === 'i32x4') f.op(op === 'max' ? 'i32x4.gt_s' : 'i32x4.lt_s')
        else {
          f.op(op === 'max' ? 'f32x4.gt' : 'f32x4.lt')
          f.get(candidate).get(candidate).op('f32x4.ne').get(local).get(local).op('f32x4.eq').op('v128.and')
          f.op('v128.or')
        }
        if (where) {
          pushVector(k, where, copy)
          f.op('v128.and')
        }
        f.set(won)
        f.get(candidate).get(local).get(won).op('v128.bitselect').set(local)
        pushVector(k, position, copy)
        f.get(positionLocal).get(won).op('v128.bitselect').set(positionLocal)
      }),
    )
  }
}
