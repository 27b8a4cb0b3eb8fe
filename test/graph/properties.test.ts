// Operations on random shapes against nested loops over positions.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tensor } from '../../src/graph/creation.ts'
import { concat } from '../../src/graph/functions.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import { interpret } from '../support/interpret.ts'

type Position = readonly number[]

/** An array of small integers as a function of the position. */
interface Sample {
  readonly shape: readonly number[]
  readonly values: readonly number[]
  readonly tensor: Tensor
  at(position: Position): number
}

function sample(shape: readonly number[], values: readonly number[]): Sample {
  const offsetOf = (position: Position) => position.reduce((offset, index, axis) => offset * shape[axis] + index, 0)
  const made = tensor([...values], { shape, dtype: 'f64' })
  return { shape, values, tensor: made, at: (position) => values[offsetOf(position)] }
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1)

const ofShape = (shape: readonly number[], least = -9): fc.Arbitrary<Sample> =>
  fc
    .array(fc.integer({ min: least, max: 9 }), { minLength: sizeOf(shape), maxLength: sizeOf(shape) })
    .map((values) => sample(shape, values))

const anyShape = (minLength: number, maxLength = 3) =>
  fc.array(fc.integer({ min: 0, max: 4 }), { minLength, maxLength })

const anySample = (minRank: number) => anyShape(minRank).chain((shape) => ofShape(shape))

/** All positions of a shape, row-major. */
function positionsOf(shape: readonly number[]): Position[] {
  return shape.reduce<Position[]>(
    (positions, extent) =>
      positions.flatMap((position) => Array.from({ length: extent }, (_, at) => [...position, at])),
    [[]],
  )
}

/** Fails unless the tensor has the shape, and at each position what `expected` says. */
function expectEverywhere(actual: Tensor, shape: readonly number[], expected: (position: Position) => number): void {
  assert.deepEqual(actual.shape, shape)
  const values = Array.from(interpret(actual.node), (value) => value + 0)
  assert.deepEqual(
    values,
    positionsOf(shape).map((position) => expected(position) + 0),
  )
}

const check = <T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void) =>
  fc.assert(fc.property(arbitrary, property), { numRuns: 60 })

test('broadcasting matches axes from the last and reads extents of 1 at 0', () => {
  const operands = anyShape(0).chain((shape) => {
    const part = fc
      .tuple(fc.integer({ min: 0, max: shape.length }), fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }))
      .chain(([dropped, ones]) => ofShape(shape.map((extent, axis) => (ones[axis] ? 1 : extent)).slice(dropped)))
    return fc.tuple(part, part)
  })
  check(operands, ([x, y]) => {
    const rank = Math.max(x.shape.length, y.shape.length)
    const extent = (of: Sample, axis: number) => of.shape[axis - rank + of.shape.length] ?? 1
    const shape = Array.from({ length: rank }, (_, axis) => (extent(x, axis) === 1 ? extent(y, axis) : extent(x, axis)))
    const own = (of: Sample, position: Position) =>
      of.at(position.slice(rank - of.shape.length).map((index, axis) => (of.shape[axis] === 1 ? 0 : index)))
    expectEverywhere(x.tensor.sub(y.tensor), shape, (position) => own(x, position) - own(y, position))
  })
})

test('reductions go over exactly the axes named', () => {
  const cases = anySample(1).chain((x) =>
    fc.tuple(fc.constant(x), fc.subarray(x.shape.map((_, axis) => axis)), fc.boolean()),
  )
  check(cases, ([x, axes, keepDims]) => {
    const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
    const shape = keepDims ? kept : kept.filter((_, axis) => !axes.includes(axis))
    const members = (position: Position) => {
      const rest = [...position]
      const fixed = x.shape.map((_, axis) => (axes.includes(axis) && !keepDims ? 0 : (rest.shift() as number)))
      return positionsOf(x.shape)
        .filter((at) => at.every((index, axis) => axes.includes(axis) || index === fixed[axis]))
        .map(x.at)
    }
    expectEverywhere(x.tensor.sum(axes, keepDims), shape, (at) => members(at).reduce((a, b) => a + b, 0))
    expectEverywhere(x.tensor.max(axes, keepDims), shape, (at) => Math.max(...members(at)))
    expectEverywhere(x.tensor.prod(axes, keepDims), shape, (at) => members(at).reduce((a, b) => a * b, 1))
  })
})

