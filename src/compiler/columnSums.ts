// Sums over the loops that other nodes of a kernel run in: each part of the outermost loop adds up into a row of its own,
// and the rows are added when all are done. So the gradient of a bias is summed while what it sums is made.
import { binary, type Expr, name, read, walk } from '../expression/tree.ts'
import type { BoundRange, ComprehensionNode, Node } from '../graph/node.ts'
import { sizeOf } from '../graph/node.ts'
import { type Affine, add, scale } from '../index/index.ts'
import { constantValue, type KernelBuilder } from './blocks.ts'
import { flatten, type Places } from './elements.ts'
import type { LoopMode, Value } from './ir.ts'
import { type ComputedNode, domainSize } from './reads.ts'
import type { DeepRead } from './schedule.ts'

/** A sum by loops: those it is over and along, and nodes that give a term for each of their rounds. */
export interface ColumnSum {
  readonly node: ComprehensionNode
  /** The axes and ranges of the node that the kernel's loops run over, outermost first. */
  readonly loops: readonly BoundRange[]
  /** Computed in order in each round of the loops; the last is the term. */
  readonly terms: readonly ComprehensionNode[]
}

/** At most so many sums (8 KiB): they stay in the first cache. */
const maxSums = 2048
/** Less than this is not worth rows of its own. */
const leastRounds = 16384

/**
 * A sum over the outermost loop that reads some node element by element, in loops over that node; null where it is none, or
 * too little.
 */
export function columnSum(node: ComputedNode, reads: readonly DeepRead[]): ColumnSum | null {
  if (node.kind !== 'comprehension' || node.dtype !== 'f32' || node.reduction?.op !== 'sum') return null
  if (node.reduction.where || node.axes.length === 0 || sizeOf(node.shape) > maxSums) return null
  if (domainSize(node) < leastRounds) return null
  const { ranges } = node.reduction
  const known = new Map([...node.axes, ...ranges].map((range) => [range.index, range]))
  for (const { node: operand, at } of reads) {
    const loops = at.map((index, axis) => {
      const range = index && known.get(plainName(index) ?? '')
      return range && range.start === 0 && range.extent === operand.shape[axis] ? range : null
    })
    const found = new Set(loops)
    if (found.has(null) || found.size < loops.length || !node.axes.every((axis) => found.has(axis))) continue
    if (!ranges.includes(loops[0]!) || partsOf(loops[0]!.extent) === 1) continue
    return { node, loops: loops as BoundRange[], terms: termsOf(node, loops as BoundRange[]) }
  }
  return null
}

/** Whether the sum gains from loops like these even when nothing shares them: else it would step through memory in leaps. */
export const standsAlone = ({ node, loops }: ColumnSum): boolean => node.axes.includes(loops[loops.length - 1])

export function plainName({ constant, terms }: Affine): string | null {
  if (constant !== 0 || terms.length !== 1 || terms[0].coefficient !== 1 || terms[0].atom.kind !== 'index') return null
  return terms[0].atom.name
}

/** What is summed over the loops: sums over the other ranges, with factors that do not depend on these taken out. */
function termsOf(node: ComprehensionNode, loops: readonly BoundRange[]): readonly ComprehensionNode[] {
  const ranges = node.reduction!.ranges.filter((range) => !loops.includes(range))
  const shape = loops.map(({ extent }) => extent)
  if (ranges.length === 0) return [{ ...node, axes: loops, shape, reduction: null }]
  const reduction = { ...node.reduction!, ranges }
  const factors = factorsOf(node.body)
  const isInner = (factor: Expr) => ranges.some(({ index }) => mentions(factor, index))
  const outer = factors.filter((factor) => !isInner(factor))
  if (outer.length === 0) return [{ ...node, axes: loops, shape, reduction }]
  const product = (of: readonly Expr[]) => of.reduce((left, right) => binary('*', left, right))
  const inner = { ...node, axes: loops, shape, reduction, body: product(factors.filter(isInner)) }
  const sum = read(
    innerSum,
    loops.map(({ index }) => name(index)),
  )
  const operands = new Map<string, Node>([...node.operands, [innerSum, inner]])
  return [inner, { ...node, axes: loops, shape, reduction: null, body: product([...outer, sum]), operands }]
}

/** No name in a formula has a space. */
const innerSum = 'inner sum'

