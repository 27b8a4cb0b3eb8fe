// Vectors of elements that do not lie side by side, but alike for every vector: strides, and elements that repeat.
import { patternBounds } from '../../compiler/lanePattern.ts'

/**
 * The elements at `pattern` from `place` (C text of an address), as a vector: one or two loads and a shuffle where they lie
 * close together, else one by one. Nothing before the first or behind the last element is read.
 */
export function spreadLoad(letter: 'f' | 'i' | 'b', place: string, pattern: readonly number[]): string {
  const width = pattern.length
  const type = letter === 'f' ? 'F' : 'I'
  const { least, greatest } = patternBounds(pattern)
  const span = greatest - least + 1
  // The largest vector that fits between them, as vectors come.
  const part = Math.min(width, 2 ** Math.floor(Math.log2(span)))
  if (part < 4 || span > 2 * part || (letter === 'b' && part < width)) {
    const elements = pattern.map((at) => `p_[${at}]`)
    return `({ const ${elementTypes[letter]} *p_ = ${place}; (${type}${width}){${elements.join(', ')}}; })`
  }
  // The second vector ends with the last element.
  const second = greatest - part + 1
  const lanes = pattern.map((at) => (at - least < part ? at - least : part + at - second)).join(', ')
  if (part === width) {
    const load = (at: number) => `load${letter}_${width}(${place} + ${at})`
    return `SHUFFLE(I${width}, ${load(least)}, ${load(second)}, ${lanes})`
  }
  const element = elementTypes[letter]
  return `WIDEN(${type}${width}, ${element}, ${part}, ${place} + ${least}, ${place} + ${second}, ${lanes})`
}

const elementTypes = { f: 'float', i: 'int32_t', b: 'u8' } as const
