// Guards that hold in the middle of a loop are tested only at its ends.
import { type Affine, bounds, constant, type Intervals, namesIn } from '../index/index.ts'
import { constantValue } from './blocks.ts'
import type { LoopStatement, Statement, Value } from './ir.ts'
import { eachStatement } from './tidy.ts'

/** A loop is cut into at most this many pieces. */
const maxPieces = 5
/** A loop of at most so many statements may be cut though it runs in no lanes. */
const shortBody = 6
/** A loop in which every round may be another is written out up to so many. */
const maxRounds = 64

/**
 * Cuts `lanes` loops where comparisons of their own index change their truth, so that in each piece these are constants and
 * the guards of loads that can never fall outside are gone.
 */
export function peelGuards(body: readonly Statement[], width = 1): readonly Statement[] {
  return body.flatMap((statement): readonly Statement[] => {
    if (statement.kind !== 'loop') return [statement]
    if (statement.mode === 'lanes') return pieces(statement, width, maxPieces)
    const most = statement.mode !== 'serial' ? 1 : isChoice(statement) ? maxRounds : isShort(statement) ? maxPieces : 1
    const parts = most > 1 ? pieces(statement, 1, most) : [statement]
    return parts.map((part) => ({ ...part, body: peelGuards(part.body, width) }))
  })
}

/** Whether a loop may well be written out several times. */
const isShort = ({ body }: LoopStatement): boolean => {
  let statements = 0
  eachStatement(body, ({ kind }) => {
    statements += kind === 'contraction' || kind === 'pack' ? shortBody : 1
  })
  return statements <= shortBody
}

/** Whether most rounds of a loop do something else than the one before: it goes over tensors that stand side by side. */
function isChoice(loop: LoopStatement): boolean {
  const cuts = new Set<number>()
  collectCuts(loop.body, loop.index, cuts)
  const inside = [...cuts].filter((cut) => cut > loop.start && cut < loop.start + loop.extent)
  return inside.length > 0 && 2 * inside.length >= loop.extent
}

function pieces(loop: LoopStatement, width: number, most: number): readonly LoopStatement[] {
  const end = loop.start + loop.extent
  const cuts = new Set<number>()
  collectCuts(loop.body, loop.index, cuts)
  // Vectors are not cut through: one that a turn falls into keeps its guards.
  const whole = [...cuts].flatMap((cut) => {
    const steps = (cut - loop.start) / width
    return [loop.start + Math.floor(steps) * width, loop.start + Math.ceil(steps) * width]
  })
  const inside = [...new Set(whole)].filter((cut) => cut > loop.start && cut < end).sort((a, b) => a - b)
  if (inside.length >= most) return [loop]
  const starts = [loop.start, ...inside]
  return starts.map((start, at) => {
    const extent = (starts[at + 1] ?? end) - start
    const intervals = new Map([[loop.index, { min: start, max: start + extent - 1 }]])
    return { ...loop, start, extent, body: decideBlock(loop.body, intervals, new Map()) }
  })
}

/** The values of the index at which a comparison of it with a constant turns. */
function collectCuts(body: readonly Statement[], index: string, cuts: Set<number>): void {
  const visit = (value: Value): void => {
    if (value.kind === 'load' && value.guard) visit(value.guard)
    if (value.kind !== 'operation') return
    value.args.forEach(visit)
    if (value.op !== 'lt' && value.op !== 'le') return
    const turn = turningPoint(value.args[0], value.args[1], value.op === 'le', index)
    if (turn !== null) cuts.add(turn)
  }
  for (const statement of body) {
    if (statement.kind === 'loop') collectCuts(statement.body, index, cuts)
    if (statement.kind === 'let' || statement.kind === 'store' || statement.kind === 'accumulate')
      visit(statement.value)
    if ((statement.kind === 'accumulate' || statement.kind === 'accumulateWinner') && statement.where)
      visit(statement.where)
    if (statement.kind === 'accumulateWinner') visit(statement.value)
  }
}

