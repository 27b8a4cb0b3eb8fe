import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { conditionExpr, type Solution } from '../../src/autodiff/solution.ts'
import { solveRead } from '../../src/autodiff/solve.ts'
import type { Expr } from '../../src/expression/tree.ts'
import { parseExpression } from '../../src/formula/parse.ts'
import { print } from '../../src/formula/print.ts'
import type { BoundRange } from '../../src/graph/node.ts'
import { affineOf, evaluateAffine, exprOf, intervalsOf } from '../../src/index/index.ts'

/** `i<5`, `-1<=q<=1` */
function range(text: string): BoundRange {
  const between = /^(-?\d+)<=(\w+)<=(-?\d+)$/.exec(text)
  if (between) {
    return { index: between[2], start: Number(between[1]), extent: Number(between[3]) - Number(between[1]) + 1 }
  }
  const [index, extent] = text.split('<')
  return { index, start: 0, extent: Number(extent) }
}

interface Problem {
  readonly rows: readonly Expr[]
  readonly indices: readonly BoundRange[]
  readonly shape: readonly number[]
}

/** The smallest tensor that holds all reads (which must not be negative). */
function problem(rows: readonly string[], indices: readonly string[]): Problem {
  const parsed = rows.map(parseExpression)
  const ranges = indices.map(range)
  const shape = parsed.map(() => 0)
  for (const values of assignments(ranges)) {
    rowsAt(parsed, ranges, values).forEach((value, dimension) => {
      shape[dimension] = Math.max(shape[dimension], value + 1)
    })
  }
  return { rows: parsed, indices: ranges, shape }
}

function rowsAt(rows: readonly Expr[], ranges: readonly BoundRange[], values: ReadonlyMap<string, number>): number[] {
  return rows.map((row) => evaluateAffine(affineOf(row, intervalsOf(ranges))!, values))
}

function* assignments(ranges: readonly BoundRange[]): Generator<Map<string, number>> {
  if (ranges.length === 0) {
    yield new Map()
    return
  }
  const [{ index, start, extent }, ...others] = ranges
  for (let value = start; value < start + extent; value++) {
    for (const rest of assignments(others)) yield new Map([[index, value], ...rest])
  }
}

const describe = (values: ReadonlyMap<string, number>, ranges: readonly BoundRange[]): string =>
  ranges.map(({ index }) => `${index}=${values.get(index)}`).join(' ')

/** Which combinations of the indices lead to each place, by going through all of them. */
function byBruteForce({ rows, indices, shape }: Problem): string[] {
  const found: string[] = []
  for (const values of assignments(indices)) {
    const place = rowsAt(rows, indices, values)
    if (place.every((value, dimension) => value >= 0 && value < shape[dimension])) {
      found.push(`${place}: ${describe(values, indices)}`)
    }
  }
  return found.sort()
}

/** The same by the solution. */
function bySolution(solution: Solution | null, { indices }: Problem): string[] {
  const found: string[] = []
  if (!solution) return found
  const { targets, remaining, bindings, conditions } = solution
  for (const values of assignments([...targets, ...remaining])) {
    const holds = conditions.every((condition) => {
      if (condition.kind === 'place') throw new Error('an affine row was not solved')
      const value = evaluateAffine(condition.of, values)
      if (condition.kind === 'zero') return value === 0
      if (condition.kind === 'divisible') return value % condition.by === 0
      return value >= condition.within.min && value <= condition.within.max
    })
    if (!holds) continue
    const original = new Map(
      indices.map(({ index }) => {
        const bound = bindings.get(index)
        return [index, bound ? evaluateAffine(bound, values) : values.get(index)!]
      }),
    )
    found.push(`${targets.map(({ index }) => values.get(index))}: ${describe(original, indices)}`)
  }
  return found.sort()
}

/** The difference of two long lists is not worth working out: the first line that differs tells enough. */
function expectSame(actual: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((line, position) => line !== actual[position])
  if (at >= 0) assert.fail(`${expected[at]} is missing; ${actual[at] ?? 'nothing'} in its place`)
  assert.equal(actual.length, expected.length, `${actual[expected.length]} is no solution`)
}

function show(solution: Solution | null): string {
  if (!solution) return 'never'
  const { bindings, remaining, conditions } = solution
  const parts = [
    [...bindings].map(([index, value]) => `${index} = ${print(exprOf(value))}`).join(', '),
    remaining.map(({ index, start, extent }) => `${start}<=${index}<=${start + extent - 1}`).join(', '),
    conditions.map((condition) => print(conditionExpr(condition, solution))).join(', '),
  ]
  return parts.filter((part) => part !== '').join('; ')
}

