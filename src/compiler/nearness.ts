// Keeps what one kernel makes or reads and the next one reads in the cache: loops over the same parts become one, and buffers of
// a round needs only its own part become as small as that part.

import { type Affine, constant, indexOf, scale, substituteIndices, subtract } from '../index/index.ts'
import { accumulatesOutside } from './accumulates.ts'
import { type Access, accessesOf, divisionOf, namesInside } from './divisions.ts'
import type { Kernel, LoopStatement, Statement } from './ir.ts'
import { mapStatements } from './mapStatements.ts'

export interface Near {
  readonly kernels: readonly Kernel[]
  /** New lengths of buffers that have become scratch. */
  readonly scratch: ReadonlyMap<string, number>
}

/** From when on it is worth while. */
export interface Thresholds {
  /** Bytes that go from one loop to another, or come from memory for both. */
  readonly handed: number
  /** Elements of the part of a buffer that a round needs. */
  readonly part: number
}

/**
 * What a first cache holds: a loop less is also a meeting of threads less. And enough for the loops over a part to be worth
 * their start.
 */
const chosen: Thresholds = { handed: 65536, part: 64 }

/**
 * Joins kernels, and makes buffers small that are then used in one kernel alone. `bytesOf` gives the size of a buffer,
 * `isOwn` whether nothing outside of the program sees it.
 */
export function keepNear(
  kernels: readonly Kernel[],
  bytesOf: BytesOf,
  isOwn: (buffer: string) => boolean,
  thresholds = chosen,
): Near {
  const joined = joinKernels(kernels, bytesOf, thresholds.handed)
  const users = new Map<string, number>()
  for (const kernel of joined) for (const name of buffersOf(kernel)) users.set(name, (users.get(name) ?? 0) + 1)
  const scratch = new Map<string, number>()
  const reduced = joined.map((kernel) => {
    let { body } = kernel
    for (const name of buffersOf(kernel)) {
      const small = isOwn(name) && users.get(name) === 1 ? reduceBuffer(body, name, thresholds.part) : null
      if (!small) continue
      body = small.body
      scratch.set(name, small.length)
    }
    return { ...kernel, body }
  })
  return { kernels: reduced, scratch }
}

const buffersOf = ({ reads, writes }: Kernel): ReadonlySet<string> => new Set([...reads, ...writes])

type BytesOf = (buffer: string) => number

/**
 * Joins each kernel to the one before where both are a loop over the same parts and no round reads what another round has
 * written: `for i {a}; for i {b}` becomes `for i {a; b}`, and the loops in there likewise.
 */
function joinKernels(kernels: readonly Kernel[], bytesOf: BytesOf, least: number): readonly Kernel[] {
  const result: Kernel[] = []
  for (const kernel of kernels) {
    const before = result.at(-1)
    const joined = before && joinTwo(before, kernel, bytesOf, least)
    if (joined) result[result.length - 1] = joined
    else result.push(kernel)
  }
  return result
}

function joinTwo(a: Kernel, b: Kernel, bytesOf: BytesOf, least: number): Kernel | null {
  if (!isOneLoop(a.body) || !isOneLoop(b.body)) return null
  // What cannot be worth it is not looked into.
  const touched = buffersOf(a)
  if (b.reads.reduce((sum, buffer) => sum + (touched.has(buffer) ? bytesOf(buffer) : 0), 0) < least) return null
  const body = joinBlocks(a.body, renamed(b.body, a.body), bytesOf, least)
  return (
    body && {
      name: a.name,
      formulas: [...a.formulas, ...b.formulas],
      reads: [...new Set([...a.reads, ...b.reads])],
      writes: [...new Set([...a.writes, ...b.writes])],
      body,
    }
  )
}

/** Whether a body is one loop that may be divided among threads, and values and packed operands that it uses. */
function isOneLoop(body: readonly Statement[]): boolean {
  const last = body.at(-1)
  return last?.kind === 'loop' && last.mode === 'parallel' && body.slice(0, -1).every(isPreparation)
}

const isPreparation = ({ kind }: Statement): boolean => kind === 'let' || kind === 'pack'