const factorsOf = (expr: Expr): readonly Expr[] =>
  expr.kind === 'binary' && expr.op === '*' ? [...factorsOf(expr.left), ...factorsOf(expr.right)] : [expr]

function mentions(expr: Expr, index: string): boolean {
  let found = false
  walk(expr, (part) => {
    if (part.kind === 'name' && part.name === index) found = true
  })
  return found
}

/** Into how many parts the outermost loop is cut, whatever the number of threads. */
export function partsOf(extent: number): number {
  const leastRows = 8
  return [8, 6, 4, 10, 2, 7, 5, 3].find((parts) => extent % parts === 0 && extent / parts >= leastRows) ?? 1
}

/** Emits what stands in the loops; gives the value of each sum's term. */
type Inside = (at: readonly Affine[]) => ReadonlyMap<ColumnSum, Value>

/** Where a sum grows: the variable of the innermost loops over which it is summed, if there are any, and its row. */
interface Place {
  readonly sum: ColumnSum
  readonly rows: string
  /** Loops deeper than this are all summed over. */
  readonly depth: number
}

/** Loops over `extents` with sums, and their results. */
export function lowerColumnSums(
  b: KernelBuilder,
  extents: readonly number[],
  sums: readonly ColumnSum[],
  places: Places,
  inside: Inside,
): void {
  const parts = partsOf(extents[0])
  const rounds = extents[0] / parts
  const grown = sums.map((sum): Place => {
    const depth = sum.loops.findLastIndex((loop) => sum.node.axes.includes(loop)) + 1
    return { sum, rows: places.scratch(parts * sizeOf(sum.node.shape), 'kernel'), depth }
  })
  b.loop(parts, 0, 'parallel', (part) => {
    for (const { sum, rows } of grown) {
      const length = sizeOf(sum.node.shape)
      b.loop(length, 0, 'lanes', (index) => {
        const offset = add(scale(part, length), index)
        b.push({ kind: 'store', buffer: rows, offset, value: constantValue('f32', 0), add: false })
      })
    }
    b.loop(rounds, 0, 'serial', (round) => {
      openLoops(b, extents, [add(scale(part, rounds), round)], part, grown, inside, new Map())
    })
  })
  for (const { sum, rows } of grown) addRows(b, sum, rows, parts, places.targetsOf(sum.node))
}

function openLoops(
  b: KernelBuilder,
  extents: readonly number[],
  at: readonly Affine[],
  part: Affine,
  places: readonly Place[],
  inside: Inside,
  variables: ReadonlyMap<Place, Value & { kind: 'variable' }>,
): void {
  const depth = at.length
  const grow = (place: Place, value: Value): void => {
    const { node, loops } = place.sum
    const position = node.axes.map((axis) => at[loops.indexOf(axis)])
    const offset = add(scale(part, sizeOf(node.shape)), flatten(position, node.shape))
    b.push({ kind: 'store', buffer: place.rows, offset, value, add: true })
  }
  if (depth === extents.length) {
    const terms = inside(at)
    for (const place of places) {
      const variable = variables.get(place)
      const value = terms.get(place.sum)!
      if (variable) b.push({ kind: 'accumulate', name: variable.name, op: 'sum', value, where: null })
      else grow(place, value)
    }
    return
  }
  const here = places.filter((place) => place.depth === depth)
  const more = new Map(variables)
  for (const place of here) more.set(place, b.accumulator('f32', 0))
  const mode: LoopMode = depth === extents.length - 1 ? 'lanes' : 'serial'
  b.loop(extents[depth], 0, mode, (index) => {
    openLoops(b, extents, [...at, index], part, places, inside, more)
  })
  for (const place of here) grow(place, more.get(place)!)
}

/** Adds the rows of all parts, in order. */
function addRows(b: KernelBuilder, sum: ColumnSum, rows: string, parts: number, targets: readonly string[]): void {
  const length = sizeOf(sum.node.shape)
  b.loop(length, 0, 'lanes', (index) => {
    let total = b.load('f32', rows, index, null)
    for (let part = 1; part < parts; part++) {
      const row = b.load('f32', rows, add(index, { constant: part * length, terms: [] }), null)
      total = b.operation('f32', 'add', total, row)
    }
    for (const buffer of targets) b.push({ kind: 'store', buffer, offset: index, value: total, add: false })
  })
}
