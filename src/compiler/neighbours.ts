// Stores that belong together.
import { affineKey } from '../index/index.ts'
import type { Statement, Value } from './ir.ts'

export type Store = Statement & { kind: 'store' }

/**
 * `count` stores of f32 from `at` on, each to the element right after that of the one before, in a buffer that none of them
 * reads; null where there are not so many.
 */
export function neighboursOf(body: readonly Statement[], at: number, count: number): readonly Store[] | null {
  const stores = body.slice(at, at + count)
  if (stores.length < count || !stores.every(isPlain)) return null
  const [{ buffer, offset }] = stores
  const areNeighbours = stores.every(
    (store, nth) =>
      store.buffer === buffer &&
      affineKey({ ...offset, constant: offset.constant + nth }) === affineKey(store.offset) &&
      !reads(store.value, buffer),
  )
  return areNeighbours ? stores : null
}

const isPlain = (statement: Statement): statement is Store =>
  statement.kind === 'store' && !statement.add && statement.value.type === 'f32'

function reads(value: Value, buffer: string): boolean {
  if (value.kind === 'load') return value.buffer === buffer || (value.guard !== null && reads(value.guard, buffer))
  return value.kind === 'operation' && value.args.some((arg) => reads(arg, buffer))
}