/** The statements of `a` and `b` with the last loop of `a` and the first of `b` as one; null where they must stay two. */
function joinBlocks(
  a: readonly Statement[],
  b: readonly Statement[],
  bytesOf: BytesOf,
  least: number,
): readonly Statement[] | null {
  const at = b.findIndex((statement) => !isPreparation(statement))
  const [first, second] = [a.at(-1), b[at]]
  if (first?.kind !== 'loop' || second?.kind !== 'loop') return null
  if (first.start !== second.start || first.extent !== second.extent || first.mode !== second.mode) return null
  if (first.mode === 'lanes' || accumulatesOutside(first) || accumulatesOutside(second)) return null
  const made = accessesOf(first)
  const written = new Set(made.filter(({ isWrite }) => isWrite).map(({ buffer }) => buffer))
  const preparations = b.slice(0, at)
  if (preparations.flatMap(accessesOf).some(({ buffer }) => written.has(buffer))) return null

  const other: LoopStatement = { ...second, ...reindexed(second, first.index) }
  const used = accessesOf(other)
  const inner = new Map([...namesInside(first), ...namesInside(other)])
  // What both only read comes from memory once: it counts as handed on.
  const handed = new Set<string>()
  for (const [buffer, accesses] of byBuffer([...made, ...used])) {
    const isShared = made.some((one) => one.buffer === buffer) && used.some((one) => one.buffer === buffer)
    if (!isShared) continue
    if (divisionOf(accesses, first.index, inner)) handed.add(buffer)
    else if (accesses.some(({ isWrite }) => isWrite)) return null
  }
  if ([...handed].reduce((sum, buffer) => sum + bytesOf(buffer), 0) < least) return null
  const partOf: BytesOf = (buffer) => bytesOf(buffer) / first.extent
  const body = joinBlocks(first.body, other.body, partOf, least) ?? [...first.body, ...other.body]
  return [...a.slice(0, -1), ...preparations, { ...first, body }, ...b.slice(at + 1)]
}

/** The loop with another index. */
function reindexed(loop: LoopStatement, index: string): Pick<LoopStatement, 'index' | 'body'> {
  const change = (of: Affine): Affine => substituteIndices(of, new Map([[loop.index, indexOf(index)]]), new Map())
  const name = (old: string): string => (old === loop.index ? index : old)
  return { index, body: mapStatements(loop.body, { offset: (_, at) => change(at), index: change, name }) }
}

/** The statements with names that another body does not have. */
function renamed(body: readonly Statement[], other: readonly Statement[]): readonly Statement[] {
  const taken = numbersIn(other)
  const next = taken.length === 0 ? 0 : Math.max(...taken) + 1
  const names = new Map<string, string>()
  const name = (old: string): string => {
    const [, prefix, number] = /^(\D*)(\d*)$/.exec(old)!
    const fresh = `${prefix}${next + Number(number)}`
    names.set(old, fresh)
    return fresh
  }
  mapStatements(body, { name })
  const values = new Map([...names].map(([old, fresh]) => [old, indexOf(fresh)]))
  const change = (of: Affine): Affine => substituteIndices(of, values, new Map())
  return mapStatements(body, { name, index: change, offset: (_, at) => change(at) })
}

/** The numbers in which names end. */
function numbersIn(body: readonly Statement[]): readonly number[] {
  const numbers: number[] = []
  mapStatements(body, {
    name: (name) => {
      numbers.push(Number(/\d*$/.exec(name)![0]))
      return name
    },
  })
  return numbers
}

function byBuffer(accesses: readonly Access[]): ReadonlyMap<string, readonly Access[]> {
  const found = new Map<string, Access[]>()
  for (const access of accesses) {
    const known = found.get(access.buffer)
    if (known) known.push(access)
    else found.set(access.buffer, [access])
  }
  return found
}

/** A buffer as small as the part of it that one round needs. */
interface SmallBuffer {
  readonly body: readonly Statement[]
  /** Elements of the part. */
  readonly length: number
}

/**
 * The statements with a buffer reduced to the part of it that lives for one round of the loops around all of its uses; null where
 * rounds need more than their own part, or less than `least`. Nothing else may use the buffer.
 */
function reduceBuffer(body: readonly Statement[], buffer: string, least: number): SmallBuffer | null {
  const uses = body.filter((statement) => accessesOf(statement).some((access) => access.buffer === buffer))
  const [loop] = uses
  if (uses.length !== 1 || loop.kind !== 'loop' || loop.mode === 'lanes') return null
  const accesses = accessesOf(loop).filter((access) => access.buffer === buffer)
  const division = divisionOf(accesses, loop.index, namesInside(loop))
  if (!division || division.length < least) return null
  const offset = (name: string, at: Affine): Affine =>
    name === buffer ? subtract(subtract(at, scale(indexOf(loop.index), division.stride)), constant(division.first)) : at
  const own = mapStatements(loop.body, { offset })
  const smaller = reduceBuffer(own, buffer, least)
  const reduced = { ...loop, body: smaller?.body ?? own }
  return {
    body: body.map((statement) => (statement === loop ? reduced : statement)),
    length: smaller?.length ?? division.length,
  }
}
