// Operands for a formula from the command line: the shapes that were given, and small ones for the others.
import { operandsOfFormula } from '../autodiff/formulaNames.ts'
import type { Expr, FormulaTree, Range } from '../expression/tree.ts'
import { children, substitute, walk } from '../expression/tree.ts'
import { nearest } from '../formula/nearest.ts'
import type { Shape } from '../graph/node.ts'
import { affineOf, bounds, type Interval } from '../index/index.ts'
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
  const sizes = new Sizes(tree, given, numbers)
  return operands.map(({ name, rank }): OperandSpec => {
    const value = numbers.get(name)
    if (value !== undefined) return { name, kind: 'number', value }
    if (rank === 0 && sizes.inIndices.has(name))
      throw new UsageError(
        `${name} stands in an index or a range, so it must be a number: add, for example, --value ${name}=2`,
      )
    const shape = given.get(name) ?? sizes.shapeOf(name, rank)
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

/** Index extents, and from them the smallest shapes that hold every read. */
class Sizes {
  /** Names that stand in an index or a bound. */
  readonly inIndices = new Set<string>()
  /** Integer tensors that stand in the index of another read, with the largest value they may have. */
  readonly gathered = new Map<string, number>()
  readonly #intervals = new Map<string, Interval>()
  readonly #shapes = new Map<string, number[]>()
  readonly #numbers: ReadonlyMap<string, number>

  constructor(tree: FormulaTree, given: ReadonlyMap<string, Shape>, numbers: ReadonlyMap<string, number>) {
    this.#numbers = numbers
    const values = tree.statements.map(({ value }) => value)
    const ranges = tree.statements.flatMap(({ axes, value }) => [...axes, ...rangesIn(value)])
    const windows = windowIndices(values)
    for (const { bound } of ranges)
      for (const part of bound.kind === 'extent'
        ? [bound.extent]
        : bound.kind === 'between'
          ? [bound.start, bound.last]
          : [])
        this.#noteNames(part)
    for (const value of values)
      walk(value, (part) => {
        if (part.kind === 'read') part.at.forEach((index) => this.#noteNames(index))
      })
    for (const range of ranges) this.#takeBound(range)
    for (const value of values) this.#takeGiven(value, given)
    let next = 0
    for (const { index } of ranges) {
      if (this.#intervals.has(index)) continue
      const extent = windows.has(index) ? 3 : usualSizes[next++ % usualSizes.length]
      this.#intervals.set(index, { min: 0, max: extent - 1 })
    }
    for (const value of values) this.#takeReads(value, given)
  }

  shapeOf(name: string, rank: number): Shape {
    return this.#shapes.get(name) ?? Array(rank).fill(usualSizes[0])
  }

  #noteNames(part: Expr): void {
    walk(part, (inner) => {
      if (inner.kind === 'name') this.inIndices.add(inner.name)
    })
  }

  #affine(expr: Expr) {
    const constants = new Map([...this.#numbers].map(([name, value]) => [name, { kind: 'number', value } as const]))
    return affineOf(substitute(expr, constants), this.#intervals)
  }

  #takeBound({ index, bound }: Range): void {
    if (bound.kind === 'inferred') return
    const start = bound.kind === 'between' ? this.#affine(bound.start) : null
    const last = this.#affine(bound.kind === 'between' ? bound.last : bound.extent)
    if (!last || last.terms.length > 0 || (start && start.terms.length > 0)) return
    const min = start?.constant ?? 0
    this.#intervals.set(index, { min, max: bound.kind === 'between' ? last.constant : last.constant - 1 })
  }

  /** An index that stands alone in the read of a tensor of known shape runs over that axis. */
  #takeGiven(value: Expr, given: ReadonlyMap<string, Shape>): void {
    walk(value, (part) => {
      if (part.kind !== 'read') return
      part.at.forEach((index, axis) => {
        const extent = given.get(part.tensor)?.[axis]
        if (
          index.kind === 'name' &&
          extent !== undefined &&
          !this.#intervals.has(index.name) &&
          !this.#numbers.has(index.name)
        )
          this.#intervals.set(index.name, { min: 0, max: extent - 1 })
      })
    })
  }

  #takeReads(value: Expr, given: ReadonlyMap<string, Shape>): void {
    walk(value, (part) => {
      if (part.kind !== 'read') return
      const shape = this.#shapes.get(part.tensor) ?? part.at.map(() => 1)
      this.#shapes.set(part.tensor, shape)
      part.at.forEach((index, axis) => {
        walk(index, (inner) => {
          if (inner.kind === 'read')
            this.gathered.set(inner.tensor, (given.get(part.tensor)?.[axis] ?? gatheredSize) - 1)
        })
        const affine = this.#affine(index)
        const needed = affine ? this.#extent(affine, part.maybe) : gatheredSize
        shape[axis] = Math.max(shape[axis], needed)
      })
    })
  }

  /** What holds all positions; where reads may fall outside, what is left when they do so equally at both ends. */
  #extent(affine: NonNullable<ReturnType<typeof affineOf>>, maybe: boolean): number {
    const { min, max } = bounds(affine, this.#intervals)
    return Math.max(1, maybe && min < 0 ? max + 1 + min : max + 1)
  }
}

const usualSizes = [2, 3, 4, 5, 6]
const gatheredSize = 7

function rangesIn(value: Expr): Range[] {
  const own = value.kind === 'reduce' ? [...value.ranges] : []
  return [...own, ...children(value).flatMap(rangesIn)]
}

/** Indices of reductions that are added to others inside a read: those of a window. */
function windowIndices(values: readonly Expr[]): Set<string> {
  const reduced = new Set(values.flatMap(rangesIn).map(({ index }) => index))
  const found = new Set<string>()
  for (const value of values)
    walk(value, (part) => {
      if (part.kind !== 'read') return
      for (const index of part.at)
        if (index.kind === 'binary')
          walk(index, (inner) => {
            if (inner.kind === 'name' && reduced.has(inner.name)) found.add(inner.name)
          })
    })
  return found
}
