// Vectors of elements that do not lie side by side, but alike for every vector: strides, and elements that repeat.
import { patternBounds } from '../../compiler/lanePattern.ts'

type Letter = 'f' | 'i' | 'b'

/**
 * The elements at `pattern` from `place` (C text of an address), as a vector: a few loads and shuffles where they lie close
 * together or in a few such groups, else one by one. Nothing before the first or behind the last element is read.
 */
export function spreadLoad(letter: Letter, place: string, pattern: readonly number[]): string {
  const width = pattern.length
  const type = letter === 'f' ? 'F' : 'I'
  const { least, greatest } = patternBounds(pattern)
  const span = greatest - least + 1
  // The largest vector that fits between them, as vectors come.
  const part = Math.min(width, 2 ** Math.floor(Math.log2(span)))
  if (part < 4 || (letter === 'b' && part < width)) return elementByElement(letter, place, pattern)
  if (part < width) {
    // The second vector ends with the last element.
    const second = greatest - part + 1
    const lanes = pattern.map((at) => (at - least < part ? at - least : part + at - second)).join(', ')
    const element = elementTypes[letter]
    return `WIDEN(${type}${width}, ${element}, ${part}, ${place} + ${least}, ${place} + ${second}, ${lanes})`
  }
  const pieces = piecesOf(pattern, greatest)
  return pieces.length > width / 2
    ? elementByElement(letter, place, pattern)
    : joined(
        width,
        pieces.map((from): Piece => {
          const lanes = pattern.map((at) => (at >= from && at < from + width ? at - from : null))
          return { text: `load${letter}_${width}(${place} + ${from})`, lanes }
        }),
      )
}

const elementTypes = { f: 'float', i: 'int32_t', b: 'u8' } as const

function elementByElement(letter: Letter, place: string, pattern: readonly number[]): string {
  const type = letter === 'f' ? 'F' : 'I'
  const elements = pattern.map((at) => `p_[${at}]`)
  return `({ const ${elementTypes[letter]} *p_ = ${place}; (${type}${pattern.length}){${elements.join(', ')}}; })`
}

/** Where vectors begin that hold all elements; the last ends with the last element. */
function piecesOf(pattern: readonly number[], greatest: number): readonly number[] {
  const width = pattern.length
  const pieces: number[] = []
  for (const at of [...pattern].sort((a, b) => a - b)) {
    const last = pieces.at(-1)
    if (last === undefined || at >= last + width) pieces.push(Math.min(at, greatest - width + 1))
  }
  return pieces
}

/** A vector, and in which of its lanes each wanted element is; null where it is in another vector. */
interface Piece {
  readonly text: string
  readonly lanes: readonly (number | null)[]
}

/** Two and two are shuffled together until there is one. */
function joined(width: number, pieces: readonly Piece[]): string {
  if (pieces.length === 1 && pieces[0].lanes.every((from, lane) => from === lane)) return pieces[0].text
  const halves = pieces.length === 1 ? [pieces[0], pieces[0]] : pieces
  const next: Piece[] = []
  for (let at = 0; at < halves.length; at += 2) {
    const [a, b] = [halves[at], halves[at + 1]]
    if (!b) {
      next.push(a)
      continue
    }
    const has = a.lanes.map((from, lane) => from !== null || b.lanes[lane] !== null)
    const from = a.lanes.map((own, lane) => own ?? (b.lanes[lane] === null ? 0 : width + b.lanes[lane]))
    const text = `SHUFFLE(I${width}, ${a.text}, ${b.text}, ${from.join(', ')})`
    next.push({ text, lanes: has.map((is, lane) => (is ? lane : null)) })
  }
  return joined(width, next)
}
