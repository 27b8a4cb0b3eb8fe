// A kernel's loops as C statements.
import { accumulatesOutside } from '../../compiler/accumulates.ts'
import { arrangeLoops } from '../../compiler/arrange.ts'
import { accessesOf } from '../../compiler/divisions.ts'
import type { AccumulateOperator, Buffer, LoopStatement, ScalarType, Statement, Value } from '../../compiler/ir.ts'
import { neighboursOf } from '../../compiler/neighbours.ts'
import { blockWork } from '../../compiler/work.ts'
import { contractionText, packText } from './contraction.ts'
import { farElements } from './floatPlan.ts'
import { interleavedStores } from './interleave.ts'
import {
  asLanes,
  constantText,
  elementLetter,
  indexText,
  type Place,
  patternOf,
  scalarIndex,
  strideOf,
  valueText,
  variableName,
} from './lanes.ts'
import { type ContractionContext, planContractions } from './plan.ts'

export interface KernelContext extends ContractionContext {
  readonly buffers: ReadonlyMap<string, Buffer>
  use(fn: string, width: number): void
}

/** The body of a kernel's function, and whether only the first thread has anything to do in it. */
export function kernelText(
  statements: readonly Statement[],
  context: Omit<KernelContext, 'plans' | 'packs'>,
): { readonly lines: string[]; readonly alone: boolean } {
  const body = arrangeLoops(statements, context.widths[0])
  // Sums of a whole kernel are one thread's, in one order.
  const alone = blockWork(statements) < parallelWork || body.some((statement) => statement.kind === 'accumulator')
  // What the kernel itself has written is near.
  const written = new Set(statements.flatMap(accessesOf).flatMap(({ buffer, isWrite }) => (isWrite ? [buffer] : [])))
  const isFar = (buffer: string): boolean => context.buffers.get(buffer)!.length >= farElements && !written.has(buffer)
  const planned: KernelContext = {
    ...context,
    ...planContractions(
      body,
      { width: context.widths[0], cache: context.cache, bf16: context.bf16 },
      context.buffers,
      isFar,
    ),
  }
  const scope: Scope = { context: planned, place: plainPlace(planned), types: new Map(), outside: null }
  if (alone) return { lines: ['  if (thread == 0) {', ...block(body, scope, '    '), '  }'], alone }
  return { lines: shared(body, scope), alone }
}

/** A kernel that does less runs on one thread: meeting the others would take longer. */
const parallelWork = 30_000

/**
 * Statements of a kernel that several threads run: each takes its part of the loops that may be shared; the first does the
 * rest, and all meet before what depends on it.
 */
function shared(body: readonly Statement[], scope: Scope): string[] {
  const lines: string[] = []
  let pending: string[] = []
  // Names of the outermost block are every thread's own.
  const flush = (): void => {
    if (pending.length === 0) return
    lines.push('  if (thread == 0) {', ...pending, '  }')
    pending = []
  }
  let meet = false
  let last: Statement | null = null
  for (const statement of body) {
    const divided = dividedText(statement, scope)
    // Pieces of one loop have its index, and nothing to do with each other.
    const isPiece = statement.kind === 'loop' && last?.kind === 'loop' && statement.index === last.index
    last = statement
    if (divided) {
      flush()
      if (meet && !isPiece) lines.push('  meet(threads);')
      lines.push(...divided)
      meet = true
      continue
    }
    const text = statementText(statement, scope, '    ')
    if (statement.kind === 'let') {
      if (pending.length > 0 || (meet && hasLoad(statement.value))) {
        flush()
        lines.push('  meet(threads);')
        meet = false
      }
      lines.push(...text)
    } else {
      if (meet && pending.length === 0) lines.push('  meet(threads);')
      pending.push(...text)
      meet = true
    }
  }
  flush()
  return lines
}

const hasLoad = (value: Value): boolean =>
  value.kind === 'load' || (value.kind === 'operation' && value.args.some(hasLoad))

/** A statement of which each thread does its part; null for one that cannot be divided. */
function dividedText(statement: Statement, scope: Scope): string[] | null {
  if (statement.kind === 'contraction' && statement.parallel) {
    return contractionText(statement, scope.context, '  ', 'thread, threads')
  }
  if (statement.kind !== 'loop' || !canDivide(statement)) return null
  return loopText(statement, scope, '  ', true)
}

