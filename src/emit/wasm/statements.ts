// Statements of the loop IR as instructions: loops, one value or four at a time, and what stands in them.

import type { LoopStatement, ScalarType, Statement, Value } from '../../compiler/ir.ts'
import { neighboursOf } from '../../compiler/neighbours.ts'
import { accumulateScalar, accumulateVector, winnerScalar, winnerVector } from './accumulators.ts'
import { writeContraction, writePack } from './contraction.ts'
import type { Local } from './encoder.ts'
import { pushAddress, pushAffine } from './indexCode.ts'
import type { Binding, KernelState } from './kernelState.ts'
import { giveBack, localType, scalarTypeOf, takeLocal, width } from './kernelState.ts'
import { hasDoubles, laneStrides } from './laneAnalysis.ts'
import { addPartials, startPartials } from './partials.ts'
import { convert, pushConstant, pushScalar } from './scalarCode.ts'
import { intervalOf } from './valueIntervals.ts'
import { pushVector, pushVectorConstant } from './vectorCode.ts'
import { liesInTurns, storePairs, storeScalar, storeVector } from './vectorMemory.ts'

/** Which part of the turns of an outermost loop a thread takes. */
export interface Share {
  readonly thread: Local
  readonly threads: Local
}

export function writeBlock(k: KernelState, body: readonly Statement[], share: Share | null = null): void {
  const bound: Local[] = []
  for (let at = 0; at < body.length; at++) {
    const pair = k.lanes ? neighboursOf(body, at, 2) : null
    if (pair && liesInTurns(k, pair[0])) {
      for (let copy = 0; copy < k.lanes!.copies; copy++) storePairs(k, pair, copy)
      at++
    } else writeStatement(k, body[at], share, bound)
  }
  giveBack(k, bound)
}

export function writeStatement(k: KernelState, statement: Statement, share: Share | null, bound: Local[]): void {
  switch (statement.kind) {
    case 'loop': {
      const started = startPartials(k, statement)
      if (statement.mode === 'lanes' && runsInVectors(k, statement)) writeLanesLoop(k, statement, share)
      else writeLoop(k, statement, share)
      addPartials(k, started)
      break
    }
    case 'let':
      writeLet(k, statement.name, statement.value, bound)
      break
    case 'accumulator':
      writeAccumulator(k, statement.name, statement.type, statement.initial, bound)
      break
    case 'accumulate':
      if (inVectors(k, statement.name)) accumulateVector(k, statement)
      else accumulateScalar(k, statement)
      break
    case 'accumulateWinner':
      if (inVectors(k, statement.name)) winnerVector(k, statement)
      else winnerScalar(k, statement)
      break
    case 'store':
      if (k.lanes) for (let copy = 0; copy < k.lanes.copies; copy++) storeVector(k, statement, copy)
      else writeStore(k, statement)
      break
    case 'contraction':
      writeContraction(k, statement, share)
      break
    case 'pack':
      writePack(k, statement)
      break
  }
}

const inVectors = (k: KernelState, name: string): boolean =>
  k.lanes !== null && (k.bindings.get(name)?.kind === 'vector' || !k.lanes.strides.has(name))

function bind(k: KernelState, name: string, binding: Binding): void {
  k.bindings.set(name, binding)
  k.depths.set(name, k.depth)
}

function newLocal(k: KernelState, type: Local['type'], bound: Local[]): Local {
  const local = takeLocal(k, type)
  bound.push(local)
  return local
}

function writeLet(k: KernelState, name: string, value: Value, bound: Local[]): void {
  const { f, lanes } = k
  k.intervals.set(name, intervalOf(k, value))
  const stride = lanes ? (lanes.strides.get(name) ?? null) : 0
  if (lanes && stride === null) {
    const locals = Array.from({ length: lanes.copies }, (_, copy) => {
      pushVector(k, value, copy)
      const local = newLocal(k, 'v128', bound)
      f.set(local)
      return local
    })
    bind(k, name, { kind: 'vector', type: value.type, locals })
    return
  }
  if (value.kind === 'index') pushAffine(k, value.of)
  else pushScalar(k, value)
  const local = newLocal(k, localType(value.type), bound)
  f.set(local)
  bind(k, name, { kind: 'scalar', type: value.type, local, stride: stride ?? 0 })
}

function writeAccumulator(k: KernelState, name: string, type: ScalarType, initial: number, bound: Local[]): void {
  const { f, lanes } = k
  if (lanes && lanes.strides.get(name) === null) {
    const locals = Array.from({ length: lanes.copies }, () => {
      const local = newLocal(k, 'v128', bound)
      pushVectorConstant(k, type, initial)
      f.set(local)
      return local
    })
    bind(k, name, { kind: 'vector', type, locals })
    return
  }
  const local = newLocal(k, localType(type), bound)
  pushConstant(k, type, initial)
  f.set(local)
  bind(k, name, { kind: 'scalar', type, local, stride: 0 })
}

function writeStore(k: KernelState, statement: Statement & { kind: 'store' }): void {
  const { f } = k
  const { buffer, offset, value, add } = statement
  const { dtype } = k.program.buffers.get(buffer)!
  const at = pushAddress(k, buffer, offset)
  if (add) {
    pushAddress(k, buffer, offset)
    if (dtype === 'u8' || dtype === 'bool') f.memory('i32.load8_u', at)
    else f.memory(`${dtype}.load`, at)
  }
  pushScalar(k, value)
  convert(k, value.type, scalarTypeOf(dtype))
  if (add) f.op(`${dtype === 'u8' || dtype === 'bool' ? 'i32' : dtype}.add`)
  storeScalar(k, dtype, at)
}

