import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nestOf, offsetTables, stepOf } from '../../../src/emit/c/tables.ts'

/** What nested loops over runs give, the last running fastest. */
const offsetsOf = (first: number, runs: readonly { extent: number; step: number }[]): Int32Array =>
  Int32Array.from(
    runs.reduce<number[]>(
      (offsets, { extent, step }) =>
        offsets.flatMap((offset) => Array.from({ length: extent }, (_, at) => offset + at * step)),
      [first],
    ),
  )

test('offsets of nested loops are found to be such', () => {
  const expectNest = (offsets: number[], nest: [extent: number, step: number][] | null) =>
    assert.deepEqual(nestOf(Int32Array.from(offsets)), nest?.map(([extent, step]) => ({ extent, step })) ?? null)
  expectNest([7], [])
  expectNest([0, 1, 2, 3], [[4, 1]])
  expectNest([5, 5, 5], [[3, 0]])
  expectNest(
    [0, 1, 2, 10, 11, 12],
    [
      [2, 10],
      [3, 1],
    ],
  )
  expectNest([9, 6, 3], [[3, -3]])
  expectNest([0, 1, 3], null)
  expectNest([0, 1, 10, 11, 30, 31], null)
  expectNest([0, 1, 10, 12], null)
})

test('what is found gives the same offsets again', () => {
  const run = fc.record({ extent: fc.integer({ min: 1, max: 5 }), step: fc.integer({ min: -20, max: 20 }) })
  fc.assert(
    fc.property(fc.nat(100), fc.array(run, { maxLength: 4 }), (first, runs) => {
      const offsets = offsetsOf(first, runs)
      const nest = nestOf(offsets)
      if (nest) assert.deepEqual(offsetsOf(first, nest), offsets)
    }),
  )
})

test('a table is written once; a long one is computed when the program first runs', () => {
  const tables = offsetTables()
  const short = Int32Array.of(3, 1, 2)
  const long = offsetsOf(4, [
    { extent: 40, step: 100 },
    { extent: 30, step: 2 },
  ])
  assert.equal(tables.nameOf(short), tables.nameOf(short.slice()))
  assert.equal(tables.filler, null)
  assert.equal(tables.text(), 'static const int32_t table0[] = {3,1,2};')
  assert.equal(tables.nameOf(long), 'table1')
  assert.ok(tables.filler)
  assert.match(tables.text(), /static int32_t table1\[1200\];/)
  assert.match(tables.text(), /\*to\+\+ = 4 \+ i0 \* 100 \+ i1 \* 2;/)
})

test('the step of offsets that grow evenly is found', () => {
  const expectStep = (offsets: number[], step: number | null) => assert.equal(stepOf(Int32Array.from(offsets)), step)
  expectStep([5], 0)
  expectStep([5, 5], 0)
  expectStep([1, 4, 7], 3)
  expectStep([1, 4, 8], null)
})
