// Kernels that do the same at other places of their buffers become the same text.
import { type Affine, add, constant } from '../index/index.ts'
import { mapAffines } from './affines.ts'
import type { Statement } from './ir.ts'

/** Where each buffer begins for a kernel, in elements; buffers that begin at 0 are left out. */
type Origins = ReadonlyMap<string, number>

/**
 * The same statements with every buffer taken from the first place that a constant offset names: the caller hands over the
 * buffers moved by `origins`.
 */
export function rebase(body: readonly Statement[]): { readonly body: readonly Statement[]; readonly origins: Origins } {
  const least = new Map<string, number>()
  const see = (offset: Affine, buffer: string | null): Affine => {
    if (buffer !== null) least.set(buffer, Math.min(least.get(buffer) ?? Number.POSITIVE_INFINITY, offset.constant))
    return offset
  }
  mapAffines(body, see)
  const origins = new Map([...least].filter(([, first]) => first > 0))
  if (origins.size === 0) return { body, origins }
  const moved = mapAffines(body, (offset, buffer) => {
    const first = buffer === null ? undefined : origins.get(buffer)
    return first === undefined ? offset : add(offset, constant(-first))
  })
  return { body: moved, origins }
}
