// Names for axes and operands of the nodes that derivatives are made of.
import { type Expr, name } from '../expression/tree.ts'
import type { BoundRange, Shape } from '../graph/node.ts'

export const indexNames = (ranges: readonly BoundRange[]): Expr[] => ranges.map(({ index }) => name(index))

/** `wanted`, or with as many primes as make it new. */
export function freshName(wanted: string, taken: { has(name: string): boolean }): string {
  let fresh = wanted
  while (taken.has(fresh)) fresh += "'"
  return fresh
}

/** One axis for each extent. */
export const axesOf = (shape: Shape): BoundRange[] =>
  shape.map((extent, at) => ({ index: at < 18 ? 'ijklmnopqrstuvwxyz'[at] : `i${at}`, start: 0, extent }))

/** Leading axes for a batch of derivatives, with names that none of the indices has. */
export function batchAxes(batch: Shape, indices: readonly BoundRange[]): BoundRange[] {
  const taken = new Set(indices.map(({ index }) => index))
  return batch.map((extent, at) => ({ index: freshName(`batch${at}`, taken), start: 0, extent }))
}

/** How many combinations ranges have. */
export const combinations = (ranges: readonly BoundRange[]): number =>
  ranges.reduce((product, { extent }) => product * extent, 1)
