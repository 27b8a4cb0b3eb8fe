// Winograd's minimal filtering for windows of three: tiles of 2×2 sums by 16 products, and of 4×4 by 36.
import { type Affine, add, constant, scale } from '../../../index/index.ts'
import type { KernelBuilder } from '../../blocks.ts'
import { constantValue } from '../../blocks.ts'
import type { Value } from '../../ir.ts'

// Sums of products of neighbours, y[i] = Σ_u d[i+u] · g[u], are what polynomials' products are made of: their values at some
// points, multiplied point by point, say as much as their coefficients. Along one axis, n sums of three products, or three
// sums of n (the gradient by the taps), take n + 2 products. In two, one transform after the other.
// A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks (2016).

/** Along one axis: from so many values to so many. */
export type Transform = (b: KernelBuilder, values: readonly Value[]) => readonly Value[]

/** How a tile of `side` × `side` sums is computed by `points` × `points` products. */
export interface Tile {
  readonly side: number
  readonly points: number
  readonly ofImage: Transform
  /** Of three taps, for sums over them. */
  readonly ofTaps: Transform
  /** From products to `side` sums. */
  readonly toSums: Transform
  /** Of `side` numbers that the three sums of a gradient are over … */
  readonly ofErrors: Transform
  /** … and from products to those. */
  readonly toTaps: Transform
}

const plus = (b: KernelBuilder, x: Value, y: Value): Value => b.operation('f32', 'add', x, y)
const minus = (b: KernelBuilder, x: Value, y: Value): Value => b.operation('f32', 'sub', x, y)
const times = (b: KernelBuilder, x: Value, factor: number): Value =>
  b.operation('f32', 'mul', x, constantValue('f32', Math.fround(factor)))

/** The sum and the difference: of even and odd powers at a point, what is at the point and at its opposite. */
const both = (b: KernelBuilder, x: Value, y: Value): readonly [Value, Value] => [plus(b, x, y), minus(b, x, y)]

/** Points 0, 1, -1 and infinity: every coefficient is ±1 or ½, so rounding is about that of the plain sum. */
export const smallTile: Tile = {
  side: 2,
  points: 4,
  ofImage: (b, [d0, d1, d2, d3]) => [minus(b, d0, d2), plus(b, d1, d2), minus(b, d2, d1), minus(b, d1, d3)],
  ofTaps: (b, [g0, g1, g2]) => {
    const ends = times(b, plus(b, g0, g2), 0.5)
    return [g0, ...both(b, ends, times(b, g1, 0.5)), g2]
  },
  toSums: (b, [m0, m1, m2, m3]) => [plus(b, m0, plus(b, m1, m2)), minus(b, minus(b, m1, m2), m3)],
  ofErrors: (b, [g0, g1]) => [g0, times(b, plus(b, g0, g1), 0.5), times(b, minus(b, g0, g1), 0.5), g1],
  toTaps: (b, [m0, m1, m2, m3]) => {
    const [sum, difference] = both(b, m1, m2)
    return [plus(b, m0, sum), difference, minus(b, sum, m3)]
  },
}

/**
 * Points 0, ±⅝, ±1½ and infinity. Their powers stay nearer to 1 than those of the usual ±1 and ±2, and rounding errors are less
 * than half as large; as they are sums of few powers of two, all coefficients of images and sums are exact in f32.
 */
const [p, q] = [0.625, 1.5]
const [pp, qq] = [p * p, q * q]

/** What makes the transforms one another's inverses: at each point, one over the product of its distances to the others. */
const at0 = 1 / (pp * qq)
const atP = 1 / (2 * pp * (pp - qq))
const atQ = 1 / (2 * qq * (qq - pp))