/** Loops whose iterations leave nothing behind but what they store. */
const canDivide = (loop: LoopStatement): boolean =>
  (loop.mode === 'parallel' || loop.mode === 'lanes') && !accumulatesOutside(loop)

interface Scope {
  readonly context: KernelContext
  readonly place: Place
  /** The types of accumulators. */
  readonly types: Map<string, ScalarType>
  /** Those that the lanes around leave behind; null outside of lanes. */
  readonly outside: ReadonlyMap<string, AccumulateOperator> | null
}

const plainPlace = (context: KernelContext): Place => ({
  buffers: context.buffers,
  width: 1,
  index: null,
  start: 0,
  tail: null,
  inLanes: new Set(),
  use: context.use,
})

function block(body: readonly Statement[], scope: Scope, indent: string): string[] {
  const lines: string[] = []
  for (let at = 0; at < body.length; at++) {
    const group = groupText(body, at, scope.place, indent)
    lines.push(...(group?.lines ?? statementText(body[at], scope, indent)))
    if (group) at += group.count - 1
  }
  return lines
}

function statementText(statement: Statement, scope: Scope, indent: string): string[] {
  const { place, context } = scope
  const text = (value: Parameters<typeof valueText>[0]) => valueText(value, place)
  switch (statement.kind) {
    case 'loop':
      return loopText(statement, scope, indent)
    case 'let': {
      const value = text(statement.value)
      if (value.lanes) inLanes(place).add(statement.name)
      const type = value.lanes ? vectorType(statement.value.type, place.width) : scalarType(statement.value.type)
      return [`${indent}const ${type} ${variableName(statement.name, place)} = ${value.text};`]
    }
    case 'accumulator': {
      scope.types.set(statement.name, statement.type)
      const initial = constantText(statement.type, statement.initial)
      if (place.index === null || place.width === 1)
        return [`${indent}${scalarType(statement.type)} ${statement.name} = ${initial};`]
      inLanes(place).add(statement.name)
      const type = vectorType(statement.type, place.width)
      const start = asLanes({ text: initial, lanes: false }, statement.type, place.width)
      return [`${indent}${type} ${variableName(statement.name, place)} = ${start};`]
    }
    case 'accumulate': {
      const type = scope.types.get(statement.name)!
      const value = text(statement.value)
      const where = statement.where && text(statement.where)
      const name = variableName(statement.name, place)
      if (!place.inLanes.has(statement.name)) {
        const line = `${name} = ${accumulated(statement.op, type, name, value.text, 1)};`
        return [where ? `${indent}if (${where.text}) ${line}` : `${indent}${line}`]
      }
      const w = place.width
      const next = accumulated(statement.op, type, name, asLanes(value, type, w), w)
      if (place.tail && scope.outside?.has(statement.name)) {
        const mask = where?.lanes ? `(maskOf_${w}(${where.text}) & ${place.tail})` : place.tail
        const kept = `${name} = pick${letterOf(type)}_${w}(${mask}, ${next}, ${name});`
        return [where && !where.lanes ? `${indent}if (${where.text}) ${kept}` : `${indent}${kept}`]
      }
      if (!where) return [`${indent}${name} = ${next};`]
      if (!where.lanes) return [`${indent}if (${where.text}) ${name} = ${next};`]
      return [`${indent}${name} = select${letterOf(type)}_${w}(${where.text}, ${next}, ${name});`]
    }
    case 'accumulateWinner':
      return winnerText(statement, scope, indent)
    case 'store':
      return storeText(statement, place, indent)
    case 'pack':
      return packText(statement, context, indent)
    case 'contraction':
      return contractionText(statement, context, indent)
  }
}

/** The set is shared with the place, which sees names as they are declared. */
const inLanes = (place: Place): Set<string> => place.inLanes as Set<string>

export const scalarType = (type: ScalarType): string => (type === 'f32' ? 'float' : type === 'f64' ? 'double' : 'I1')
const vectorType = (type: ScalarType, width: number): string => `${type === 'f32' ? 'F' : 'I'}${width}`
const letterOf = (type: ScalarType): string => (type === 'f32' ? 'f' : 'i')

function accumulated(op: AccumulateOperator, type: ScalarType, name: string, value: string, w: number): string {
  if (type === 'f64') {
    if (op === 'sum') return `${name} + ${value}`
    return op === 'prod' ? `${name} * ${value}` : `${op}d(${name}, ${value})`
  }
  switch (op) {
    case 'sum':
      return type === 'i32' ? `iadd_${w}(${name}, ${value})` : `${name} + ${value}`
    case 'prod':
      return type === 'i32' ? `imul_${w}(${name}, ${value})` : `${name} * ${value}`
    case 'any':
      return `${name} | ${value}`
    case 'all':
      return `${name} & ${value}`
    default:
      return `${op}${letterOf(type)}_${w}(${name}, ${value})`
  }
}

