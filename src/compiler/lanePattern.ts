// How an index expression changes from lane to lane of a vector.
import {
  type Affine,
  add,
  affineKey,
  constant,
  indexOf,
  namesIn,
  scale,
  substituteIndices,
  subtract,
} from '../index/index.ts'

/** Vectors of a loop's index: the first lane of each is `start` plus a multiple of `width`. */
export interface LaneRange {
  readonly index: string
  readonly start: number
  readonly width: number
}

/**
 * What is added to the value of lane 0 in each lane, where that is the same in every vector: `[0, 0, 1, 1]` for `i / 2`. Null
 * where vectors differ.
 */
export function lanePattern(affine: Affine, range: LaneRange): readonly number[] | null {
  const stride = strideOf(affine, range.index)
  if (stride !== null) return Array.from({ length: range.width }, (_, at) => stride * at)
  const known = patterns.get(range) ?? new Map<string, readonly number[] | null>()
  patterns.set(range, known)
  const key = affineKey({ constant: 0, terms: affine.terms })
  const found = known.get(key)
  if (found !== undefined) return found
  const pattern = dividedPattern(affine, range)
  known.set(key, pattern)
  return pattern
}

/** Patterns found so far, by what expressions are but for their constants: loops read many neighbours. */
const patterns = new WeakMap<LaneRange, Map<string, readonly number[] | null>>()

/** The pattern of an index that is divided somewhere. */
function dividedPattern(affine: Affine, { index, start, width }: LaneRange): readonly number[] | null {
  const vector = scale(indexOf(index), width)
  const lane = (at: number): Affine =>
    substituteIndices(affine, new Map([[index, add(vector, constant(start + at))]]), new Map())
  const first = lane(0)
  const pattern: number[] = []
  for (let at = 0; at < width; at++) {
    const ahead = subtract(lane(at), first)
    if (ahead.terms.length > 0) return null
    pattern.push(ahead.constant)
  }
  return pattern
}

/** By how much an index expression grows from one lane to the next; null where that may differ from lane to lane. */
export function strideOf(affine: Affine, lane: string): number | null {
  let stride = 0
  for (const term of affine.terms) {
    if (term.atom.kind === 'index') {
      if (term.atom.name === lane) stride += term.coefficient
    } else if (namesIn({ constant: 0, terms: [term] }).has(lane)) return null
  }
  return stride
}

/** The least and the greatest number of a pattern. */
export const patternBounds = (pattern: readonly number[]): { readonly least: number; readonly greatest: number } => ({
  least: Math.min(...pattern),
  greatest: Math.max(...pattern),
})
