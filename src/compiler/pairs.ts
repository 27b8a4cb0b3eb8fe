// Stores that belong together.
import { affineKey } from '../index/index.ts'
import type { Statement, Value } from './ir.ts'

type Store = Statement & { kind: 'store' }

/** Two stores of f32, the second to the elements right after those of the first, which it does not read; null for others. */
export function pairOf(first: Statement, second: Statement | undefined): readonly [Store, Store] | null {
  if (first.kind !== 'store' || second?.kind !== 'store' || first.add || second.add) return null
  if (first.buffer !== second.buffer || first.value.type !== 'f32' || second.value.type !== 'f32') return null
  const next = { ...first.offset, constant: first.offset.constant + 1 }
  const isNext = affineKey(next) === affineKey(second.offset) && !reads(second.value, first.buffer)
  return isNext ? [first, second] : null
}

function reads(value: Value, buffer: string): boolean {
  if (value.kind === 'load') return value.buffer === buffer || (value.guard !== null && reads(value.guard, buffer))
  return value.kind === 'operation' && value.args.some((arg) => reads(arg, buffer))
}