function expectSolution(rows: string, indices: string, expected: string): void {
  const posed = problem(rows.split(', '), indices.split(', '))
  const solution = solveRead(posed.rows, posed.indices, posed.shape)
  expectSame(bySolution(solution, posed), byBruteForce(posed))
  assert.equal(show(solution), expected, `${rows} over ${indices}`)
}

test('a read is turned around in gather form', () => {
  expectSolution('i', 'i<5', 'i = i')
  expectSolution('j, i', 'i<3, j<4', 'j = j, i = i')
  expectSolution('4-i', 'i<5', 'i = 4 - a')
  expectSolution('i', 'i<5, j<7', 'i = i; 0<=j<=6')
})

test('a window leaves the shorter index, cut to the phases that a stride allows', () => {
  expectSolution('i+u', 'i<10, u<3', 'i = a - u; 0<=u<=2; a - u >= 0 and a - u <= 9')
  expectSolution('2*i+u', 'i<10, u<2', 'u = a % 2, i = a / 2')
  expectSolution(
    '2*i+u',
    'i<10, u<5',
    "u = a % 2 + 2 * u', i = a / 2 - u'; 0<=u'<=2; a % 2 + 2 * u' <= 4, floor(a / 2) - u' >= 0 and floor(a / 2) - u' <= 9",
  )
  expectSolution('i+2*u', 'i<10, u<3', 'i = a - 2 * u; 0<=u<=2; a - 2 * u >= 0 and a - 2 * u <= 9')
  expectSolution('3*i+u', 'i<4, u<2', 'u = a % 3, i = a / 3; a % 3 <= 1')
})

test('a stride and a dilation with a common divisor ask for divisibility', () => {
  expectSolution('2*i', 'i<5', 'i = a / 2; a % 2 == 0')
  expectSolution('4*i+2*u', 'i<5, u<2', 'u = a / 2 % 2, i = a / 4; a % 2 == 0')
})

test('several rows share their unknowns', () => {
  expectSolution('i, i', 'i<4', 'i = i; i == a')
  expectSolution('i+j, j', 'i<4, j<4', 'j = j, i = a - j; a - j >= 0 and a - j <= 3')
})

test('a change of shape is undone exactly', () => {
  expectSolution('i/4, i%4', 'i<12', 'i = 4 * a + b')
  expectSolution('i/12, i/4%3, i%4', 'i<24', 'i = 12 * a + 4 * b + c')
  expectSolution('4*i+j', 'i<3, j<4', 'j = a % 4, i = a / 4')
  expectSolution('6*i+2*u+v', 'i<4, u<3, v<2', 'v = a % 2, u = a / 2 % 3, i = a / 6')
  expectSolution('i/4', 'i<12', "i = 4 * a + i'; 0<=i'<=3")
  expectSolution('i%4', 'i<12', "i = a + 4 * i'; 0<=i'<=2")
  expectSolution('i%4', 'i<10', "i = a + 4 * i'; 0<=i'<=2; a + 4 * i' <= 9")
})

test('random reads are turned around exactly', () => {
  const coefficient = fc.integer({ min: -4, max: 4 })
  const index = fc.constantFrom('i', 'j', 'u')
  const linear = fc
    .tuple(fc.array(fc.tuple(coefficient, index), { minLength: 1, maxLength: 3 }), fc.integer({ min: -3, max: 6 }))
    .map(([terms, offset]) => `${terms.map(([times, of]) => `(${times})*${of}`).join('+')}+(${offset})`)
  const by = fc.integer({ min: 2, max: 4 })
  const row = fc.oneof(
    { weight: 3, arbitrary: linear },
    fc.tuple(linear, by).map(([of, divisor]) => `(${of})/${divisor}`),
    fc.tuple(linear, by).map(([of, divisor]) => `(${of})%${divisor}`),
    fc.tuple(linear, by, by).map(([of, divisor, digit]) => `(${of})/${divisor}%${digit}`),
    fc.tuple(linear, by, linear).map(([of, divisor, other]) => `(${of})/${divisor}+${other}`),
  )
  const bounds = fc.tuple(fc.integer({ min: -2, max: 2 }), fc.integer({ min: 1, max: 5 }))
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 3 }),
      fc.tuple(bounds, bounds, bounds),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 3, maxLength: 3 }),
      (rows, ranges, extents) => {
        const posed: Problem = {
          rows: rows.map(parseExpression),
          indices: ranges.map(([start, extent], at) => ({ index: 'iju'[at], start, extent })),
          shape: extents.slice(0, rows.length),
        }
        const solution = solveRead(posed.rows, posed.indices, posed.shape)
        expectSame(bySolution(solution, posed), byBruteForce(posed))
      },
    ),
    { numRuns: 300 },
  )
})
