// Integer expressions of indices: sums of multiples of indices, floor divisions and remainders by constants.
// This file holds the shape of the algebra; its rules stand beside it.

/** `constant + Σ coefficient · atom`. Terms are sorted by their atom's key; no coefficient is 0; no key occurs twice. */
export interface Affine {
  readonly constant: number
  readonly terms: readonly Term[]
}

export interface Term {
  readonly coefficient: number
  readonly atom: Atom
}

/** What an integer expression is linear in. `div` rounds towards -infinity; `mod` lies in 0 … by-1. */
export type Atom =
  | { readonly kind: 'index'; readonly key: string; readonly name: string }
  | { readonly kind: 'div'; readonly key: string; readonly of: Affine; readonly by: number }
  | { readonly kind: 'mod'; readonly key: string; readonly of: Affine; readonly by: number }

/** Inclusive bounds of an integer. */
export interface Interval {
  readonly min: number
  readonly max: number
}

/** The values each index may take. */
export type Intervals = ReadonlyMap<string, Interval>