export const runsInVectors = (k: KernelState, loop: LoopStatement): boolean =>
  !k.lanes && loop.extent >= width && !hasDoubles(loop.body, (buffer) => k.program.buffers.get(buffer)!.dtype === 'f64')

function writeLoop(k: KernelState, loop: LoopStatement, share: Share | null): void {
  const { start, extent } = loop
  writeTurns(k, loop, { start, turns: extent, step: 1 }, share)
}

/** Vectors of several copies, then single vectors, then what is left one by one. */
function writeLanesLoop(k: KernelState, loop: LoopStatement, share: Share | null): void {
  const { f } = k
  const { start, extent } = loop
  const vectors = Math.floor(extent / width)
  const copies = copiesOf(loop)
  const turns = Math.floor(vectors / copies)
  const strides = laneStrides(loop)
  const inLanes = (count: number, range: Turns, part: Share | null): void => {
    k.lanes = { index: loop.index, start: range.start, copies: count, strides }
    writeTurns(k, loop, range, part)
    k.lanes = null
  }
  inLanes(copies, { start, turns, step: copies * width }, share)
  const single = start + turns * copies * width
  const left = start + vectors * width
  const rest = (): void => {
    if (single < left) inLanes(1, { start: single, turns: (left - single) / width, step: width }, null)
    if (left < start + extent) writeTurns(k, loop, { start: left, turns: start + extent - left, step: 1 }, null)
  }
  if (!share) {
    rest()
    return
  }
  if (single === start + extent) return
  // The end belongs to the last thread alone, so that every element is computed the same way whatever their number.
  f.get(share.thread).i32Const(1).op('i32.add').get(share.threads).op('i32.eq')
  f.if(rest)
}

interface Turns {
  readonly start: number
  readonly turns: number
  readonly step: number
}

function writeTurns(k: KernelState, loop: LoopStatement, { start, turns, step }: Turns, share: Share | null): void {
  const { f } = k
  if (turns <= 0) return
  const bound: Local[] = []
  const index = newLocal(k, 'i32', bound)
  k.intervals.set(loop.index, { min: start, max: start + turns * step - 1 })
  k.depth++
  bind(k, loop.index, { kind: 'scalar', type: 'i32', local: index, stride: k.lanes?.index === loop.index ? 1 : 0 })
  const end = share ? newLocal(k, 'i32', bound) : null
  const inside = (): void => {
    if (turns === 1 && !end) {
      writeBlock(k, loop.body)
      return
    }
    f.loop((next) => {
      writeBlock(k, loop.body)
      f.get(index).i32Const(step).op('i32.add').tee(index)
      if (end) f.get(end)
      else f.i32Const(start + turns * step)
      f.op('i32.lt_s').brIf(next)
    })
  }
  if (share && end) {
    pushTurn(k, share, turns, 1)
    f.i32Const(step).op('i32.mul').i32Const(start).op('i32.add').set(end)
    pushTurn(k, share, turns, 0)
    f.i32Const(step).op('i32.mul').i32Const(start).op('i32.add').tee(index)
    f.get(end).op('i32.lt_s').if(inside)
  } else {
    f.i32Const(start).set(index)
    inside()
  }
  k.depth--
  giveBack(k, bound)
}

/** Pushes floor(turns · (thread + more) / threads). */
export function pushTurn({ f }: KernelState, { thread, threads }: Share, turns: number, more: number): void {
  f.get(thread)
  if (more > 0) f.i32Const(more).op('i32.add')
  f.op('i64.extend_i32_u').i64Const(BigInt(turns)).op('i64.mul')
  f.get(threads).op('i64.extend_i32_u').op('i64.div_u').op('i32.wrap_i64')
}

/** How many neighbouring vectors a turn handles: small bodies gain most, and sums that wait for one another. */
export function copiesOf(loop: LoopStatement): number {
  const vectors = Math.floor(loop.extent / width)
  const { operations, sums } = weigh(loop.body)
  const wanted = operations <= 8 ? 4 : operations <= 24 || (sums > 0 && operations <= 40) ? 2 : 1
  let copies = wanted
  while (copies > 1 && vectors < copies) copies /= 2
  return copies
}

function weigh(body: readonly Statement[]): { operations: number; sums: number } {
  let operations = 0
  let sums = 0
  const count = (value: Value): void => {
    if (value.kind === 'load' && value.guard) count(value.guard)
    if (value.kind !== 'operation') return
    operations += costs[value.op] ?? 1
    value.args.forEach(count)
  }
  for (const statement of body) {
    if (statement.kind === 'loop') {
      const inner = weigh(statement.body)
      operations += inner.operations
      sums += inner.sums
    } else if (statement.kind === 'let' || statement.kind === 'store') count(statement.value)
    else if (statement.kind === 'accumulate' || statement.kind === 'accumulateWinner') {
      operations += statement.kind === 'accumulate' ? 1 : 4
      sums++
      count(statement.value)
      if (statement.where) count(statement.where)
    }
  }
  return { operations, sums }
}

const costs: Readonly<Record<string, number>> = {
  exp: 16, expm1: 20, log: 20, log1p: 24, tanh: 24, sigmoid: 20, sin: 40, cos: 40, tan: 40, erf: 24, pow: 80, atan2: 40,
  uniform: 100, mod: 10,
} // biome-ignore format: a table
