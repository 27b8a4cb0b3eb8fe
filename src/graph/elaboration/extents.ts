// How far each index runs.
import type { Expr, ReadExpr } from '../../expression/tree.ts'
import { walk } from '../../expression/tree.ts'
import type { Affine, Interval } from '../../index/index.ts'
import { affineOf, bounds, namesIn } from '../../index/index.ts'
import type { Node, Shape } from '../node.ts'
import type { Index, Resolved } from './names.ts'
import type { Source } from './source.ts'
import { count, fail, list, shapeText, written } from './source.ts'

/** One dimension of one read. */
interface Place {
  readonly read: ReadExpr
  readonly axis: number
  readonly at: Expr
  /** null where the index depends on data. */
  readonly affine: Affine | null
  readonly length: number
  readonly shape: Shape
}

/**
 * Fills in the extents of all indices. They come, in this order, from an explicit bound (or `resultShape`, for axes);
 * from the plain reads that use the index alone, which must agree; else the largest range that keeps every plain read
 * inside its tensor; else, for an index that only `x?[i]` reads use alone, from those.
 *
 * Throws a FormulaError where reads disagree or an index is left without an extent.
 */
export function solveExtents(
  resolved: Resolved,
  tensors: ReadonlyMap<string, Node>,
  source: Source,
  resultShape?: Shape,
): void {
  if (resultShape) takeResultShape(resolved.axes, resultShape, source)
  const unknown = new Set<Index>()
  for (const index of resolved.indices.values()) if (index.extent === null) unknown.add(index)
  if (unknown.size === 0) return
  const places = placesOf(resolved, tensors)
  const plain = places.filter(({ read }) => !read.maybe)
  takeFromLoneReads(unknown, plain, source)
  while (unknown.size > 0) {
    if (takeLargest(unknown, plain, resolved, source)) continue
    if (takeFromLoneReads(unknown, places, source)) continue
    const [first] = unknown
    noExtent(first, unknown, places, source)
  }
}

function takeResultShape(axes: readonly Index[], shape: Shape, source: Source): void {
  if (axes.length !== shape.length) {
    const message = `The result has ${count(axes.length, 'axis', 'axes')}, the wanted shape ${shapeText(shape)} has ${shape.length}.`
    fail(source, 'wrong-rank', message, undefined)
  }
  axes.forEach((index, axis) => {
    if (index.extent !== null && index.extent !== shape[axis]) {
      const message = `${index.name} is bound to ${index.extent} values, the wanted shape ${shapeText(shape)} has ${shape[axis]}.`
      fail(source, 'extent-clash', message, index.span)
    }
    index.extent = shape[axis]
  })
}

function placesOf({ value, indices }: Resolved, tensors: ReadonlyMap<string, Node>): Place[] {
  const intervals = new Map<string, Interval>()
  for (const { id, start, extent } of indices.values()) {
    intervals.set(id, { min: start, max: extent === null ? Infinity : start + extent - 1 })
  }
  const places: Place[] = []
  walk(value, (read) => {
    if (read.kind !== 'read') return
    const { shape } = tensors.get(read.tensor)!
    read.at.forEach((at, axis) => {
      places.push({ read, axis, at, affine: affineOf(at, intervals), length: shape[axis], shape })
    })
  })
  return places
}

/** Extents from reads such as `x[i]`. Returns whether there were any. */
function takeFromLoneReads(unknown: Set<Index>, places: readonly Place[], source: Source): boolean {
  let found = false
  for (const index of unknown) {
    const lone = places.filter(({ affine }) => affine !== null && loneIndex(affine) === index.id)
    if (lone.length === 0) continue
    const [first] = lone
    const other = lone.find(({ length }) => length !== first.length)
    if (other) extentClash(index, first, other, source)
    index.extent = first.length
    unknown.delete(index)
    found = true
  }
  return found
}

function loneIndex({ constant, terms }: Affine): string | null {
  if (constant !== 0 || terms.length !== 1) return null
  const [{ coefficient, atom }] = terms
  return coefficient === 1 && atom.kind === 'index' ? atom.name : null
}

