// Winograd's minimal filtering for windows of three: F(2, 3) and F(3, 2), by the points 0, 1, -1 and infinity.
import type { KernelBuilder } from '../../blocks.ts'
import { constantValue } from '../../blocks.ts'
import type { Value } from '../../ir.ts'

// Along one axis, two sums of three products (or three sums of two) take four products instead of six:
//   image    d0 d1 d2 d3  →  d0 - d2, d1 + d2, d2 - d1, d1 - d3
//   3 taps   g0 g1 g2     →  g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2
//   2 taps   g0 g1        →  g0, (g0 + g1) / 2, (g0 - g1) / 2, g1
//   2 sums   m0 … m3      →  m0 + m1 + m2, m1 - m2 - m3
//   3 sums   m0 … m3      →  m0 + m1 + m2, m1 - m2, m1 + m2 - m3
// A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks (2016). Every coefficient is ±1 or ½, so rounding is
// about that of the plain sum.

/** Along one axis: from so many values to so many. */
export type Transform = (b: KernelBuilder, values: readonly Value[]) => readonly Value[]

const plus = (b: KernelBuilder, x: Value, y: Value): Value => b.operation('f32', 'add', x, y)
const minus = (b: KernelBuilder, x: Value, y: Value): Value => b.operation('f32', 'sub', x, y)
const half = (b: KernelBuilder, x: Value): Value => b.operation('f32', 'mul', x, constantValue('f32', 0.5))

export const ofImage: Transform = (b, [d0, d1, d2, d3]) => [
  minus(b, d0, d2),
  plus(b, d1, d2),
  minus(b, d2, d1),
  minus(b, d1, d3),
]

export const ofThreeTaps: Transform = (b, [g0, g1, g2]) => {
  const ends = half(b, plus(b, g0, g2))
  const middle = half(b, g1)
  return [g0, plus(b, ends, middle), minus(b, ends, middle), g2]
}

export const ofTwoTaps: Transform = (b, [g0, g1]) => [g0, half(b, plus(b, g0, g1)), half(b, minus(b, g0, g1)), g1]

export const toTwoSums: Transform = (b, [m0, m1, m2, m3]) => [
  plus(b, m0, plus(b, m1, m2)),
  minus(b, minus(b, m1, m2), m3),
]

export const toThreeSums: Transform = (b, [m0, m1, m2, m3]) => {
  const both = plus(b, m1, m2)
  return [plus(b, m0, both), minus(b, m1, m2), minus(b, both, m3)]
}

/** Both axes of a matrix, its columns first. */
export function transformed(
  b: KernelBuilder,
  matrix: readonly (readonly Value[])[],
  along: Transform,
): readonly (readonly Value[])[] {
  const columns = matrix[0].map((_, column) =>
    along(
      b,
      matrix.map((row) => row[column]),
    ),
  )
  return columns[0].map((_, row) =>
    along(
      b,
      columns.map((column) => column[row]),
    ),
  )
}

/** Points along one axis; a tile is transformed to a matrix of so many by so many products. */
export const points = 4
/** Sums along one axis that a tile holds. */
export const tileSide = 2
