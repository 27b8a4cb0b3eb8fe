// Puts values that are used once back into the expression that uses them, and drops what nothing uses.
import { type Affine, namesIn } from '../index/index.ts'
import type { Statement, Value } from './ir.ts'

/**
 * A `let` that is used exactly once moves into its use when that is in the same block (never into a loop, where it would be
 * computed many times) and nothing is stored or accumulated in between.
 */
export function inlineSingleUses(body: readonly Statement[]): readonly Statement[] {
  const uses = new Map<string, number>()
  countStatements(body, uses)
  return inlineBlock(body, uses)
}

function inlineBlock(body: readonly Statement[], uses: ReadonlyMap<string, number>): readonly Statement[] {
  const pending = new Map<string, Value>()
  const result: Statement[] = []
  const flush = (): void => {
    for (const [name, value] of pending) result.push({ kind: 'let', name, value })
    pending.clear()
  }
  const take = (value: Value): Value => {
    switch (value.kind) {
      case 'variable': {
        const moved = pending.get(value.name)
        if (!moved) return value
        pending.delete(value.name)
        return moved
      }
      case 'load':
        return value.guard ? { ...value, guard: take(value.guard) } : value
      case 'operation':
        return { ...value, args: value.args.map(take) }
      default:
        return value
    }
  }
  for (const statement of body) {
    switch (statement.kind) {
      case 'let': {
        const count = uses.get(statement.name) ?? 0
        if (count === 0) break
        const value = take(statement.value)
        if (count === 1 && !usedAsIndexIn(body, statement.name)) pending.set(statement.name, value)
        else result.push({ ...statement, value })
        break
      }
      case 'accumulator':
      case 'pack':
        result.push(statement)
        break
      case 'contraction':
        flush()
        result.push(statement)
        break
      case 'loop': {
        flush()
        result.push({ ...statement, body: inlineBlock(statement.body, uses) })
        break
      }
      case 'store': {
        const value = take(statement.value)
        flush()
        result.push({ ...statement, value })
        break
      }
      case 'accumulate': {
        const value = take(statement.value)
        const where = statement.where && take(statement.where)
        flush()
        result.push({ ...statement, value, where })
        break
      }
      case 'accumulateWinner': {
        const value = take(statement.value)
        const position = take(statement.position)
        const where = statement.where && take(statement.where)
        flush()
        result.push({ ...statement, value, position, where })
        break
      }
    }
  }
  flush()
  return result
}

const indexUses = new WeakMap<readonly Statement[], ReadonlySet<string>>()

/** Names that occur inside index expressions cannot be replaced by an expression. */
function usedAsIndexIn(body: readonly Statement[], name: string): boolean {
  let names = indexUses.get(body)
  if (!names) {
    const found = new Set<string>()
    const visitValue = (value: Value): void => {
      if (value.kind === 'index') for (const index of namesIn(value.of)) found.add(index)
      if (value.kind === 'load') {
        for (const index of namesIn(value.offset)) found.add(index)
        if (value.guard) visitValue(value.guard)
      }
      if (value.kind === 'operation') value.args.forEach(visitValue)
    }
    eachStatement(body, (statement) => {
      for (const offset of offsetsOf(statement)) for (const index of namesIn(offset)) found.add(index)
      for (const value of valuesOf(statement)) visitValue(value)
    })
    names = found
    indexUses.set(body, names)
  }
  return names.has(name)
}

function countStatements(body: readonly Statement[], uses: Map<string, number>): void {
  const count = (name: string) => uses.set(name, (uses.get(name) ?? 0) + 1)
  const visit = (value: Value): void => {
    if (value.kind === 'variable') count(value.name)
    if (value.kind === 'index') for (const name of namesIn(value.of)) count(name)
    if (value.kind === 'load') {
      for (const name of namesIn(value.offset)) count(name)
      if (value.guard) visit(value.guard)
    }
    if (value.kind === 'operation') value.args.forEach(visit)
  }
  eachStatement(body, (statement) => {
    for (const offset of offsetsOf(statement)) for (const name of namesIn(offset)) count(name)
    for (const value of valuesOf(statement)) visit(value)
  })
}

/** Visits statements and those inside loops, in order. */
export function eachStatement(body: readonly Statement[], visit: (statement: Statement) => void): void {
  for (const statement of body) {
    visit(statement)
    if (statement.kind === 'loop') eachStatement(statement.body, visit)
  }
}

/** Where a statement itself writes, or reads other than by values. */
export function offsetsOf(statement: Statement): readonly Affine[] {
  if (statement.kind === 'store') return [statement.offset]
  if (statement.kind === 'contraction') {
    const { a, b, c, plus } = statement
    return [a.base, b.base, c.base, ...(plus ? [plus.base] : [])]
  }
  return statement.kind === 'pack' ? [statement.panel.base] : []
}

/** The values a statement evaluates itself, those of nested loops left out. */
export function valuesOf(statement: Statement): readonly Value[] {
  switch (statement.kind) {
    case 'let':
    case 'store':
      return [statement.value]
    case 'accumulate':
      return statement.where ? [statement.value, statement.where] : [statement.value]
    case 'accumulateWinner':
      return [statement.value, statement.position, ...(statement.where ? [statement.where] : [])]
    default:
      return []
  }
}