/** The positions start:stop:step selects, step by step as Python's language reference defines it. */
function pythonRange(extent: number, start: number | null, stop: number | null, step: number): number[] {
  const all = Array.from({ length: extent }, (_, at) => at)
  const wrapped = (at: number) => (at < 0 ? at + extent : at)
  const ordered = step > 0 ? all : all.toReversed()
  const inside = ordered.filter((at) => {
    const afterStart = start === null || (step > 0 ? at >= wrapped(start) : at <= wrapped(start))
    const beforeStop = stop === null || (step > 0 ? at < wrapped(stop) : at > wrapped(stop))
    return afterStart && beforeStop
  })
  return inside.filter((_, at) => at % Math.abs(step) === 0)
}

test('slices select what Python selects', () => {
  const bound = fc.option(fc.integer({ min: -6, max: 6 }))
  const spec = fc.tuple(
    bound,
    bound,
    fc.integer({ min: -3, max: 3 }).filter((step) => step !== 0),
  )
  const cases = anySample(1).chain((x) => fc.tuple(fc.constant(x), fc.array(spec, { maxLength: x.shape.length })))
  check(cases, ([x, specs]) => {
    const taken = x.shape.map((extent, axis) => pythonRange(extent, ...(specs[axis] ?? ([null, null, 1] as const))))
    const shape = taken.map(({ length }) => length)
    expectEverywhere(x.tensor.slice(...specs), shape, (at) => x.at(at.map((index, axis) => taken[axis][index])))
  })
})

test('padding leaves the tensor inside and the value around', () => {
  const width = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 }))
  const cases = anySample(1).chain((x) =>
    fc.tuple(
      fc.constant(x),
      fc.array(width, { minLength: x.shape.length, maxLength: x.shape.length }),
      fc.constantFrom(0, 7, Number.NaN),
    ),
  )
  check(cases, ([x, widths, value]) => {
    const shape = x.shape.map((extent, axis) => extent + widths[axis][0] + widths[axis][1])
    expectEverywhere(x.tensor.pad(widths, value), shape, (at) => {
      const inner = at.map((index, axis) => index - widths[axis][0])
      return inner.every((index, axis) => index >= 0 && index < x.shape[axis]) ? x.at(inner) : value
    })
  })
})

test('concat finds each position in the part it falls in, and split takes the parts apart again', () => {
  const cases = anyShape(1).chain((shape) =>
    fc.integer({ min: 0, max: shape.length - 1 }).chain((axis) => {
      const part = fc.integer({ min: 0, max: 3 }).chain((extent) => ofShape(shape.with(axis, extent)))
      return fc.tuple(fc.constant(axis), fc.array(part, { minLength: 1, maxLength: 4 }))
    }),
  )
  check(cases, ([axis, parts]) => {
    const sizes = parts.map(({ shape }) => shape[axis])
    const total = sizes.reduce((a, b) => a + b, 0)
    const joined = concat(
      parts.map((part) => part.tensor),
      axis,
    )
    expectEverywhere(joined, parts[0].shape.with(axis, total), (at) => {
      let rest = at[axis]
      const part = parts.find(({ shape }) => {
        if (rest < shape[axis]) return true
        rest -= shape[axis]
        return false
      }) as Sample
      return part.at(at.with(axis, rest))
    })
    for (const [which, piece] of joined.split(sizes, axis).entries())
      expectEverywhere(piece, parts[which].shape, parts[which].at)
  })
})

