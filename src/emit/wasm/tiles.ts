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
  bColumns: 64,
  /** Elements of B up to which it is packed whole. */
  bElements: 65536,
}

/**
 * GFLOP/s with A packed and as it lies: 512×16×300 48 and 58, 512×32×1024 51 and 54, 1024×64×1024 50 and 54, 512×512×512 54 and
 * 51; by windows, 64×64×576 41 and 27. With B packed and as it lies: 16×784×1000 47 and 54, 64×1024×576 by windows 55 and 57,
 * 512×500×512 56 and 56; with rows 4 KiB apart, 16×1024×300 48 and 34, 64×1024×300 55 and 41.
 */
export const directReads = {
  /** With no more columns than this, A is read as it lies: each of its elements is used by too few to pay for a copy. */
  columns: 64,
  /** The same where A is made of windows, whose lines in the cache are many. */
  columnsOfWindows: 8,
  /** With no more rows than this, B is, when a block of it can stay in the first cache. */
  rows: 512,
  /** And when it has no more elements than this. */
  elements: 8192,
  /** The first cache: lines whose addresses differ by a multiple of `setBytes` share `ways` places. */
  cache: { ways: 8, setBytes: 4096, lineBytes: 64 },
}
