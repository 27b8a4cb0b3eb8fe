// What follows a product in a loop reads and writes memory that the product leaves alone: it can come while that multiplies.
import { type Access, accessesOf, divisionOf, namesInside } from '../../compiler/divisions.ts'
import type { Buffer, ContractionStatement, LoopStatement, Statement } from '../../compiler/ir.ts'
import { type Affine, type Interval, namesIn, substituteIndices } from '../../index/index.ts'
import { farElements } from './floatPlan.ts'

/** Neighbours in memory that one round of a loop uses after a product and not before. */
export interface Following {
  readonly buffer: string
  readonly start: Affine
  readonly numbers: number
  readonly isWrite: boolean
}

/** More at a time would wait for one another. */
const mostBuffers = 3

/** What follows each product in a loop's body, before the next one, of buffers too large to be in the cache already. */
export function followingOf(
  loop: LoopStatement,
  buffers: ReadonlyMap<string, Buffer>,
): ReadonlyMap<ContractionStatement, readonly Following[]> {
  const found = new Map<ContractionStatement, readonly Following[]>()
  const { body } = loop
  if (!body.some(({ kind }) => kind === 'contraction')) return found
  const offsets = offsetsIn(body)
  const inner = namesInside(loop)
  const used = new Set<string>()
  let product: ContractionStatement | null = null
  let after: Access[] = []
  const finish = (): void => {
    if (product) found.set(product, partsOf(after, loop, inner, buffers))
    for (const { buffer } of after) used.add(buffer)
    after = []
  }
  for (const statement of body) {
    const accesses = accessesOf(statement).filter(({ buffer }) => !used.has(buffer))
    if (statement.kind === 'contraction') {
      finish()
      product = statement
      for (const { buffer } of accesses) used.add(buffer)
    } else after.push(...accesses.map((access) => ({ ...access, at: substituteIndices(access.at, offsets, inner) })))
  }
  finish()
  return found
}

/** Names of offsets that are computed inside a loop, with what they stand for. */
function offsetsIn(body: readonly Statement[]): ReadonlyMap<string, Affine> {
  const found = new Map<string, Affine>()
  const visit = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      if (statement.kind === 'loop') visit(statement.body)
      if (statement.kind === 'let' && statement.value.kind === 'index')
        found.set(statement.name, substituteIndices(statement.value.of, found, new Map()))
    }
  }
  visit(body)
  return found
}

function partsOf(
  accesses: readonly Access[],
  loop: LoopStatement,
  inner: ReadonlyMap<string, Interval>,
  buffers: ReadonlyMap<string, Buffer>,
): readonly Following[] {
  const parts: Following[] = []
  for (const buffer of new Set(accesses.map(({ buffer }) => buffer))) {
    const { length, dtype, place } = buffers.get(buffer)!
    if (length < farElements || place.kind === 'scratch' || (dtype !== 'f32' && dtype !== 'i32')) continue
    const own = accesses.filter((access) => access.buffer === buffer)
    const division = divisionOf(own, loop.index, inner)
    // A round that leaves out much of its part would ask for what nobody needs.
    if (!division || division.length !== division.stride) continue
    const around = own[0].at.terms.filter(
      (term) => ![...namesIn({ constant: 0, terms: [term] })].some((name) => inner.has(name)),
    )
    parts.push({
      buffer,
      start: { constant: division.first, terms: around },
      numbers: division.length,
      isWrite: own.some(({ isWrite }) => isWrite),
    })
  }
  return parts.slice(0, mostBuffers)
}
