// Windows that slide along rows shorter than vectors are laid side by side, so that neighbouring rows follow one another.
import { binary, type Expr, name, number, type ReadExpr, read } from '../../expression/tree.ts'
import { comprehension } from '../../graph/build.ts'
import { type BoundRange, type ComprehensionNode, type Node, sizeOf } from '../../graph/node.ts'
import { type Affine, affineOf } from '../../index/index.ts'
import { domainSize, intervalsOf } from '../reads.ts'
import type { Request } from '../request.ts'
import { rewrite } from '../rewrite.ts'
import { type MatrixProduct, matrixProduct } from './roles.ts'
import { convolutionOf } from './winograd/roles.ts'

/** Rows of a multiple of this many elements are whole vectors everywhere. */
const lanes = 16
/** At most so many elements of an image (64 KiB), its rows once for each column of the windows. */
const mostElements = 16384
/** Each of them takes part in at least this many products. */
const leastUses = 16

/**
 * The same request, in which `image[…, i + u, j + v]` of a contraction over windows is read as `copy[…, v, i + u, j]`: the
 * positions `(i, j)` of an image are then one run of memory for each element of the window.
 */
export const unfoldWindows = (request: Request, tileSide: number): Request =>
  rewrite(request, (node) => unfolded(node, tileSide))

function unfolded(node: Node, tileSide: number): Node {
  if (node.kind !== 'comprehension' || node.body.kind !== 'binary') return node
  const product = matrixProduct(node)
  if (!product || convolutionOf(node, product, tileSide)) return node
  const sides = [
    { slot: 'left', part: node.body.left as ReadExpr },
    { slot: 'right', part: node.body.right as ReadExpr },
  ].map(({ slot, part }) => {
    const operand = node.operands.get(part.tensor)!
    return { slot, operand, at: part.at, found: sideBySide(node, part, operand, product) }
  })
  if (sides.every(({ found }) => !found)) return node
  const [left, right] = sides.map(({ slot, at, found }) => read(slot, found?.at ?? at))
  const operands = new Map(sides.map(({ slot, operand, found }) => [slot, found?.copy ?? operand]))
  return comprehension({ ...node, body: binary('*', left, right), operands })
}

/** The windows of an operand side by side, and where the contraction reads them; null where that gains nothing. */
function sideBySide(
  node: ComprehensionNode,
  { at }: ReadExpr,
  operand: Node,
  { batch }: MatrixProduct,
): { readonly copy: Node; readonly at: readonly Expr[] } | null {
  const { shape } = operand
  const [outer, [height]] = [shape.slice(0, -2), shape.slice(-2)]
  if (shape.length < 2) return null
  const rows = slidingOf(node, at[at.length - 2])
  const columns = slidingOf(node, at[at.length - 1])
  if (!rows || !columns || rows.positionIsAxis !== columns.positionIsAxis) return null
  const { position, tap, isMirrored, constant } = columns
  // Where each position has a product of its own, positions are no lanes.
  if (batch.some(({ index }) => index === position.index)) return null
  if (position.extent % lanes === 0) return null
  const extents = [...outer, tap.extent, height, position.extent]
  const size = sizeOf(extents)
  if (size / (shape.length > 2 ? shape[0] : 1) > mostElements || domainSize(node) < leastUses * size) return null

  const axes = extents.map((extent, axis) => ({ index: `i${axis}`, start: 0, extent }))
  const [shift, row, column] = axes.slice(-3).map(({ index }) => name(index))
  const firstTap = isMirrored ? -(tap.start + tap.extent - 1) : tap.start
  const first = constant + position.start + firstTap
  const copy = comprehension({
    axes,
    body: read('x', [
      ...axes.slice(0, outer.length).map(({ index }) => name(index)),
      row,
      plus(binary('+', column, shift), first),
    ]),
    operands: { x: operand },
  })
  const tapAt = isMirrored ? binary('-', number(-firstTap), name(tap.index)) : plus(name(tap.index), -firstTap)
  return {
    copy,
    at: [...at.slice(0, -2), tapAt, at[at.length - 2], plus(name(position.index), -position.start)],
  }
}

interface Sliding {
  readonly position: BoundRange
  readonly tap: BoundRange
  /** Whether positions are an axis of the result; taps then are summed over, else the other way round. */
  readonly positionIsAxis: boolean
  /** Whether taps run against positions. */
  readonly isMirrored: boolean
  readonly constant: number
}

/** An index that is a position plus or minus a tap, of which one is an axis and the other is summed over. */
function slidingOf(node: ComprehensionNode, index: Expr): Sliding | null {
  const affine = affineOf(index, intervalsOf(node))
  if (affine?.terms.length !== 2) return null
  const steps = affine.terms.map((term) => stepOf(node, term))
  const [one, two] = steps
  if (!one || !two || one.isAxis === two.isAxis) return null
  const [longer, shorter] = one.range.extent >= two.range.extent ? [one, two] : [two, one]
  if (longer.by !== 1 || shorter.range.extent < 2) return null
  return {
    position: longer.range,
    tap: shorter.range,
    positionIsAxis: longer.isAxis,
    isMirrored: shorter.by === -1,
    constant: affine.constant,
  }
}

function stepOf(
  node: ComprehensionNode,
  { coefficient, atom }: Affine['terms'][number],
): { readonly range: BoundRange; readonly isAxis: boolean; readonly by: 1 | -1 } | null {
  if (atom.kind !== 'index' || (coefficient !== 1 && coefficient !== -1)) return null
  const axis = node.axes.find((range) => range.index === atom.name)
  const range = axis ?? node.reduction!.ranges.find((one) => one.index === atom.name)
  return range ? { range, isAxis: axis !== undefined, by: coefficient } : null
}

const plus = (expr: Expr, by: number): Expr =>
  by === 0 ? expr : by > 0 ? binary('+', expr, number(by)) : binary('-', expr, number(-by))
