// Kernels that do the same at other places of their buffers become the same text.
import { type Affine, add, constant } from '../index/index.ts'
import type { Panel, Statement, Value } from './ir.ts'

/** Where each buffer begins for a kernel, in elements; buffers that begin at 0 are left out. */
type Origins = ReadonlyMap<string, number>

/**
 * The same statements with every buffer taken from the first place that a constant offset names: the caller hands over the
 * buffers moved by `origins`.
 */
export function rebase(body: readonly Statement[]): { readonly body: readonly Statement[]; readonly origins: Origins } {
  const least = new Map<string, number>()
  const see = (buffer: string, offset: Affine): Affine => {
    least.set(buffer, Math.min(least.get(buffer) ?? Number.POSITIVE_INFINITY, offset.constant))
    return offset
  }
  mapOffsets(body, see)
  const origins = new Map([...least].filter(([, first]) => first > 0))
  if (origins.size === 0) return { body, origins }
  const moved = mapOffsets(body, (buffer, offset) => {
    const first = origins.get(buffer)
    return first === undefined ? offset : add(offset, constant(-first))
  })
  return { body: moved, origins }
}

type Change = (buffer: string, offset: Affine) => Affine

function mapOffsets(body: readonly Statement[], change: Change): readonly Statement[] {
  const value = (old: Value): Value => mapValue(old, change)
  const panel = (old: Panel): Panel => ({ ...old, base: change(old.buffer, old.base) })
  return body.map((statement): Statement => {
    switch (statement.kind) {
      case 'loop':
        return { ...statement, body: mapOffsets(statement.body, change) }
      case 'let':
        return { ...statement, value: value(statement.value) }
      case 'store':
        return { ...statement, offset: change(statement.buffer, statement.offset), value: value(statement.value) }
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

function mapValue(value: Value, change: Change): Value {
  switch (value.kind) {
    case 'load':
      return {
        ...value,
        offset: change(value.buffer, value.offset),
        guard: value.guard && mapValue(value.guard, change),
      }
    case 'operation':
      return { ...value, args: value.args.map((arg) => mapValue(arg, change)) }
    default:
      return value
  }
}
