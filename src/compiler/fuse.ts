// Loops that follow one another over the same range become one: what the first makes, the second takes from a register.
import { type Affine, affineKey, indexOf, namesIn, substituteIndices } from '../index/index.ts'
import type { LoopStatement, Statement, Value } from './ir.ts'
import { mapStatements } from './mapStatements.ts'
import { eachStatement, offsetsOf, valuesOf } from './tidy.ts'

type Load = Value & { kind: 'load' }
type Store = Statement & { kind: 'store' }

/**
 * The same statements with loops that read the same elements fused, wherever a round of the second needs nothing of the first
 * but what the same round has made.
 */
export function fuseLoops(body: readonly Statement[]): readonly Statement[] {
  const result: Statement[] = []
  for (const statement of body) {
    if (statement.kind !== 'loop' || !fuseWithLast(result, statement)) result.push(statement)
  }
  return result.map((statement) =>
    statement.kind === 'loop' ? { ...statement, body: fuseLoops(statement.body) } : statement,
  )
}

/** Puts a loop into the last one of `before`; false where that cannot be. */
function fuseWithLast(before: Statement[], loop: LoopStatement): boolean {
  const at = before.findLastIndex(({ kind }) => kind === 'loop')
  const first = before[at]
  if (first?.kind !== 'loop' || !isSameRange(first, loop)) return false
  const second = renamedLike(first, loop)
  const between = partedBy(before.slice(at + 1), effectsOf([first]))
  if (!between || between.after.some(({ name }) => effectsOf([second]).names.has(name))) return false
  const together = oneBody(first, second)
  if (!together) return false
  before.splice(at, before.length - at, ...between.before, { ...first, body: together }, ...between.after)
  return true
}

const isSameRange = (a: LoopStatement, b: LoopStatement): boolean =>
  a.start === b.start && a.extent === b.extent && a.mode === b.mode

/** The second loop with the indices of the first, and so the loops in them while each holds nothing but one. */
function renamedLike(first: LoopStatement, second: LoopStatement): LoopStatement {
  const rename = new Map([[second.index, indexOf(first.index)]])
  const change = (affine: Affine): Affine => substituteIndices(affine, rename, new Map())
  const body = mapStatements(second.body, { offset: (_, at) => change(at), index: change })
  const [one, other] = [first.body[0], body[0]]
  const areNests = first.body.length === 1 && body.length === 1 && one.kind === 'loop' && other.kind === 'loop'
  const inner = areNests && isSameRange(one, other) ? [renamedLike(one, other)] : body
  return { ...second, index: first.index, body: inner }
}

interface Effects {
  /** Names that occur: variables, indices, accumulators. */
  readonly names: ReadonlySet<string>
  readonly accumulated: ReadonlySet<string>
  readonly loads: readonly Load[]
  readonly stores: readonly Store[]
  /** Whether it does nothing but store, accumulate and name values. */
  readonly isPlain: boolean
}

function effectsOf(body: readonly Statement[]): Effects {
  const names = new Set<string>()
  const accumulated = new Set<string>()
  const loads: Load[] = []
  const stores: Store[] = []
  let isPlain = true
  const see = (value: Value): void => {
    if (value.kind === 'variable') names.add(value.name)
    if (value.kind === 'index') for (const name of namesIn(value.of)) names.add(name)
    if (value.kind === 'load') {
      loads.push(value)
      for (const name of namesIn(value.offset)) names.add(name)
      if (value.guard) see(value.guard)
    }
    if (value.kind === 'operation') value.args.forEach(see)
  }
  eachStatement(body, (statement) => {
    valuesOf(statement).forEach(see)
    for (const offset of offsetsOf(statement)) for (const name of namesIn(offset)) names.add(name)
    if (statement.kind === 'accumulate') accumulated.add(statement.name)
    if (statement.kind === 'store') stores.push(statement)
    if (['contraction', 'pack', 'accumulateWinner'].includes(statement.kind)) isPlain = false
    if (statement.kind === 'store' && statement.add) isPlain = false
  })
  return { names, accumulated, loads, stores, isPlain }
}