export const largeTile: Tile = {
  side: 4,
  points: 6,
  ofImage: (b, [d0, d1, d2, d3, d4, d5]) => {
    const ends = (even: Value, middle: Value, odd: Value): Value =>
      minus(b, plus(b, times(b, even, pp * qq), odd), times(b, middle, pp + qq))
    const pair = (at: number, other: number): readonly [Value, Value] => {
      const even = minus(b, d4, times(b, d2, other))
      const odd = minus(b, d3, times(b, d1, other))
      return both(b, even, times(b, odd, at))
    }
    return [ends(d0, d2, d4), ...pair(p, qq), ...pair(q, pp), ends(d1, d3, d5)]
  },
  ofTaps: (b, [g0, g1, g2]) => {
    const pair = (at: number, weight: number): readonly [Value, Value] => {
      const even = plus(b, times(b, g0, weight), times(b, g2, weight * at * at))
      return both(b, even, times(b, g1, weight * at))
    }
    return [times(b, g0, at0), ...pair(p, atP), ...pair(q, atQ), g2]
  },
  toSums: (b, [m0, m1, m2, m3, m4, m5]) => {
    const [evenP, oddP] = both(b, m1, m2)
    const [evenQ, oddQ] = both(b, m3, m4)
    return [
      plus(b, m0, plus(b, evenP, evenQ)),
      plus(b, times(b, oddP, p), times(b, oddQ, q)),
      plus(b, times(b, evenP, pp), times(b, evenQ, qq)),
      plus(b, m5, plus(b, times(b, oddP, p * pp), times(b, oddQ, q * qq))),
    ]
  },
  ofErrors: (b, [g0, g1, g2, g3]) => {
    const pair = (at: number, weight: number): readonly [Value, Value] => {
      const even = plus(b, times(b, g0, weight), times(b, g2, weight * at * at))
      const odd = plus(b, times(b, g1, weight * at), times(b, g3, weight * at ** 3))
      return both(b, even, odd)
    }
    return [times(b, g0, at0), ...pair(p, atP), ...pair(q, atQ), g3]
  },
  toTaps: (b, [m0, m1, m2, m3, m4, m5]) => {
    const [evenP, oddP] = both(b, m1, m2)
    const [evenQ, oddQ] = both(b, m3, m4)
    return [
      plus(b, m0, plus(b, evenP, evenQ)),
      plus(b, times(b, oddP, p), times(b, oddQ, q)),
      plus(b, m5, plus(b, times(b, evenP, pp), times(b, evenQ, qq))),
    ]
  },
}

/** Square matrices, one for each round of a loop, and what becomes of the rows of their transforms. */
export interface Matrices<Where extends readonly Affine[]> {
  readonly side: number
  /** How many there are: rounds of `each`. */
  readonly count: number
  /** The loops over them: `inside` gets a matrix's number, and whatever else `element` and `row` ask for. */
  each(inside: (matrix: Affine, ...where: Where) => void): void
  element(y: number, x: Affine, matrix: Affine, ...where: Where): Value
  row(y: Affine, values: readonly Value[], matrix: Affine, ...where: Where): void
}

/**
 * Transforms both axes, the columns first. With `between` (of `betweenOf` numbers) all matrices' columns come first, one after
 * the other, and stand there until their rows do: large matrices would fill more registers than there are, and whole they
 * would be a great deal of code. Without, a matrix is transformed at once.
 */
export function transformBoth<Where extends readonly Affine[]>(
  b: KernelBuilder,
  between: string | null,
  along: Transform,
  matrices: Matrices<Where>,
): void {
  const { side, count } = matrices
  const numbers = Array.from({ length: side }, (_, number) => number)
  const column = (x: Affine, matrix: Affine, where: Where): readonly Value[] =>
    along(
      b,
      numbers.map((y) => matrices.element(y, x, matrix, ...where)),
    )
  if (between === null) {
    matrices.each((matrix, ...where) => {
      const columns = numbers.map((x) => column(constant(x), matrix, where))
      columns[0].forEach((_, y) => {
        const row = columns.map((values) => values[y])
        matrices.row(constant(y), along(b, row), matrix, ...where)
      })
    })
    return
  }
  const at = (y: Affine, x: Affine, matrix: Affine): Affine => add(scale(add(scale(y, side), x), count), matrix)
  let rows = 0
  b.loop(side, 0, 'serial', (x) => {
    matrices.each((matrix, ...where) => {
      const values = column(x, matrix, where)
      rows = values.length
      values.forEach((value, y) => {
        b.push({ kind: 'store', buffer: between, offset: at(constant(y), x, matrix), value, add: false })
      })
    })
  })
  b.loop(rows, 0, 'serial', (y) => {
    matrices.each((matrix, ...where) => {
      const row = numbers.map((x) => b.loadHere('f32', between, at(y, constant(x), matrix)))
      matrices.row(y, along(b, row), matrix, ...where)
    })
  })
}

/** Numbers between the two halves of the transforms of so many matrices; 0 where each is transformed at once. */
export const betweenOf = ({ points }: Tile, count: number): number =>
  points <= wholePoints ? 0 : points * points * count

/** Matrices of so many rows and columns fit into registers. */
const wholePoints = 4