/** For `left < right` (or `<=`) with one side a constant and the other ±index + constant: where the truth changes. */
function turningPoint(left: Value, right: Value, orEqual: boolean, index: string): number | null {
  const one = asAffine(left)
  const two = asAffine(right)
  if (!one || !two) return null
  if (two.terms.length === 0 && isAlone(one, index)) {
    // ±i + c < d
    const sign = one.terms[0].coefficient
    const limit = two.constant - one.constant
    return sign === 1 ? limit + (orEqual ? 1 : 0) : -limit + (orEqual ? 0 : 1)
  }
  if (one.terms.length === 0 && isAlone(two, index)) {
    // d < ±i + c
    const sign = two.terms[0].coefficient
    const limit = one.constant - two.constant
    return sign === 1 ? limit + (orEqual ? 0 : 1) : -limit + (orEqual ? 1 : 0)
  }
  return null
}

function asAffine(value: Value): Affine | null {
  if (value.kind === 'index') return value.of
  return value.kind === 'constant' && value.type === 'i32' ? constant(value.value) : null
}

const isAlone = (affine: Affine, index: string): boolean =>
  affine.terms.length === 1 &&
  Math.abs(affine.terms[0].coefficient) === 1 &&
  affine.terms[0].atom.kind === 'index' &&
  affine.terms[0].atom.name === index

/** Replaces comparisons that the intervals decide by constants, and what follows from them. */
function decideBlock(
  body: readonly Statement[],
  intervals: Intervals,
  decided: Map<string, Value>,
): readonly Statement[] {
  const change = (value: Value): Value => decide(value, intervals, decided)
  const result: Statement[] = []
  for (const statement of body) {
    switch (statement.kind) {
      case 'let': {
        const value = change(statement.value)
        if (value.kind === 'constant') decided.set(statement.name, value)
        // Whole numbers may also stand in index arithmetic, by name.
        if (value.kind !== 'constant' || value.type === 'i32') result.push({ ...statement, value })
        break
      }
      case 'loop':
        result.push({ ...statement, body: decideBlock(statement.body, intervals, decided) })
        break
      case 'store':
        result.push({ ...statement, value: change(statement.value) })
        break
      case 'accumulate':
      case 'accumulateWinner': {
        const where = statement.where && change(statement.where)
        if (where?.kind === 'constant' && where.value === 0) break
        result.push({ ...statement, value: change(statement.value), where: where?.kind === 'constant' ? null : where })
        break
      }
      default:
        result.push(statement)
    }
  }
  return result
}

function decide(value: Value, intervals: Intervals, decided: ReadonlyMap<string, Value>): Value {
  switch (value.kind) {
    case 'variable':
      return decided.get(value.name) ?? value
    case 'load': {
      if (!value.guard) return value
      const guard = decide(value.guard, intervals, decided)
      if (guard.kind !== 'constant') return { ...value, guard }
      return guard.value !== 0 ? { ...value, guard: null } : constantValue(value.type, 0)
    }
    case 'operation': {
      const args = value.args.map((arg) => decide(arg, intervals, decided))
      const [first, second, third] = args
      const truth = (is: boolean): Value => constantValue('bool', is ? 1 : 0)
      switch (value.op) {
        case 'lt':
        case 'le': {
          const verdict = compare(first, second, value.op === 'le', intervals)
          return verdict === null ? { ...value, args } : truth(verdict)
        }
        case 'and':
          if (first.kind === 'constant') return first.value !== 0 ? second : first
          if (second.kind === 'constant') return second.value !== 0 ? first : second
          return { ...value, args }
        case 'or':
          if (first.kind === 'constant') return first.value !== 0 ? first : second
          if (second.kind === 'constant') return second.value !== 0 ? second : first
          return { ...value, args }
        case 'not':
          return first.kind === 'constant' ? truth(first.value === 0) : { ...value, args }
        case 'select':
          if (first.kind === 'constant') return first.value !== 0 ? second : third
          return { ...value, args }
        default:
          return { ...value, args }
      }
    }
    default:
      return value
  }
}

function compare(left: Value, right: Value, orEqual: boolean, intervals: Intervals): boolean | null {
  const one = asAffine(left)
  const two = asAffine(right)
  if (!one || !two) return null
  for (const affine of [one, two]) for (const name of namesIn(affine)) if (!intervals.has(name)) return null
  const a = bounds(one, intervals)
  const b = bounds(two, intervals)
  if (orEqual ? a.max <= b.min : a.max < b.min) return true
  if (orEqual ? a.min > b.max : a.min >= b.max) return false
  return null
}
