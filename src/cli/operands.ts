// Operands for a formula from the command line: the shapes that were given, and small ones for the others.
import { operandsOfFormula } from '../autodiff/formulaNames.ts'
import type { Expr, FormulaTree, Range, ReadExpr } from '../expression/tree.ts'
import { children, substitute, walk } from '../expression/tree.ts'
import { nearest } from '../formula/nearest.ts'
import type { Shape } from '../graph/node.ts'
import { type Affine, affineOf, bounds, constant, type Interval, isConstant } from '../index/index.ts'
import { UsageError } from './command.ts'

/** An operand of a formula: a number, or a tensor known by its shape. */
export type OperandSpec =
  | { readonly name: string; readonly kind: 'number'; readonly value: number }
  | {
      readonly name: string
      readonly kind: 'tensor'
      readonly shape: Shape
      /** i32 for what stands inside the index of another read, where it takes the values 0 … largest. */
      readonly dtype: 'float' | 'i32'
      readonly largest: number
      /** Whether the shape was given. */
      readonly isGiven: boolean
    }

/**
 * The operands of a formula. `shapes` are texts like `x=64,3,32,32`, `values` like `s=2`, several in one text with spaces
 * between them. Throws UsageError for what is no such text or names no operand, and for a constant without its number.
 */
export function operandSpecs(tree: FormulaTree, shapes: readonly string[], values: readonly string[]): OperandSpec[] {
  const operands = operandsOfFormula(tree)
  const names = operands.map(({ name }) => name)
  const numbers = new Map<string, number>()
  for (const [name, text] of assignments(values, 'value', names)) numbers.set(name, numberOf(name, text))
  const given = new Map<string, Shape>()
  for (const [name, text] of assignments(shapes, 'shape', names)) given.set(name, shapeOf(name, text))
  for (const { name, rank } of operands) {
    const shape = given.get(name)
    if (shape && shape.length !== rank)
      throw new UsageError(
        `the formula reads ${name} with ${rank} ${rank === 1 ? 'index' : 'indices'}; --shape gives it ${shape.length}`,
      )
  }
  const sizes = sizesOf(tree, given, numbers)
  return operands.map(({ name, rank }): OperandSpec => {
    const value = numbers.get(name)
    if (value !== undefined) return { name, kind: 'number', value }
    if (rank === 0 && sizes.inIndices.has(name))
      throw new UsageError(
        `${name} stands in an index or a range, so it must be a number: add, for example, --value ${name}=2`,
      )
    const shape = given.get(name) ?? sizes.shapes.get(name) ?? []
    const isIndex = sizes.gathered.has(name)
    const largest = sizes.gathered.get(name) ?? 0
    return { name, kind: 'tensor', shape, dtype: isIndex ? 'i32' : 'float', largest, isGiven: given.has(name) }
  })
}

function assignments(texts: readonly string[], flag: string, names: readonly string[]): [name: string, text: string][] {
  return texts.flatMap((text) =>
    text.split(/[\s;]+/).flatMap((part): [string, string][] => {
      if (part === '') return []
      const at = part.indexOf('=')
      const example = flag === 'shape' ? 'x=64,3,32,32' : 's=2'
      if (at < 1)
        throw new UsageError(`--${flag} ${JSON.stringify(part)} is no ${flag}: write name=…, as in ${example}`)
      const name = part.slice(0, at)
      if (!names.includes(name)) {
        const meant = nearest(name, names)
        const fix = meant ? `did you mean ${meant}?` : `its operands are ${names.join(', ')}`
        throw new UsageError(`the formula has no operand ${name}; ${fix}`)
      }
      return [[name, part.slice(at + 1)]]
    }),
  )
}

function numberOf(name: string, text: string): number {
  const value = Number(text)
  if (text === '' || !Number.isFinite(value))
    throw new UsageError(`--value ${name}=${text}: ${JSON.stringify(text)} is no number`)
  return value
}

function shapeOf(name: string, text: string): Shape {
  const inner = text.replace(/^\[(.*)\]$/, '$1')
  const shape = inner === '' ? [] : inner.split(/[,x]/).map(Number)
  if (shape.every((extent) => Number.isSafeInteger(extent) && extent > 0)) return shape
  throw new UsageError(
    `--shape ${name}=${text}: a shape is whole numbers above 0 with commas between, as in ${name}=64,3,32,32`,
  )
}

interface Sizes {
  /** Names that stand in an index or a bound. */
  readonly inIndices: ReadonlySet<string>
  /** Integer tensors that stand in the index of another read, with the largest value they may have. */
  readonly gathered: ReadonlyMap<string, number>
  /** The smallest shapes that hold every read. */
  readonly shapes: ReadonlyMap<string, Shape>
}