/** Extents from reads such as `x[2*i+u]` in which one index alone is unknown. Returns whether there were any. */
function takeLargest(unknown: Set<Index>, plain: readonly Place[], resolved: Resolved, source: Source): boolean {
  const found = new Map<Index, { extent: number; place: Place }>()
  for (const place of plain) {
    if (!place.affine) continue
    const open = [...namesIn(place.affine)].map((id) => resolved.indices.get(id)!).filter((index) => unknown.has(index))
    if (open.length !== 1) continue
    const extent = largestExtent(place.affine, open[0], resolved.indices, place.length)
    const before = found.get(open[0])
    if (Number.isFinite(extent) && !(before && before.extent <= extent)) found.set(open[0], { extent, place })
  }
  for (const [index, { extent, place }] of found) {
    if (extent < 1) nothingFits(index, place, resolved, source)
    index.extent = extent
    unknown.delete(index)
  }
  return found.size > 0
}

/** The largest extent of `index` with which `affine` stays in 0 … length-1; 0 if none does, Infinity if all do. */
export function largestExtent(
  affine: Affine,
  index: Index,
  indices: ReadonlyMap<string, Index>,
  length: number,
): number {
  const fits = (extent: number): boolean => {
    const { min, max } = bounds(affine, knownIntervals(indices, index, extent))
    return min >= 0 && max < length
  }
  if (!fits(1)) return 0
  let good = 1
  while (fits(good * 2)) {
    good *= 2
    if (good >= 2 ** 31) return Infinity
  }
  let bad = good * 2
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (fits(middle)) good = middle
    else bad = middle
  }
  return good
}

function knownIntervals(indices: ReadonlyMap<string, Index>, index: Index, extent: number): Map<string, Interval> {
  const intervals = new Map<string, Interval>()
  for (const { id, start, extent: known } of indices.values()) {
    if (known !== null) intervals.set(id, { min: start, max: start + known - 1 })
  }
  return intervals.set(index.id, { min: index.start, max: index.start + extent - 1 })
}

function extentClash(index: Index, one: Place, two: Place, source: Source): never {
  const least = Math.min(one.length, two.length)
  const fix =
    least === 1
      ? 'To repeat the only element of the shorter one, read it at 0.'
      : `To read only a part of the longer one, bound the index: ${index.name} < ${least}.`
  const message = `${index.name} runs over ${theAxis(one)} and over ${theAxis(two)}, which differ in length. ${fix}`
  fail(source, 'extent-clash', message, two.at.span)
}

/** "axis 0 of x, which has length 5 (shape [5,3])" */
const theAxis = ({ read, axis, length, shape }: Place): string =>
  `axis ${axis} of ${read.tensor} (length ${length}, shape ${shapeText(shape)})`

function nothingFits(index: Index, place: Place, { indices }: Resolved, source: Source): never {
  const { min, max } = bounds(place.affine!, knownIntervals(indices, index, 1))
  const shown = written(source, place.at)
  const reach = `already at ${index.name} = 0 it reaches ${min === max ? min : `${min} … ${max}`}`
  const message = `No ${index.name} keeps ${shown} inside ${theAxis(place)}: ${reach}.`
  const fix = `Write ${place.read.tensor}?[…] if it may fall outside, or give a larger ${place.read.tensor}.`
  fail(source, 'out-of-range', `${message} ${fix}`, place.at.span)
}

function noExtent(index: Index, unknown: ReadonlySet<Index>, places: readonly Place[], source: Source): never {
  const { name, id, span } = index
  const users = places.filter(({ affine }) => affine && namesIn(affine).has(id))
  const example = `${name} < ${users[0]?.length ?? 10}`
  const shared = users.find(({ read }) => !read.maybe)
  if (shared) {
    const others = [...unknown].filter((other) => other !== index && namesIn(shared.affine!).has(other.id))
    if (others.length > 0) {
      const names = list([name, ...others.map((other) => other.name)])
      const bound = [...others, index].slice(0, -1)
      const fix = `Bound ${list(bound.map((other) => other.name))}, for example ${list(bound.map((other) => `${other.name} < 3`))}.`
      const why = `${written(source, shared.at)} in ${theAxis(shared)} leaves open how far each of ${names} runs.`
      fail(source, 'no-extent', `${why} ${fix}`, shared.at.span)
    }
    const why = `${written(source, shared.at)} stays inside ${theAxis(shared)} however far ${name} runs.`
    fail(source, 'no-extent', `${why} Bound it: ${example}.`, span)
  }
  const why =
    users.length > 0
      ? `${written(source, users[0].read)} may fall outside, so it does not tell how far ${name} runs.`
      : `No tensor is read along ${name}, so nothing tells how far it runs.`
  fail(source, 'no-extent', `${why} Bound it: ${example}.`, span)
}
