// How matrix products are cut, with the measurements that chose it.

// <measured>
// Measured by bench/tune-wasm.ts with Node 20.20.2, 59.1 GFLOP/s at most on 128 bits; 6×8 makes 58.3.
/** Nanoseconds a step over k takes, by vectors across and then by rows, for every tile that fits the registers. */
export const stepCosts: readonly (readonly number[])[] = [
  [],
  [1.00, 1.05, 1.08, 1.10, 1.11, 1.17, 1.28, 1.47, 1.66, 1.84, 2.04, 2.24, 2.45],
  [1.05, 1.09, 1.09, 1.19, 1.44, 1.65],
  [1.08, 1.09, 1.31],
  [1.09, 1.18],
  [1.11],
  [1.18],
  [1.36],
] // biome-ignore format: a table

/** Nanoseconds a tile takes besides: clearing, storing, starting the loop. */
export const tileCosts: readonly (readonly number[])[] = [
  [],
  [0.00, 0.00, 0.00, 0.00, 2.63, 4.54, 5.05, 5.64, 6.04, 6.18, 6.48, 5.91, 6.16],
  [0.00, 0.00, 0.00, 2.31, 2.35, 4.77],
  [0.00, 0.17, 1.20],
  [0.00, 0.85],
  [0.00],
  [0.00],
  [0.00],
] // biome-ignore format: a table
// </measured>

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
