// Gradients by finite differences, and how far others are from them.
import type { TypedArray } from '../dtype.ts'
import { fromArray } from '../graph/creation.ts'
import type { Tensor } from '../graph/tensor.ts'
import { compile } from '../runtime/compile.ts'

/** At most so many elements of an operand are tried, spread evenly over it. */
const mostElements = 500

/** A step small enough that f64 shows the slope, and large enough that rounding does not hide it. */
const step = 1e-5

/** The numeric derivative of `loss` by some elements of `x` (f64): their places in row-major order, and the slopes there. */
export async function slopes(
  loss: (x: Tensor) => Tensor,
  x: Tensor,
): Promise<{ readonly places: readonly number[]; readonly values: readonly number[] }> {
  const compiled = compile(loss)
  const numbers = (await x.data()) as Float64Array
  const stride = Math.max(1, Math.ceil(numbers.length / mostElements))
  const places = Array.from({ length: Math.ceil(numbers.length / stride) }, (_, at) => at * stride)
  const lossAt = (place: number, change: number): Promise<number> => {
    const moved = numbers.slice()
    moved[place] += change
    return compiled(fromArray(moved, x.shape)).item()
  }
  const values: number[] = []
  for (const place of places) values.push(((await lossAt(place, step)) - (await lossAt(place, -step))) / (2 * step))
  return { places, values }
}

/** Where two gradients differ by more than finite differences are wrong by. */
export function differing(
  found: TypedArray,
  { places, values }: { readonly places: readonly number[]; readonly values: readonly number[] },
): { readonly place: number; readonly found: number; readonly expected: number }[] {
  const scale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1)
  return places
    .map((place, at) => ({ place, found: found[place], expected: values[at] }))
    .filter(({ found, expected }) => !(Math.abs(found - expected) <= 1e-6 * scale))
}
