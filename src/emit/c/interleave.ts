// Stores of two or four vectors whose elements belong next to each other, lane by lane.

/**
 * Stores lane l of `vectors[j]` at `pattern[l] + j` from `place` (C text of an address): the vectors are interleaved, and what
 * lies in a row is stored at once. Null where lanes are too scattered for that.
 */
export function interleavedStores(
  place: string,
  vectors: readonly string[],
  pattern: readonly number[],
): readonly string[] | null {
  const width = pattern.length
  const count = vectors.length
  const piece = Math.min(width, runOf(pattern, count) * count)
  if (piece < 4) return null
  const lines = vectors.map((text, at) => `const F${width} w${at} = ${text};`)
  const parts = count === 2 ? ['w0', 'w1'] : ['p0', 'p1', 'p2', 'p3']
  const shuffle = (a: string, b: string, lanes: readonly number[]) =>
    `SHUFFLE(I${width}, ${a}, ${b}, ${lanes.join(', ')})`
  if (count === 4) {
    for (const [at, half] of [0, 0, 1, 1].entries()) {
      const [a, b] = at % 2 === 0 ? ['w0', 'w1'] : ['w2', 'w3']
      lines.push(`const F${width} p${at} = ${shuffle(a, b, inTurns(width, 1, (half * width) / 2))};`)
    }
  }
  const interleaved = parts.map((_, at) => {
    if (count === 2) return shuffle('w0', 'w1', inTurns(width, 1, (at * width) / 2))
    const [a, b] = at < 2 ? ['p0', 'p1'] : ['p2', 'p3']
    return shuffle(a, b, inTurns(width, 2, ((at % 2) * width) / 2))
  })
  for (const [at, vector] of interleaved.entries()) {
    lines.push(`const F${width} v${at} = ${vector};`)
    for (let from = 0; from < width; from += piece) {
      const to = `${place} + ${pattern[(at * width + from) / count]}`
      const lanes = Array.from({ length: piece }, (_, lane) => from + lane)
      lines.push(
        piece === width
          ? `storef_${width}(${to}, v${at});`
          : `NARROW(F${width}, ${piece}, ${to}, v${at}, ${lanes.join(', ')});`,
      )
    }
  }
  return [`{ ${lines.join(' ')} }`]
}

/** The lanes of two vectors in turns, so many of one at a time, from a lane on. */
const inTurns = (width: number, group: number, from: number): readonly number[] =>
  Array.from({ length: width }, (_, lane) => {
    const turn = Math.floor(lane / group)
    return from + Math.floor(turn / 2) * group + (lane % group) + (turn % 2) * width
  })

/** In groups of how many lanes, a power of two, each lane's elements follow those of the lane before. */
function runOf(pattern: readonly number[], count: number): number {
  let run = 1
  const follow = (lanes: number): boolean =>
    pattern.every((at, lane) => lane % lanes === 0 || at === pattern[lane - 1] + count)
  while (2 * run <= pattern.length && follow(2 * run)) run *= 2
  return run
}
