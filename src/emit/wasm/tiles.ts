// How matrix products are cut, with the measurements that chose it.

/**
 * Nanoseconds a step over k takes, by vectors across and then by rows, for every tile that fits V8's 15 vector registers.
 */
export const tileCosts: readonly (readonly number[])[] = [
  [],
  [1.0, 1.07, 1.1, 1.2, 1.3, 1.4, 1.55, 1.73, 1.89, 2.1, 2.3, 2.49],
  [1.1, 1.2, 1.3, 1.48, 1.76, 2.0],
  [1.2, 1.35, 1.6],
  [1.3, 1.53],
  [1.4, 1.75],
  [1.6],
  [1.8],
]

/** Nanoseconds a tile takes besides: clearing, storing, starting the loop; and for each vector of sums. */
export const tileOverhead = { tile: 6, vector: 0.4 }

export const blocking = {
  /** Steps over k that one pass adds up: a panel of B of this height and a tile's width stays in the first cache. */
  k: 256,
  /** Elements of A that are packed at a time: they stay in the second cache. */
  aElements: 131072,
  /** Columns of B that are packed at a time. */
  bColumns: 32,
  /** Elements of B up to which it is packed whole. */
  bElements: 65536,
}

export const directReads = {
  /** With no more rows than this, B is read as it lies: each of its elements is used by too few to pay for a copy. */
  rows: 24,
  /** With no more columns than this, A is. */
  columns: 64,
  /** Operands of no more elements than this are read as they lie. */
  elements: 16384,
}
