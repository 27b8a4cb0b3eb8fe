// Where the scratch of kernels lies.
import { bytesPerElement } from '../dtype.ts'
import { aligned } from './arena.ts'
import type { Program } from './ir.ts'

/** Byte offsets of scratch buffers in what a thread has, and how much that is. */
export interface ScratchPlaces {
  readonly places: ReadonlyMap<string, number>
  readonly bytes: number
}

/** Scratch of different kernels shares its place. */
export function scratchPlaces(program: Program): ScratchPlaces {
  const places = new Map<string, number>()
  let bytes = 0
  for (const kernel of program.kernels) {
    let end = 0
    for (const name of new Set([...kernel.reads, ...kernel.writes])) {
      const { place, length, dtype } = program.buffers.get(name)!
      if (place.kind !== 'scratch') continue
      places.set(name, end)
      end += aligned(length * bytesPerElement(dtype))
    }
    bytes = Math.max(bytes, end)
  }
  return { places, bytes }
}
