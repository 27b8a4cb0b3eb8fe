// Where the elements of one buffer lie inside another one.
import { type Affine, type Atom, add, bounds, constant, type Intervals, scale } from '../index/index.ts'
import type { Panel } from './ir.ts'

/**
 * Element `Σ unit · digit` of a buffer, each digit smaller than its extent, is element `base + Σ to · digit` of another. The
 * units are in descending order down to 1, and each is the product of the extents after it.
 */
export interface Placement {
  readonly base: number
  readonly digits: readonly Digit[]
}

export interface Digit {
  readonly unit: number
  readonly extent: number
  readonly to: number
}

/** Rounds of a loop, and how far each moves on in the one buffer and in the other. */
export interface Stride {
  readonly extent: number
  readonly from: number
  readonly to: number
}

/** The placement of a buffer whose elements loops go through once each; null where they do not. */
export function placementOf(base: number, length: number, strides: readonly Stride[]): Placement | null {
  const digits: Digit[] = []
  let unit = 1
  for (const { extent, from, to } of strides.toSorted((a, b) => a.from - b.from)) {
    if (from !== unit) return null
    const last = digits[0]
    // What both buffers walk as one is one digit.
    if (last && to === last.to * last.extent) digits[0] = { ...last, extent: last.extent * extent }
    else digits.unshift({ unit, extent, to })
    unit *= extent
  }
  return unit === length ? { base, digits } : null
}

/** The offset in the other buffer; null where it is no such sum whatever the indices are. */
export function placed(at: Affine, { base, digits }: Placement, intervals: Intervals): Affine | null {
  const parts = digitsOf(at, digits, intervals)
  if (!parts) return null
  return parts.reduce((sum, { part }, level) => add(sum, scale(part, digits[level].to)), constant(base))
}

/** The panel in the other buffer; null where its elements lie there in no order by rows and columns. */
export function placedPanel(panel: Panel, placement: Placement, buffer: string, intervals: Intervals): Panel | null {
  const { digits } = placement
  const base = placed(panel.base, placement, intervals)
  const parts = base && digitsOf(panel.base, digits, intervals)
  if (!parts) return null
  const rows = placedTable(panel.rows, digits)
  const columns = placedTable(panel.columns, digits)
  // No digit may become too large when the three are added up.
  const fits = digits.every(
    ({ extent }, level) =>
      parts[level].min >= 0 && parts[level].max + rows.largest[level] + columns.largest[level] < extent,
  )
  return fits ? { ...panel, buffer, base, rows: rows.offsets, columns: columns.offsets } : null
}

interface DigitPart {
  readonly part: Affine
  readonly min: number
  readonly max: number
}

/** The digits of an offset; null where one of them would leave its range. */
function digitsOf(at: Affine, digits: readonly Digit[], intervals: Intervals): readonly DigitPart[] | null {
  const parts: DigitPart[] = []
  let rest = at
  for (const { unit, extent } of digits) {
    const part = multipleOf(rest, unit, intervals)
    rest = add(rest, scale(part, -unit))
    const { min, max } = bounds(part, intervals)
    const left = bounds(rest, intervals)
    if (!(min >= 0 && max < extent && left.min >= 0 && left.max < unit)) return null
    parts.push({ part, min, max })
  }
  return parts
}

/** `⌊at / unit⌋`, if that is the same wherever the terms that are no multiples of the unit are. */
function multipleOf(at: Affine, unit: number, intervals: Intervals): Affine {
  const whole: { coefficient: number; atom: Atom }[] = []
  const rest: { coefficient: number; atom: Atom }[] = []
  for (const { coefficient, atom } of at.terms) {
    if (coefficient % unit === 0) whole.push({ coefficient: coefficient / unit, atom })
    else rest.push({ coefficient, atom })
  }
  const { min } = bounds({ constant: at.constant, terms: rest }, intervals)
  return { constant: Number.isFinite(min) ? Math.floor(min / unit) : 0, terms: whole }
}

/** The offsets of rows or columns in the other buffer, its base left out, and the largest of each digit. */
function placedTable(
  offsets: Int32Array,
  digits: readonly Digit[],
): { readonly offsets: Int32Array; readonly largest: readonly number[] } {
  const largest = digits.map(() => 0)
  const moved = offsets.map((offset) => {
    let rest = offset
    let sum = 0
    for (const [level, { unit, to }] of digits.entries()) {
      const digit = Math.floor(rest / unit)
      rest -= digit * unit
      sum += digit * to
      largest[level] = Math.max(largest[level], offset < 0 ? Number.POSITIVE_INFINITY : digit)
    }
    return sum
  })
  return { offsets: moved, largest }
}