function winnerText(statement: Statement & { kind: 'accumulateWinner' }, scope: Scope, indent: string): string[] {
  const { place } = scope
  const type = scope.types.get(statement.name)!
  const best = variableName(statement.name, place)
  const at = variableName(statement.positionName, place)
  const value = valueText(statement.value, place)
  const position = valueText(statement.position, place)
  const where = statement.where && valueText(statement.where, place)
  if (!place.inLanes.has(statement.name)) {
    const better = statement.op === 'max' ? '>' : '<'
    const won = `(w ${better} ${best} || (w != w && ${best} == ${best}))`
    const condition = where ? `${where.text} && ${won}` : won
    return [
      `${indent}{ const ${scalarType(type)} w = ${value.text}; if (${condition}) { ${best} = w; ${at} = ${position.text}; } }`,
    ]
  }
  const w = place.width
  const v = asLanes(value, type, w)
  const better =
    statement.op === 'max' ? `lt${letterOf(type)}_${w}(${best}, w)` : `lt${letterOf(type)}_${w}(w, ${best})`
  const nan = type === 'f32' ? ` | (nef_${w}(w, w) & eqf_${w}(${best}, ${best}))` : ''
  const only = where ? ` & ${asLanes(where, 'bool', w)}` : ''
  return [
    `${indent}{ const ${vectorType(type, w)} w = ${v}; const I${w} won = (${better}${nan})${only};`,
    `${indent}  ${best} = select${letterOf(type)}_${w}(won, w, ${best}); ${at} = selecti_${w}(won, ${asLanes(position, 'i32', w)}, ${at}); }`,
  ]
}

function storeText(statement: Statement & { kind: 'store' }, place: Place, indent: string): string[] {
  const { buffer, offset } = statement
  const letter = elementLetter(place, buffer)
  const isBool = place.buffers.get(buffer)!.dtype === 'bool'
  const value = valueText(statement.value, place)
  const stride = strideOf(offset, place)
  if (place.index === null || place.width === 1 || (stride === 0 && !value.lanes)) {
    const element = `${buffer}[${scalarIndex(offset)}]`
    return [`${indent}${element} ${statement.add ? '+=' : '='} ${isBool ? `(${value.text} & 1)` : value.text};`]
  }
  const w = place.width
  const lanes = asLanes(value, statement.value.type, w)
  const stored = isBool ? `${lanes} & 1` : lanes
  const [kind, mask] = place.tail ? ['Masked', `, ${place.tail}`] : ['', '']
  if (stride === 1)
    return [`${indent}store${kind}${letter}_${w}(${buffer} + ${scalarIndex(offset)}, ${stored}${mask});`]
  const at = asLanes(indexText(offset, place), 'i32', w)
  return [`${indent}scatter${kind}${letter}_${w}(${buffer}, ${at}, ${stored}${mask});`]
}

/** Stores side by side of lanes that lie further apart, as stores of whole vectors; null where they are not that. */
function groupText(
  body: readonly Statement[],
  at: number,
  place: Place,
  indent: string,
): { readonly lines: string[]; readonly count: number } | null {
  if (place.index === null || place.width === 1 || place.tail) return null
  for (const count of [4, 2]) {
    const stores = neighboursOf(body, at, count)
    if (!stores) continue
    const [{ buffer, offset }] = stores
    const pattern = elementLetter(place, buffer) === 'f' ? patternOf(offset, place) : null
    if (!pattern || pattern[1] === 0) return null
    const values = stores.map(({ value }) => asLanes(valueText(value, place), value.type, place.width))
    const lines = interleavedStores(`${buffer} + ${scalarIndex(offset)}`, values, pattern)
    if (lines) return { lines: lines.map((line) => `${indent}${line}`), count }
  }
  return null
}