type Let = Statement & { kind: 'let' }

/** What stands between the loops, as what may go before both and what must come after the first; null for more than names. */
function partedBy(
  between: readonly Statement[],
  { accumulated, stores }: Effects,
): { readonly before: readonly Statement[]; readonly after: readonly Let[] } | null {
  const before: Statement[] = []
  const after: Let[] = []
  const late = new Set(accumulated)
  const written = new Set(stores.map(({ buffer }) => buffer))
  for (const statement of between) {
    if (statement.kind === 'accumulator') before.push(statement)
    else if (statement.kind === 'let') {
      const { names, loads } = effectsOf([statement])
      if ([...names].some((name) => late.has(name)) || loads.some(({ buffer }) => written.has(buffer))) {
        late.add(statement.name)
        after.push(statement)
      } else before.push(statement)
    } else return null
  }
  return { before, after }
}

/** The bodies of both, the second with what the first stores taken from names; null where fusing is wrong or gains nothing. */
function oneBody(first: LoopStatement, second: LoopStatement): readonly Statement[] | null {
  const [earlier, later] = [effectsOf(first.body), effectsOf(second.body)]
  if (!earlier.isPlain || !later.isPlain) return null
  if ([...earlier.accumulated].some((name) => later.names.has(name) || later.accumulated.has(name))) return null
  const overwritten = new Set(later.stores.map(({ buffer }) => buffer))
  if ([...earlier.loads, ...earlier.stores].some(({ buffer }) => overwritten.has(buffer))) return null
  const isFlat = [...first.body, ...second.body].every(({ kind }) => kind !== 'loop')
  const made = new Map<string, Store>()
  for (const load of later.loads) {
    const stores = earlier.stores.filter(({ buffer }) => buffer === load.buffer)
    if (stores.length === 0) continue
    const [store] = stores
    // Whole numbers may lose bits where they are stored.
    const isKept = store.value.type === load.type && (load.type === 'f32' || load.type === 'f64')
    const isHere = isFlat && stores.length === 1 && !load.guard && isKept
    if (!isHere || affineKey(store.offset) !== affineKey(load.offset)) return null
    made.set(store.buffer, store)
  }
  const placeKey = ({ buffer, offset }: Load): string => `${buffer}[${affineKey(offset)}]`
  const read = new Set(earlier.loads.map(placeKey))
  if (made.size === 0 && !later.loads.some((load) => read.has(placeKey(load)))) return null

  const kept = new Map<string, Value>()
  const named = first.body.flatMap((statement, at): readonly Statement[] => {
    if (statement.kind !== 'store' || made.get(statement.buffer) !== statement) return [statement]
    const { value, buffer } = statement
    const isNamed = value.kind === 'variable' || value.kind === 'constant'
    const name = `${first.index}_${at}`
    kept.set(buffer, isNamed ? value : { kind: 'variable', type: value.type, name })
    return isNamed
      ? [statement]
      : [
          { kind: 'let', name, value },
          { ...statement, value: kept.get(buffer)! },
        ]
  })
  return [...named, ...second.body.map((statement) => withLoads(statement, kept))]
}

/** A statement with loads from some buffers replaced. */
function withLoads(statement: Statement, kept: ReadonlyMap<string, Value>): Statement {
  const change = (value: Value): Value => {
    if (value.kind === 'load') return kept.get(value.buffer) ?? { ...value, guard: value.guard && change(value.guard) }
    return value.kind === 'operation' ? { ...value, args: value.args.map(change) } : value
  }
  if (statement.kind === 'let' || statement.kind === 'store') return { ...statement, value: change(statement.value) }
  if (statement.kind !== 'accumulate') return statement
  return { ...statement, value: change(statement.value), where: statement.where && change(statement.where) }
}