test('take and gather read at the positions that the index holds', () => {
  const cases = anySample(1)
    .filter(({ shape }) => sizeOf(shape) > 0)
    .chain((x) =>
      fc.integer({ min: 0, max: x.shape.length - 1 }).chain((axis) => {
        const within = fc.integer({ min: 0, max: x.shape[axis] - 1 })
        const indexOf = (shape: readonly number[]) =>
          fc
            .array(within, { minLength: sizeOf(shape), maxLength: sizeOf(shape) })
            .map((values) => ({ ...sample(shape, values), tensor: tensor(values, { shape, dtype: 'i32' }) as Tensor }))
        return fc.tuple(
          fc.constant(x),
          fc.constant(axis),
          anyShape(0, 2).chain(indexOf),
          fc.integer({ min: 0, max: 5 }).chain((extent) => indexOf(x.shape.with(axis, extent))),
        )
      }),
    )
  check(cases, ([x, axis, index, beside]) => {
    const shape = x.shape.toSpliced(axis, 1, ...index.shape)
    expectEverywhere(x.tensor.take(index.tensor, axis), shape, (at) => {
      const inner = at.slice(axis, axis + index.shape.length)
      return x.at(at.toSpliced(axis, inner.length, index.at(inner)))
    })
    expectEverywhere(x.tensor.gather(axis, beside.tensor), beside.shape, (at) => x.at(at.with(axis, beside.at(at))))
  })
})

test('sorting is stable, of any length, with NaN as the largest', () => {
  const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(Number.NaN, -1 / 0, 1 / 0))
  const cases = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 11 })).chain((shape) =>
    fc.tuple(
      fc.array(value, { minLength: sizeOf(shape), maxLength: sizeOf(shape) }).map((values) => sample(shape, values)),
      fc.boolean(),
    ),
  )
  check(cases, ([x, descending]) => {
    const [rows, length] = x.shape
    const rank = (a: number) => (Number.isNaN(a) ? 2e9 : Math.min(Math.max(a, -1e9), 1e9))
    const orders = Array.from({ length: rows }, (_, row) =>
      Array.from({ length }, (_, at) => at).sort((a, b) => {
        const ascending = rank(x.at([row, a])) - rank(x.at([row, b]))
        return descending ? -ascending : ascending
      }),
    )
    expectEverywhere(x.tensor.argsort({ descending }), x.shape, ([row, at]) => orders[row][at])
    expectEverywhere(x.tensor.sort({ descending }), x.shape, ([row, at]) => x.at([row, orders[row][at]]))
  })
})

test('running sums and products are those of a loop', () => {
  const cases = anySample(1).chain((x) => fc.tuple(fc.constant(x), fc.integer({ min: 0, max: x.shape.length - 1 })))
  check(cases, ([x, axis]) => {
    const upTo = (at: Position) => Array.from({ length: at[axis] + 1 }, (_, index) => x.at(at.with(axis, index)))
    expectEverywhere(x.tensor.cumsum(axis), x.shape, (at) => upTo(at).reduce((a, b) => a + b, 0))
    expectEverywhere(x.tensor.cumprod(axis), x.shape, (at) => upTo(at).reduce((a, b) => a * b, 1))
  })
})

test('matmul is the sum over the inner axis', () => {
  const extent = fc.integer({ min: 0, max: 4 })
  const cases = fc
    .tuple(extent, extent, extent, fc.integer({ min: 1, max: 3 }), fc.boolean(), fc.boolean())
    .chain(([rows, inner, columns, batch, left, right]) =>
      fc.tuple(ofShape([left ? batch : 1, rows, inner]), ofShape([right ? batch : 1, inner, columns])),
    )
  check(cases, ([x, y]) => {
    const [batch, rows, inner] = x.shape
    const shape = [Math.max(batch, y.shape[0]), rows, y.shape[2]]
    const sums = ([which, row, column]: Position) =>
      Array.from(
        { length: inner },
        (_, k) => x.at([which % batch, row, k]) * y.at([which % y.shape[0], k, column]),
      ).reduce((a, b) => a + b, 0)
    expectEverywhere(x.tensor.matmul(y.tensor), shape, sums)
  })
})
