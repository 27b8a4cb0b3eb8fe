// Vectors that are stored side by side, and loads of a few groups of neighbours, as C text.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interleavedStores } from '../../../src/emit/c/interleave.ts'
import { spreadLoad } from '../../../src/emit/c/spread.ts'

/** What the C text does: shuffles of named vectors, stores of whole vectors and of parts. */
function stored(lines: readonly string[], vectors: Readonly<Record<string, readonly number[]>>): Map<number, number> {
  const known = new Map(Object.entries(vectors))
  const memory = new Map<number, number>()
  const put = (to: number, values: readonly number[]) => {
    for (const [at, value] of values.entries()) memory.set(to + at, value)
  }
  for (const [, name, value, line] of lines
    .join(' ')
    .matchAll(/const F\d+ (\w+) = (.*?);|((?:storef_|NARROW)[^;]*);/g)) {
    const shuffle = value && /^SHUFFLE\(I\d+, (\w+), (\w+), ([\d, ]+)\)$/.exec(value)
    if (shuffle) {
      const both = [...known.get(shuffle[1])!, ...known.get(shuffle[2])!]
      known.set(
        name,
        shuffle[3].split(', ').map((lane) => both[Number(lane)]),
      )
    } else if (name) known.set(name, known.get(value)!)
    else {
      const [, to, vector, lanes] = /p \+ (\d+), (\w+)(?:, ([\d, ]+))?\)$/.exec(line)!
      const values = known.get(vector)!
      put(Number(to), lanes ? lanes.split(', ').map((lane) => values[Number(lane)]) : values)
    }
  }
  return memory
}

const strided = (width: number, count: number, run: number, gap: number): readonly number[] =>
  Array.from({ length: width }, (_, lane) => count * lane + gap * Math.floor(lane / run))

test('every lane of every vector is stored where it belongs, and nothing else is', () => {
  for (const width of [4, 8, 16]) {
    for (const count of [2, 4]) {
      for (const run of [1, 2, 4, 8, 16]) {
        const pattern = strided(width, count, run, 100)
        const names = Array.from({ length: count }, (_, at) => `x${at}`)
        const vectors = Object.fromEntries(
          names.map((name, at) => [name, Array.from({ length: width }, (_, lane) => 1000 * at + lane)]),
        )
        const lines = interleavedStores('p', names, pattern)
        const about = `${count} of ${width} lanes, ${run} in a row`
        if (!lines) {
          assert.ok(run * count < 4, about)
          continue
        }
        const expected = new Map(
          pattern.flatMap((at, lane) => names.map((_, nth): [number, number] => [at + nth, 1000 * nth + lane])),
        )
        const sorted = (map: Map<number, number>) => [...map].sort(([a], [b]) => a - b)
        assert.deepEqual(sorted(stored(lines, vectors)), sorted(expected), about)
      }
    }
  }
})

test('loads of a few groups of neighbours are whole vectors that hold nothing before the first or behind the last', () => {
  const pattern = strided(16, 4, 4, 100)
  const text = spreadLoad('f', 'p', pattern)
  const loads = [...text.matchAll(/loadf_16\(p \+ (\d+)\)/g)].map(([, at]) => Number(at))
  assert.equal(loads.length, 4)
  assert.ok(Math.min(...loads) >= 0 && Math.max(...loads) + 15 <= pattern[15])
  assert.equal(text.match(/SHUFFLE/g)?.length, 3)
  assert.ok(!spreadLoad('f', 'p', strided(16, 4, 1, 100)).includes('SHUFFLE'))
})
