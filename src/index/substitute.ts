import type { Affine, Intervals } from './affine.ts'
import { add, constant, ofAtom, scale } from './arithmetic.ts'
import { floorDivide, remainder } from './divide.ts'

/** Puts index expressions in the place of indices. `intervals` speaks of the indices of the result. */
export function substituteIndices(a: Affine, values: ReadonlyMap<string, Affine>, intervals: Intervals): Affine {
  let sum = constant(a.constant)
  for (const { coefficient, atom } of a.terms) {
    let value: Affine
    if (atom.kind === 'index') {
      value = values.get(atom.name) ?? ofAtom(atom)
    } else {
      const of = substituteIndices(atom.of, values, intervals)
      value = (atom.kind === 'div' ? floorDivide : remainder)(of, atom.by, intervals)
    }
    sum = add(sum, scale(value, coefficient))
  }
  return sum
}
