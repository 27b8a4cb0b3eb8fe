// Tensors as the interpreter computes them, compared with nested arrays.
import assert from 'node:assert/strict'
import type { Dtype } from '../../src/dtype.ts'
import { ShapeError } from '../../src/errors.ts'
import type { NestedNumbers } from '../../src/graph/nested.ts'
import { nest } from '../../src/graph/nested.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import { interpret } from '../support/interpret.ts'

/** The tensor's numbers as nested arrays. */
export const valuesOf = (tensor: Tensor): NestedNumbers => nest(interpret(tensor.node), tensor.shape)

/** Fails unless the tensor has these very numbers (NaN included), hence this shape, and the dtype if one is named. */
export function expectTensor(tensor: Tensor, expected: NestedNumbers, dtype?: Dtype): void {
  assert.deepEqual(withoutNegativeZero(valuesOf(tensor)), withoutNegativeZero(expected))
  if (dtype !== undefined) assert.equal(tensor.dtype, dtype)
}

const withoutNegativeZero = (values: NestedNumbers): NestedNumbers =>
  typeof values === 'number' ? values + 0 : values.map(withoutNegativeZero)

/** Fails unless shapes agree and every number is within `tolerance`, relative to the larger of 1 and its size. */
export function expectClose(tensor: Tensor, expected: NestedNumbers, tolerance = 1e-6): void {
  const actual = valuesOf(tensor)
  const compare = (one: NestedNumbers, other: NestedNumbers, path: string): void => {
    if (typeof one === 'number' && typeof other === 'number') {
      const close = Object.is(one, other) || Math.abs(one - other) <= tolerance * Math.max(1, Math.abs(other))
      assert.ok(close, `element ${path}: ${one}, expected ${other}`)
      return
    }
    assert.ok(Array.isArray(one) && Array.isArray(other) && one.length === other.length, `shapes differ at ${path}`)
    for (const [at, part] of one.entries()) compare(part, other[at], `${path}[${at}]`)
  }
  compare(actual, expected, '')
}

/** Fails unless `make` throws a ShapeError with the code whose message has all the parts. */
export function expectShapeError(make: () => unknown, code: string, ...parts: readonly string[]): void {
  assert.throws(make, (error: unknown) => {
    assert.ok(error instanceof ShapeError, String(error))
    assert.equal(error.code, code)
    for (const part of parts) assert.ok(error.message.includes(part), `'${error.message}' lacks '${part}'`)
    return true
  })
}
