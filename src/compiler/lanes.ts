// Which loop of a nest runs in the lanes of vectors.

import { type Affine, namesIn } from '../index/index.ts'
import { accumulatesOutside } from './accumulates.ts'
import type { LoopStatement, Operation, Statement, Value } from './ir.ts'
import { type LaneRange, lanePattern, patternBounds, strideOf } from './lanePattern.ts'
import { valuesOf } from './tidy.ts'

/** The width that choices are made for; what runs faster in four lanes does in more. */
const width = 4

/**
 * The same statements with at most one `lanes` loop on each way down, chosen by an estimate of the work: loads and stores
 * of neighbouring elements are cheap in lanes, scattered ones are not, and a loop that only accumulates pays for adding its
 * lanes up. Any other loop that was `lanes` becomes `serial`.
 */
export function chooseLanes(body: readonly Statement[]): readonly Statement[] {
  return body.map((statement) => {
    if (statement.kind !== 'loop') return statement
    const { loop } = best(statement)
    // What could have run side by side in lanes may still do so in threads.
    const isDivided = statement.mode === 'lanes' && loop.mode === 'serial' && !accumulatesOutside(statement)
    return isDivided ? { ...loop, mode: 'parallel' } : loop
  })
}

interface Choice {
  readonly cost: number
  readonly loop: LoopStatement
}

function best(loop: LoopStatement): Choice {
  let apart = 0
  const body = loop.body.map((statement) => {
    if (statement.kind !== 'loop') {
      apart += statementCost(statement, null)
      return statement
    }
    const inner = best(statement)
    apart += inner.cost
    return inner.loop
  })
  const serial: Choice = {
    cost: apart * loop.extent,
    loop: { ...loop, mode: loop.mode === 'lanes' ? 'serial' : loop.mode, body },
  }
  if (!canRunInLanes(loop)) return serial
  const vectors = Math.floor(loop.extent / width) + (loop.extent % width)
  const sums = accumulatesOutside(loop) ? 8 : 0
  const cost = bodyCost(loop.body, { index: loop.index, start: loop.start, width }) * vectors + sums
  return cost < serial.cost ? { cost, loop: { ...loop, mode: 'lanes', body: inLanes(loop.body) } } : serial
}

/** A body that runs in lanes: loops in it do not, and additions to memory are loads, sums and stores. */
function inLanes(body: readonly Statement[]): readonly Statement[] {
  return body.map((statement) => {
    if (statement.kind === 'loop') return { ...statement, mode: 'serial' as const, body: inLanes(statement.body) }
    if (statement.kind !== 'store' || !statement.add) return statement
    const { buffer, offset, value } = statement
    const { type } = value
    const old: Value = { kind: 'load', type, buffer, offset, guard: null }
    return {
      ...statement,
      add: false,
      value: { kind: 'operation' as const, type, op: 'add' as const, args: [old, value] },
    }
  })
}

/** A loop runs in lanes when its iterations only store and accumulate; which iteration wins is decided in order. */
function canRunInLanes(loop: LoopStatement): boolean {
  if (loop.extent < width) return false
  const own = new Set<string>()
  const named = new Set<string>()
  // What is added to is another element in each lane, whatever stands in memory.
  const isOwn = (offset: Affine): boolean =>
    (strideOf(offset, loop.index) ?? 0) !== 0 && [...namesIn(offset)].every((name) => !named.has(name))
  const allowed = (body: readonly Statement[]): boolean =>
    body.every((statement) => {
      switch (statement.kind) {
        case 'contraction':
        case 'pack':
          return false
        case 'accumulator':
          own.add(statement.name)
          return true
        case 'accumulateWinner':
          return own.has(statement.name)
        case 'let':
          named.add(statement.name)
          return true
        case 'store':
          if (statement.add) return isOwn(statement.offset)
          // What does not depend on the iteration is each iteration's own room, which lanes cannot share.
          return [...namesIn(statement.offset)].some((name) => name === loop.index || named.has(name))
        case 'loop':
          return allowed(statement.body)
        default:
          return true
      }
    })
  return loop.extent > 0 && allowed(loop.body)
}

function bodyCost(body: readonly Statement[], lane: LaneRange): number {
  return body.reduce(
    (sum, statement) =>
      sum +
      (statement.kind === 'loop' ? bodyCost(statement.body, lane) * statement.extent : statementCost(statement, lane)),
    0,
  )
}

/** The work of one vector of iterations, in operations on vectors; of one iteration where there is no lane. */
function statementCost(statement: Statement, lane: LaneRange | null): number {
  let cost = 0
  for (const value of valuesOf(statement)) cost += valueCost(value, lane)
  if (statement.kind === 'store') cost += storeCost(statement.offset, lane)
  if (statement.kind === 'accumulate' || statement.kind === 'accumulateWinner') cost += 1
  return cost
}

const weights: Partial<Record<Operation, number>> = {
  div: 4, sqrt: 4, mod: 6, exp: 12, expm1: 14, log: 12, log1p: 14, sin: 14, cos: 14, tan: 20, tanh: 14, sigmoid: 14,
  erf: 16, pow: 30, atan2: 20, uniform: 70,
} // biome-ignore format: a table

function valueCost(value: Value, lane: LaneRange | null): number {
  if (value.kind === 'load') return loadCost(value.offset, lane) + (value.guard ? valueCost(value.guard, lane) : 0)
  if (value.kind !== 'operation') return 0
  return value.args.reduce((sum, arg) => sum + valueCost(arg, lane), weights[value.op] ?? 1)
}

/** A load of one element, of neighbours, of elements close together, or of `width` scattered ones. */
function loadCost(offset: Affine, lane: LaneRange | null): number {
  if (lane === null || isSideBySide(offset, lane)) return 1
  const pattern = lanePattern(offset, lane)
  if (!pattern) return scattered
  const { least, greatest } = patternBounds(pattern)
  return greatest - least < 2 * width ? 2 : scattered
}

/** A store of neighbours, or of scattered elements. */
const storeCost = (offset: Affine, lane: LaneRange | null): number =>
  lane === null || isSideBySide(offset, lane) ? 1 : scattered

const scattered = width * 1.5

function isSideBySide(offset: Affine, lane: LaneRange): boolean {
  const stride = strideOf(offset, lane.index)
  return stride === 0 || stride === 1
}
