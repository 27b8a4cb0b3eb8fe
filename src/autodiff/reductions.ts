// How much of a reduction's adjoint goes to each combination of its ranges.
import { binary, call, type Expr, name, number, read, substitute } from '../expression/tree.ts'
import { comprehension } from '../graph/build.ts'
import type { BoundRange, ComprehensionNode, Node, Reduction } from '../graph/node.ts'
import { conjunction, conjuncts } from './factors.ts'
import { combinations, freshName, indexNames } from './ranges.ts'

/** The derivative of a node's element by its body at one combination of the ranges, where `where` holds; else 0. */
export interface Share {
  readonly weight: Expr
  readonly where: Expr | null
  /** With what weight and condition read besides the node's own operands. */
  readonly operands: ReadonlyMap<string, Node>
}

/** Null for reductions whose result does not change with small changes of the body. */
export function shareOf(node: ComprehensionNode): Share | null {
  const { reduction, operands } = node
  if (!reduction) return { weight: number(1), where: null, operands }
  switch (reduction.op) {
    case 'sum':
      return { weight: number(1), where: reduction.where, operands }
    case 'max':
    case 'min':
      return shareOfWinner(node, reduction)
    case 'prod':
      return combinations(reduction.ranges) <= maxPairs
        ? shareOfShortProduct(node, reduction)
        : shareOfProduct(node, reduction)
    default:
      return null
  }
}

/** All of it goes to the first winner, whose place is recorded by the same loops that find the value. */
function shareOfWinner(node: ComprehensionNode, reduction: Reduction): Share {
  const { axes, body, operands } = node
  const winner = comprehension({
    axes,
    reduction: { ...reduction, op: reduction.op === 'max' ? 'argmax' : 'argmin' },
    body,
    operands,
  })
  const own = freshName('winner', operands)
  const wins = binary('==', read(own, indexNames(axes)), offsetIn(reduction.ranges))
  return {
    weight: number(1),
    where: conjunction([...conjuncts(reduction.where), wins]),
    operands: new Map([...operands, [own, winner]]),
  }
}

/** The row-major offset of a combination of ranges. */
function offsetIn(ranges: readonly BoundRange[]): Expr {
  let offset: Expr = number(0)
  for (const { index, start, extent } of ranges) {
    const steps = start === 0 ? name(index) : binary(start > 0 ? '-' : '+', name(index), number(Math.abs(start)))
    offset = offset.kind === 'number' ? steps : binary('+', binary('*', offset, number(extent)), steps)
  }
  return offset
}

/** Up to this many factors each is compared with each other one: exact to any order of derivative, also at zeros. */
const maxPairs = 64

/** The product of all other factors. */
function shareOfShortProduct(node: ComprehensionNode, reduction: Reduction): Share {
  const { axes, body, operands } = node
  const taken = new Set([...axes, ...reduction.ranges].map(({ index }) => index))
  const others = reduction.ranges.map((range): BoundRange => {
    const index = freshName(`${range.index}'`, taken)
    taken.add(index)
    return { ...range, index }
  })
  const renamed = new Map(reduction.ranges.map(({ index }, at) => [index, name(others[at].index)]))
  const differs = reduction.ranges
    .map(({ index, start }, at) => {
      const other = name(others[at].index)
      return binary('!=', start === 0 ? other : binary('-', other, number(start)), name(index))
    })
    .reduce((any, next) => binary('or', any, next))
  const where = reduction.where && substitute(reduction.where, renamed)
  const rest = comprehension({
    axes: [...axes, ...reduction.ranges.map((range) => ({ ...range, start: 0 }))],
    reduction: { op: 'prod', ranges: others, where: conjunction([...conjuncts(where), differs]) },
    body: substitute(body, renamed),
    operands,
    dtype: node.dtype,
  })
  const own = freshName('rest', operands)
  const places = reduction.ranges.map(({ index, start }) =>
    start === 0 ? name(index) : binary('-', name(index), number(start)),
  )
  return {
    weight: read(own, [...indexNames(axes), ...places]),
    where: reduction.where,
    operands: new Map([...operands, [own, rest]]),
  }
}

/** The product divided by the factor; with one zero among the factors, the product of the others goes to that one. */
function shareOfProduct(node: ComprehensionNode, reduction: Reduction): Share {
  const { axes, body, operands, dtype } = node
  const isZero = binary('==', body, number(0))
  const zeros = comprehension({
    axes,
    reduction: { ...reduction, op: 'sum' },
    body: call('where', isZero, number(1), number(0)),
    operands,
  })
  const nonzero = comprehension({
    axes,
    reduction,
    body: call('where', isZero, number(1), body),
    operands,
    dtype,
  })
  const [zeroName, productName] = [freshName('zeros', operands), freshName('nonzero', operands)]
  const at = indexNames(axes)
  const count = read(zeroName, at)
  const product = read(productName, at)
  const ofZero = call('where', binary('==', count, number(1)), product, number(0))
  const ofOther = call('where', binary('==', count, number(0)), binary('/', product, body), number(0))
  return {
    weight: call('where', isZero, ofZero, ofOther),
    where: reduction.where,
    operands: new Map([...operands, [zeroName, zeros], [productName, nonzero]]),
  }
}
