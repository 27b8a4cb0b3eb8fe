// Small random decisions from one seed.

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

/** Decisions that follow from `seed`. Source: mulberry32, Tommy Ettinger, public domain. */
export function drawFrom(seed: number): Draw {
  let state = seed | 0
  const unit = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
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