function loopText(loop: LoopStatement, scope: Scope, indent: string, divided = false): string[] {
  const { index, start, extent } = loop
  if (loop.mode !== 'lanes' || scope.context.widths.length === 1) {
    const inner = { ...scope, place: { ...scope.place, inLanes: new Set(scope.place.inLanes) } }
    const head = loopHead(index, start, extent, 1, divided)
    return [`${indent}${head} {`, ...block(loop.body, inner, `${indent}  `), `${indent}}`]
  }
  const lines: string[] = []
  const outside = accumulatedOutside(loop.body)
  let at = start
  const [widest] = scope.context.widths
  for (const width of scope.context.widths) {
    const left = start + extent - at
    // Where lanes have masks, what takes more than one shorter step is one masked vector.
    const isTail = width < widest && widest === maskedWidth && left > width
    const [by, count] = isTail ? [widest, left] : [width, Math.floor(left / width) * width]
    if (count === 0) continue
    lines.push(...lanesText({ ...loop, start: at, extent: count }, by, outside, scope, indent, divided))
    at += count
  }
  return lines
}

/** The width of vectors of which each instruction can leave out lanes: AVX-512. */
const maskedWidth = 16

/** A loop in steps; where it is divided, the thread's part of them. */
function loopHead(index: string, start: number, extent: number, step: number, divided: boolean): string {
  if (!divided) return `for (I1 ${index} = ${start}; ${index} < ${start + extent}; ${index} += ${step})`
  const rounds = Math.ceil(extent / step)
  const at = (thread: string) => `${start} + (I1)((int64_t)${rounds} * ${thread} / threads) * ${step}`
  return `for (I1 ${index} = ${at('thread')}; ${index} < ${at('(thread + 1)')}; ${index} += ${step})`
}

/**
 * One loop in vectors of a width, or the one vector that is not full; sums of lanes that the loop leaves behind are added up
 * after it, in a fixed order.
 */
function lanesText(
  loop: LoopStatement,
  width: number,
  outside: ReadonlyMap<string, AccumulateOperator>,
  scope: Scope,
  indent: string,
  divided: boolean,
): string[] {
  const { index, start, extent, body } = loop
  const tail = extent < width ? `firstm_${width}(${extent})` : null
  const place: Place = { ...scope.place, width, index, start, tail, inLanes: new Set<string>() }
  const inner: Scope = { ...scope, place, types: new Map(scope.types), outside }
  const head = loopHead(index, start, extent, width, divided)
  if (width === 1) {
    const plain: Scope = { ...inner, place: { ...place, index: null } }
    return [`${indent}${head} {`, ...block(body, plain, `${indent}  `), `${indent}}`]
  }
  const before: string[] = []
  const after: string[] = []
  for (const [name, op] of outside) {
    inLanes(place).add(name)
    const type = scope.types.get(name)!
    const letter = letterOf(type)
    const neutral = asLanes({ text: constantText(type, neutralOf(op, type)), lanes: false }, type, width)
    before.push(`${indent}  ${vectorType(type, width)} ${name}_${width} = ${neutral};`)
    const combined = combinedLanes(op, letter, `${name}_${width}`, width)
    after.push(`${indent}  ${name} = ${accumulated(op, type, name, combined, 1)};`)
  }
  return [
    `${indent}{`,
    ...before,
    `${indent}  ${head} {`,
    ...block(body, inner, `${indent}    `),
    `${indent}  }`,
    ...after,
    `${indent}}`,
  ]
}

const neutralOf = (op: AccumulateOperator, type: ScalarType): number => {
  switch (op) {
    case 'sum':
    case 'any':
      return 0
    case 'prod':
      return 1
    case 'all':
      return 1
    case 'max':
      return type === 'i32' ? -2147483648 : Number.NEGATIVE_INFINITY
    case 'min':
      return type === 'i32' ? 2147483647 : Number.POSITIVE_INFINITY
  }
}

function combinedLanes(op: AccumulateOperator, letter: string, name: string, w: number): string {
  if (op === 'any') return `any_${w}(${name})`
  if (op === 'all') return `(~any_${w}(~${name}))`
  return `${op === 'sum' || op === 'prod' ? op : `h${op}`}${letter}_${w}(${name})`
}

/** The accumulators that a loop's body adds to and does not declare. */
function accumulatedOutside(body: readonly Statement[]): ReadonlyMap<string, AccumulateOperator> {
  const own = new Set<string>()
  const found = new Map<string, AccumulateOperator>()
  const visit = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      if (statement.kind === 'accumulator') own.add(statement.name)
      if (statement.kind === 'accumulate' && !own.has(statement.name)) found.set(statement.name, statement.op)
      if (statement.kind === 'loop') visit(statement.body)
    }
  }
  visit(body)
  return found
}