/** What runs how far: by its bound, by the tensors whose shapes were given, else a few steps; and what that needs of tensors. */
function sizesOf(
  { statements }: FormulaTree,
  given: ReadonlyMap<string, Shape>,
  numbers: ReadonlyMap<string, number>,
): Sizes {
  const values = statements.map(({ value }) => value)
  const ranges = statements.flatMap(({ axes, value }) => [...axes, ...rangesIn(value)])
  const reads = values.flatMap(readsIn)
  const constants = new Map([...numbers].map(([name, value]) => [name, { kind: 'number', value } as const]))
  const intervals = new Map<string, Interval>()
  const affine = (expr: Expr) => affineOf(substitute(expr, constants), intervals)

  for (const { index, bound } of ranges) {
    const interval = intervalOf(bound, affine)
    if (interval) intervals.set(index, interval)
  }
  // An index that stands alone in the read of a tensor of known shape runs over that axis.
  for (const { tensor, at } of reads)
    for (const [axis, index] of at.entries()) {
      const extent = given.get(tensor)?.[axis]
      if (index.kind === 'name' && extent !== undefined && !intervals.has(index.name) && !numbers.has(index.name))
        intervals.set(index.name, { min: 0, max: extent - 1 })
    }
  const windows = windowIndices(values)
  let next = 0
  for (const { index } of ranges) {
    if (intervals.has(index)) continue
    const extent = windows.has(index) ? 3 : usualSizes[next++ % usualSizes.length]
    intervals.set(index, { min: 0, max: extent - 1 })
  }

  const axesOfLocals = new Map(statements.map(({ name, axes }) => [name, axes]))
  /** How many elements the axis of a tensor has, where that is settled already. */
  const extentOf = (tensor: string, axis: number): number | undefined => {
    const index = axesOfLocals.get(tensor)?.[axis]?.index
    const interval = index === undefined ? undefined : intervals.get(index)
    return interval ? interval.max + 1 : given.get(tensor)?.[axis]
  }
  const shapes = new Map<string, number[]>()
  const gathered = new Map<string, number>()
  for (const { tensor, at, maybe } of reads) {
    const shape = shapes.get(tensor) ?? at.map(() => 1)
    shapes.set(tensor, shape)
    for (const [axis, index] of at.entries()) {
      for (const inner of readsIn(index)) {
        const largest = (extentOf(tensor, axis) ?? gatheredSize) - 1
        gathered.set(inner.tensor, Math.min(largest, gathered.get(inner.tensor) ?? largest))
      }
      const position = affine(index)
      const needed = position ? extentFor(bounds(position, intervals), maybe) : gatheredSize
      shape[axis] = Math.max(shape[axis], needed)
    }
  }
  return { inIndices: namesInIndices(ranges, reads), gathered, shapes }
}

function intervalOf(bound: Range['bound'], affine: (expr: Expr) => Affine | null): Interval | null {
  if (bound.kind === 'inferred') return null
  const first = bound.kind === 'between' ? affine(bound.start) : constant(0)
  const last = affine(bound.kind === 'between' ? bound.last : bound.extent)
  if (!first || !last || !isConstant(first) || !isConstant(last)) return null
  return { min: first.constant, max: bound.kind === 'between' ? last.constant : last.constant - 1 }
}

/** What holds all positions; where reads may fall outside, what is left when they do so equally far at both ends. */
const extentFor = ({ min, max }: Interval, maybe: boolean): number =>
  Math.max(1, maybe && min < 0 ? max + 1 + min : max + 1)

function namesInIndices(ranges: readonly Range[], reads: readonly ReadExpr[]): Set<string> {
  const parts = [...reads.flatMap(({ at }) => at)]
  for (const { bound } of ranges) {
    if (bound.kind === 'extent') parts.push(bound.extent)
    if (bound.kind === 'between') parts.push(bound.start, bound.last)
  }
  const names = new Set<string>()
  for (const part of parts)
    walk(part, (inner) => {
      if (inner.kind === 'name') names.add(inner.name)
    })
  return names
}

const usualSizes = [2, 3, 4, 5, 6]
const gatheredSize = 7

function rangesIn(value: Expr): Range[] {
  const own = value.kind === 'reduce' ? [...value.ranges] : []
  return [...own, ...children(value).flatMap(rangesIn)]
}

function readsIn(value: Expr): ReadExpr[] {
  const found: ReadExpr[] = []
  walk(value, (part) => {
    if (part.kind === 'read') found.push(part)
  })
  return found
}

/** Indices of reductions that are added to others inside a read: those of a window. */
function windowIndices(values: readonly Expr[]): Set<string> {
  const reduced = new Set(values.flatMap(rangesIn).map(({ index }) => index))
  const found = new Set<string>()
  for (const { at } of values.flatMap(readsIn))
    for (const index of at)
      if (index.kind === 'binary')
        walk(index, (inner) => {
          if (inner.kind === 'name' && reduced.has(inner.name)) found.add(inner.name)
        })
  return found
}
