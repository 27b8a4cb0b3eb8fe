// How the rounds of a loop divide the buffers that they touch.
import { type Affine, affineKey, bounds, type Interval, namesIn } from '../index/index.ts'
import type { LoopStatement, Panel, Statement, Value } from './ir.ts'
import { valuesOf } from './tidy.ts'

/** One place in the code where a buffer is read or written: elements from `at + span.min` to `at + span.max`. */
export interface Access {
  readonly buffer: string
  readonly at: Affine
  readonly span: Interval
  readonly isWrite: boolean
}

const point: Interval = { min: 0, max: 0 }

/** All accesses of a statement, those inside loops too. */
export function accessesOf(statement: Statement): readonly Access[] {
  const found: Access[] = []
  const ofPanel = ({ buffer, base, rows, columns }: Panel, isWrite: boolean): void => {
    const [down, across] = [extremes(rows), extremes(columns)]
    found.push({ buffer, at: base, span: { min: down.min + across.min, max: down.max + across.max }, isWrite })
  }
  const ofValue = (value: Value): void => {
    if (value.kind === 'load') {
      found.push({ buffer: value.buffer, at: value.offset, span: point, isWrite: false })
      if (value.guard) ofValue(value.guard)
    }
    if (value.kind === 'operation') value.args.forEach(ofValue)
  }
  const visit = (part: Statement): void => {
    valuesOf(part).forEach(ofValue)
    if (part.kind === 'loop') part.body.forEach(visit)
    if (part.kind === 'store') found.push({ buffer: part.buffer, at: part.offset, span: point, isWrite: true })
    if (part.kind === 'pack') ofPanel(part.panel, false)
    if (part.kind === 'contraction') {
      ofPanel(part.a, false)
      ofPanel(part.b, false)
      ofPanel(part.c, true)
      if (part.plus) ofPanel(part.plus, false)
    }
  }
  visit(statement)
  return found
}

function extremes(offsets: Int32Array): Interval {
  let [min, max] = [Infinity, -Infinity]
  for (const offset of offsets) {
    if (offset < min) min = offset
    if (offset > max) max = offset
  }
  return { min, max }
}

/** Round i of a loop touches elements `stride · i + first` to `stride · i + first + length - 1` alone, each from where loops around it are. */
export interface Division {
  readonly stride: number
  readonly first: number
  readonly length: number
}

/**
 * How the rounds of loops with one `index` divide a buffer between them; null where they do not, or it cannot be told. `inner`
 * has the intervals of all loops inside.
 */
export function divisionOf(
  accesses: readonly Access[],
  index: string,
  inner: ReadonlyMap<string, Interval>,
): Division | null {
  let stride: number | null = null
  let around: string | null = null
  let [first, last] = [Infinity, -Infinity]
  for (const { at, span } of accesses) {
    let own = 0
    const rest: Affine['terms'][number][] = []
    const fixed: Affine['terms'][number][] = []
    for (const term of at.terms) {
      if (term.atom.kind === 'index' && term.atom.name === index) {
        own = term.coefficient
        continue
      }
      const names = namesIn({ constant: 0, terms: [term] })
      if (names.has(index)) return null
      if ([...names].some((name) => inner.has(name))) rest.push(term)
      else fixed.push(term)
    }
    const key = affineKey({ constant: 0, terms: fixed })
    stride ??= own
    around ??= key
    if (own !== stride || key !== around) return null
    const { min, max } = bounds({ constant: at.constant, terms: rest }, inner)
    first = Math.min(first, min + span.min)
    last = Math.max(last, max + span.max)
  }
  if (stride === null || stride <= 0 || !(last - first < stride)) return null
  return { stride, first, length: last - first + 1 }
}

/** The intervals of everything that is named inside a loop: of indices their ranges, of other names all integers. */
export function namesInside(loop: LoopStatement): Map<string, Interval> {
  const found = new Map<string, Interval>()
  const visit = (body: readonly Statement[]): void => {
    for (const statement of body) {
      if (statement.kind === 'loop') {
        const { index, start, extent } = statement
        found.set(index, { min: start, max: start + extent - 1 })
        visit(statement.body)
      } else if (statement.kind === 'let') found.set(statement.name, { min: -Infinity, max: Infinity })
    }
  }
  visit(loop.body)
  return found
}
