// Small random decisions from one seed.
import { uniformAt } from '../../src/random/threefry.ts'

export interface Draw {
  /** 0 … below - 1. */
  below(below: number): number
  /** least … most. */
  between(least: number, most: number): number
  /** True with probability `p`. */
  chance(p: number): boolean
  of<T>(choices: readonly T[]): T
  shuffled<T>(values: readonly T[]): T[]
}

/** Decisions that follow from `seed` alone. */
export function drawFrom(seed: number): Draw {
  let drawn = 0
  const unit = (): number => uniformAt(seed, 0, 0, drawn++)
  const below = (count: number): number => Math.floor(unit() * count)
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    chance: (p) => unit() < p,
    of: (choices) => choices[below(choices.length)],
    shuffled: (values) => {
      const left = [...values]
      return values.map(() => left.splice(below(left.length), 1)[0])
    },
  }
}
