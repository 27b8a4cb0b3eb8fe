// Which values an index expression can take.
import type { Affine, Atom, Interval, Intervals } from './affine.ts'

const everything: Interval = { min: -Infinity, max: Infinity }

/** Bounds that hold whatever the indices are within their intervals; exact for sums of multiples of distinct indices. */
export function bounds(a: Affine, intervals: Intervals): Interval {
  let min = a.constant
  let max = a.constant
  for (const { coefficient, atom } of a.terms) {
    const of = atomBounds(atom, intervals)
    min += coefficient * (coefficient > 0 ? of.min : of.max)
    max += coefficient * (coefficient > 0 ? of.max : of.min)
  }
  return { min, max }
}

function atomBounds(atom: Atom, intervals: Intervals): Interval {
  if (atom.kind === 'index') return intervals.get(atom.name) ?? everything
  const of = bounds(atom.of, intervals)
  const first = Math.floor(of.min / atom.by)
  const last = Math.floor(of.max / atom.by)
  if (atom.kind === 'div') return { min: first, max: last }
  if (first === last) return { min: of.min - first * atom.by, max: of.max - first * atom.by }
  return { min: 0, max: atom.by - 1 }
}

/** The values of ranges given as start and extent. */
export function intervalsOf(
  ranges: Iterable<{ readonly index: string; readonly start: number; readonly extent: number }>,
): Map<string, Interval> {
  const intervals = new Map<string, Interval>()
  for (const { index, start, extent } of ranges) intervals.set(index, { min: start, max: start + extent - 1 })
  return intervals
}

export const isEmpty = ({ min, max }: Interval): boolean => min > max

export const intersect = (a: Interval, b: Interval): Interval => ({
  min: Math.max(a.min, b.min),
  max: Math.min(a.max, b.max),
})

/** Whether every value of `inner` is one of `outer`. */
export const contains = (outer: Interval, inner: Interval): boolean =>
  isEmpty(inner) || (outer.min <= inner.min && inner.max <= outer.max)
