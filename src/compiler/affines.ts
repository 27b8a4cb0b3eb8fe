// Every index expression of a body, changed.
import type { Affine } from '../index/index.ts'
import type { Panel, Statement, Value } from './ir.ts'

/** The buffer that an index expression is a place in; null for one that is a value itself. */
export type ChangeAffine = (affine: Affine, buffer: string | null) => Affine

/** The same statements with every index expression changed. */
export function mapAffines(body: readonly Statement[], change: ChangeAffine): readonly Statement[] {
  const value = (old: Value): Value => mapValue(old, change)
  const panel = (old: Panel): Panel => ({ ...old, base: change(old.base, old.buffer) })
  return body.map((statement): Statement => {
    switch (statement.kind) {
      case 'loop':
        return { ...statement, body: mapAffines(statement.body, change) }
      case 'let':
        return { ...statement, value: value(statement.value) }
      case 'store':
        return { ...statement, offset: change(statement.offset, statement.buffer), value: value(statement.value) }
      case 'accumulate':
        return { ...statement, value: value(statement.value), where: statement.where && value(statement.where) }
      case 'accumulateWinner':
        return {
          ...statement,
          value: value(statement.value),
          position: value(statement.position),
          where: statement.where && value(statement.where),
        }
      case 'contraction':
        return { ...statement, a: panel(statement.a), b: panel(statement.b), c: panel(statement.c) }
      case 'pack':
        return { ...statement, panel: panel(statement.panel) }
      default:
        return statement
    }
  })
}

function mapValue(value: Value, change: ChangeAffine): Value {
  switch (value.kind) {
    case 'index':
      return { ...value, of: change(value.of, null) }
    case 'load':
      return {
        ...value,
        offset: change(value.offset, value.buffer),
        guard: value.guard && mapValue(value.guard, change),
      }
    case 'operation':
      return { ...value, args: value.args.map((arg) => mapValue(arg, change)) }
    default:
      return value
  }
}
