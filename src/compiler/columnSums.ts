// Sums over the loops that other nodes of a kernel run in: each part of the outermost loop adds up into a row of its own,
// and the rows are added when all are done. So the gradient of a bias is summed while what it sums is made.
import { binary, type Expr, name, read, walk } from '../expression/tree.ts'
import type { BoundRange, ComprehensionNode, Node } from '../graph/node.ts'
import { sizeOf } from '../graph/node.ts'
import { type Affine, add, constant, scale } from '../index/index.ts'
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
  if (node.reduction.where || sizeOf(node.shape) > maxSums) return null
  if (domainSize(node) < leastRounds) return null
  const { ranges } = node.reduction
  const known = new Map([...node.axes, ...ranges].map((range) => [range.index, range]))
  for (const { node: operand, at } of reads) {
    const loops = at.map((index, axis) => {
      const range = index && known.get(plainName(index) ?? '')
      return range && range.start === 0 && range.extent === operand.shape[axis] ? range : null
    })
    const found = new Set(loops)
    if (loops.length < 2 || found.has(null) || found.size < loops.length || !node.axes.every((axis) => found.has(axis)))
      continue
    const extents = loops.map((range) => range!.extent)
    if (!ranges.includes(loops[0]!) || partsOf(extents, sizeOf(node.shape)) === 1) continue
    return { node, loops: loops as BoundRange[], terms: termsOf(node, loops as BoundRange[]) }
  }
  return null
}

/**
 * Whether the sum gains from loops like these even when nothing shares them: else it would step through memory in leaps, or
 * one thread alone would add up everything.
 */
export const standsAlone = ({ node, loops }: ColumnSum): boolean =>
  node.axes.length === 0 || node.axes.includes(loops[loops.length - 1])

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

/** Each row should be added to this often at least, so that clearing and adding it counts for little. */
const leastAdditions = 8

/** Into how many parts the outermost loop is cut, whatever the number of threads; 1 where it cannot be, or is not worth it. */
function partsOf(extents: readonly number[], sums: number): number {
  const rounds = sizeOf(extents)
  const isFew = (parts: number) => rounds >= leastAdditions * parts * sums
  return [8, 6, 4, 10, 2, 7, 5, 3].find((parts) => extents[0] % parts === 0 && isFew(parts)) ?? 1
}

/** Emits what stands in the loops; gives the value of each sum's term. */
export type Inside = (at: readonly Affine[]) => ReadonlyMap<ColumnSum, Value>

/** Where a sum grows: in a row for each part, and inside the innermost loops that are all summed over in a variable. */
interface Place {
  readonly sum: ColumnSum
  readonly rows: string
  /** Loops deeper than this are all summed over. */
  readonly depth: number
}

/** An axis of the loops: fixed by the loops around, or still to run. */
export type LoopAxis = { readonly fixed: Affine } | { readonly extent: number; readonly from: Affine }

/** Rows in which sums grow, one for each part of the work; parts may run side by side. */
export interface Rows {
  /** Loops over a part, its row cleared before them; `at` gives the axes that are open. */
  part(part: Affine, axes: readonly LoopAxis[], inside: Inside): void
  /** Adds the rows of all parts, in order. */
  finish(): void
}

/** Loops over `extents` with sums, and their results. */
export function lowerColumnSums(
  b: KernelBuilder,
  extents: readonly number[],
  sums: readonly ColumnSum[],
  places: Places,
  inside: Inside,
): void {
  const parts = partsOf(extents, Math.max(...sums.map(({ node }) => sizeOf(node.shape))))
  const extent = extents[0] / parts
  const rows = sumRows(b, sums, parts, places)
  b.loop(parts, 0, 'parallel', (part) => {
    const others = extents.slice(1).map((rest): LoopAxis => ({ extent: rest, from: constant(0) }))
    rows.part(part, [{ extent, from: scale(part, extent) }, ...others], inside)
  })
  rows.finish()
}

export function sumRows(b: KernelBuilder, sums: readonly ColumnSum[], parts: number, places: Places): Rows {
  const grown = sums.map((sum): Place => {
    const depth = sum.loops.findLastIndex((loop) => sum.node.axes.includes(loop)) + 1
    return { sum, rows: places.scratch(parts * sizeOf(sum.node.shape), 'kernel'), depth }
  })
  return {
    part: (part, axes, inside) => {
      for (const { sum, rows } of grown) {
        const length = sizeOf(sum.node.shape)
        b.loop(length, 0, 'lanes', (index) => {
          const offset = add(scale(part, length), index)
          b.push({ kind: 'store', buffer: rows, offset, value: constantValue('f32', 0), add: false })
        })
      }
      openLoops(b, axes, [], part, grown, inside, new Map())
    },
    finish: () => {
      for (const { sum, rows } of grown) addRows(b, sum, rows, parts, places.targetsOf(sum.node))
    },
  }
}

function openLoops(
  b: KernelBuilder,
  axes: readonly LoopAxis[],
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
  if (depth === axes.length) {
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
  const open = (index: Affine) => openLoops(b, axes, [...at, index], part, places, inside, more)
  const axis = axes[depth]
  if ('fixed' in axis) open(axis.fixed)
  else {
    const mode: LoopMode = depth === axes.length - 1 ? 'lanes' : 'serial'
    b.loop(axis.extent, 0, mode, (index) => open(add(axis.from, index)))
  }
  for (const place of here) grow(place, more.get(place)!)
}

/** More rows than these are added in a loop. */
const fewParts = 16

function addRows(b: KernelBuilder, sum: ColumnSum, rows: string, parts: number, targets: readonly string[]): void {
  const length = sizeOf(sum.node.shape)
  b.loop(length, 0, 'lanes', (index) => {
    const rowAt = (part: Affine): Value => b.loadHere('f32', rows, add(index, scale(part, length)))
    let total: Value
    if (parts <= fewParts) {
      total = rowAt(constant(0))
      for (let part = 1; part < parts; part++) total = b.operation('f32', 'add', total, rowAt(constant(part)))
    } else {
      const variable = b.accumulator('f32', 0)
      b.loop(parts, 0, 'serial', (part) => {
        b.push({ kind: 'accumulate', name: variable.name, op: 'sum', value: rowAt(part), where: null })
      })
      total = variable
    }
    for (const buffer of targets) b.push({ kind: 'store', buffer, offset: index, value: total, add: false })
  })
}
