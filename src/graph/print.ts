// Tensors as text, laid out as NumPy does.
import type { Dtype, TypedArray } from '../dtype.ts'
import { isFloat } from '../dtype.ts'
import { describeNode } from './describe.ts'
import { peek } from './evaluator.ts'
import type { Node, Shape } from './node.ts'
import { sizeOf } from './node.ts'

/** Larger tensors show only the first and last elements of long axes. */
const WHOLE = 1000
const EDGE = 3

/** dtype and shape; then the numbers where they are at hand, else the formula that gives them. */
export function tensorText(node: Node, title: string): string {
  const head = `${title} ${node.dtype} [${node.shape.join(', ')}]`
  const values = numbersAtHand(node)
  if (values === null) return `${head}: ${describeNode(node)}`
  return node.shape.length === 0 ? `${head}: ${numbersText(values, node)}` : `${head}\n${numbersText(values, node)}`
}

/** The numbers of data and of what has been computed; null for all that is yet to be. */
function numbersAtHand(node: Node): TypedArray | null {
  if (node.kind === 'reshape') return numbersAtHand(node.of)
  const host = node.kind === 'data' || node.kind === 'parameter' ? node.storage?.host : null
  return host ?? peek(node)
}

/** The elements in rows and columns of one width. */
export function numbersText(values: ArrayLike<number>, of: { readonly shape: Shape; readonly dtype: Dtype }): string {
  const { shape, dtype } = of
  const edge = sizeOf(shape) > WHOLE ? EDGE : Number.POSITIVE_INFINITY
  const shown = positionsShown(shape, edge)
  const texts = new Map(formatted(shown, values, dtype).map((text, at) => [shown[at], text]))
  const width = Math.max(0, ...[...texts.values()].map((text) => text.length))
  const block = (axis: number, offset: number): string => {
    if (axis === shape.length) return (texts.get(offset) as string).padStart(width)
    const stride = sizeOf(shape.slice(axis + 1))
    const parts = shownOf(shape[axis], edge).map((at) => (at === null ? '…' : block(axis + 1, offset + at * stride)))
    const inner = shape.length - axis - 1
    const separator = inner === 0 ? ', ' : `,${'\n'.repeat(inner)}${' '.repeat(axis + 1)}`
    return `[${parts.join(separator)}]`
  }
  return block(0, 0)
}

/** The positions of an axis that are shown; null where some are left out. */
function shownOf(extent: number, edge: number): (number | null)[] {
  if (extent <= 2 * edge) return Array.from({ length: extent }, (_, at) => at)
  const ends = Array.from({ length: edge }, (_, at) => at)
  return [...ends, null, ...ends.map((at) => extent - edge + at)]
}

/** The row-major offsets of all elements that are shown. */
function positionsShown(shape: Shape, edge: number): number[] {
  return shape.reduce<number[]>(
    (offsets, extent) =>
      offsets.flatMap((offset) => shownOf(extent, edge).flatMap((at) => (at === null ? [] : [offset * extent + at]))),
    [0],
  )
}

/** Floats get the digits after the point that the one needing most needs, up to 4; very large or small ones an exponent. */
function formatted(offsets: readonly number[], values: ArrayLike<number>, dtype: Dtype): string[] {
  const numbers = offsets.map((offset) => values[offset])
  if (dtype === 'bool') return numbers.map((value) => (value ? 'true' : 'false'))
  if (!isFloat(dtype)) return numbers.map(String)
  const sizes = numbers.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs)
  const exponent = sizes.length > 0 && (Math.max(...sizes) >= 1e8 || Math.min(...sizes) < 1e-4)
  if (exponent) return numbers.map((value) => (Number.isFinite(value) ? value.toExponential(4) : special(value)))
  const digits = Math.max(0, ...sizes.map((value) => trimZeros(value.toFixed(4)).split('.')[1]?.length ?? 0))
  return numbers.map((value) => (Number.isFinite(value) ? value.toFixed(digits) : special(value)))
}

const trimZeros = (text: string): string => text.replace(/\.?0+$/, '')

const special = (value: number): string => (Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf')
