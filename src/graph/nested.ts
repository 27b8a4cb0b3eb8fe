// Nested arrays to flat ones and back.
import type { Dtype, TypedArray } from '../dtype.ts'
import { typedArray } from '../dtype.ts'
import { ShapeError } from '../errors.ts'
import type { Shape } from './node.ts'

/** Rows of rows of … numbers, all of one length at each depth. */
export type NestedValues = number | boolean | readonly NestedValues[]

/** The nested array of a tensor of known rank. */
export type NestedArray<Rank extends number = number> = Rank extends 0
  ? number
  : Rank extends 1
    ? number[]
    : Rank extends 2
      ? number[][]
      : Rank extends 3
        ? number[][][]
        : Rank extends 4
          ? number[][][][]
          : NestedNumbers

export type NestedNumbers = number | NestedNumbers[]

/**
 * The elements in row-major order, and the shape. The dtype, when not given, is bool if all are booleans, else f32.
 * Throws ShapeError `ragged-array` or `bad-element`, naming the path.
 */
export function flattenNested(values: NestedValues, dtype?: Dtype): { values: TypedArray; shape: Shape; dtype: Dtype } {
  const shape = shapeAlongFirst(values)
  const elements: (number | boolean)[] = []
  collect(values, shape, [], elements)
  const allBoolean = elements.length > 0 && elements.every((element) => typeof element === 'boolean')
  const own = dtype ?? (allBoolean ? 'bool' : 'f32')
  const flat = typedArray(own, elements.length)
  for (const [at, element] of elements.entries()) flat[at] = own === 'bool' ? Number(Boolean(element)) : Number(element)
  return { values: flat, shape, dtype: own }
}

function shapeAlongFirst(values: NestedValues): Shape {
  const shape: number[] = []
  for (let inner = values; Array.isArray(inner); inner = inner[0]) shape.push(inner.length)
  return shape
}

function collect(values: NestedValues, shape: Shape, path: readonly number[], elements: (number | boolean)[]): void {
  const depth = path.length
  if (depth < shape.length) {
    if (!Array.isArray(values)) throw ragged(path, 'a number', `an array of ${shape[depth]}`)
    if (values.length !== shape[depth])
      throw ragged(path, `an array of ${values.length}`, `an array of ${shape[depth]}`)
    for (const [at, part] of values.entries()) collect(part, shape, [...path, at], elements)
    return
  }
  if (typeof values === 'number' || typeof values === 'boolean') elements.push(values)
  else if (Array.isArray(values)) throw ragged(path, `an array of ${values.length}`, 'a number')
  else
    throw new ShapeError(
      'bad-element',
      `tensor: the element at ${pathText(path)} is ${String(values)}; elements are numbers or booleans`,
    )
}

const ragged = (path: readonly number[], found: string, expected: string): ShapeError =>
  new ShapeError(
    'ragged-array',
    `tensor: ${pathText(path)} is ${found}, where ${pathText(path.map(() => 0))} is ${expected}; all rows of a tensor have ` +
      'the same length',
  )

const pathText = (path: readonly number[]): string =>
  path.length === 0 ? 'the value' : path.map((at) => `[${at}]`).join('')

/** Row-major elements as nested arrays. */
export function nest(values: ArrayLike<number>, shape: Shape): NestedNumbers {
  let next = 0
  const build = (depth: number): NestedNumbers =>
    depth === shape.length ? values[next++] : Array.from({ length: shape[depth] }, () => build(depth + 1))
  return build(0)
}
