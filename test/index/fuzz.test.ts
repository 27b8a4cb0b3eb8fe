import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Expr } from '../../src/expression/tree.ts'
import { binary, name, number, unary } from '../../src/expression/tree.ts'
import type { Affine, Interval } from '../../src/index/index.ts'
import {
  add,
  affineKey,
  affineOf,
  bounds,
  evaluateAffine,
  exprOf,
  floorDivide,
  namesIn,
  remainder,
  scale,
  substituteIndices,
  subtract,
} from '../../src/index/index.ts'

const names = ['i', 'j', 'k'] as const
const interval: fc.Arbitrary<Interval> = fc
  .tuple(fc.integer({ min: -6, max: 6 }), fc.integer({ min: 0, max: 5 }))
  .map(([min, more]) => ({ min, max: min + more }))
const intervals = fc
  .tuple(interval, interval, interval)
  .map((all) => new Map(all.map((one, at) => [names[at] as string, one])))

/** Integer expressions as people and derivatives write them: small coefficients, divisors that share factors. */
const { expr } = fc.letrec<{ expr: Expr }>((tie) => ({
  expr: fc.oneof(
    { maxDepth: 5, depthSize: 'large' },
    { weight: 3, arbitrary: fc.constantFrom(...names).map(name) },
    { weight: 1, arbitrary: fc.integer({ min: -9, max: 9 }).map(number) },
    {
      weight: 4,
      arbitrary: fc.tuple(fc.constantFrom('+', '-'), tie('expr'), tie('expr')).map(([op, a, b]) => binary(op, a, b)),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(-3, -2, -1, 2, 3, 4, 6, 8), tie('expr'))
        .map(([k, a]) => binary('*', number(k), a)),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom('/', '%'), tie('expr'), fc.constantFrom(1, 2, 3, 4, 6, 8, 12))
        .map(([op, a, by]) => binary(op, a, number(by))),
    },
    { weight: 1, arbitrary: tie('expr').map((a) => unary('-', a)) },
  ),
}))

/** What the expression means, without any algebra. */
function evaluate(of: Expr, at: ReadonlyMap<string, number>): number {
  if (of.kind === 'number') return of.value
  if (of.kind === 'name') return at.get(of.name)!
  if (of.kind === 'unary') return -evaluate(of.arg, at)
  assert(of.kind === 'binary')
  const [a, b] = [evaluate(of.left, at), evaluate(of.right, at)]
  if (of.op === '+') return a + b
  if (of.op === '-') return a - b
  if (of.op === '*') return a * b
  return of.op === '/' ? Math.floor(a / b) : a - b * Math.floor(a / b)
}

function* points(within: ReadonlyMap<string, Interval>): Generator<Map<string, number>> {
  const [i, j, k] = names.map((index) => within.get(index)!)
  for (let a = i.min; a <= i.max; a++)
    for (let b = j.min; b <= j.max; b++)
      for (let c = k.min; c <= k.max; c++)
        yield new Map([
          ['i', a],
          ['j', b],
          ['k', c],
        ])
}

function expectEqualEverywhere(
  affine: Affine,
  meaning: (at: Map<string, number>) => number,
  within: Map<string, Interval>,
) {
  const { min, max } = bounds(affine, within)
  for (const at of points(within)) {
    const value = evaluateAffine(affine, at)
    assert.equal(value + 0, meaning(at) + 0, `${affineKey(affine)} at ${JSON.stringify([...at])}`)
    assert(min <= value && value <= max, `${affineKey(affine)} is ${value}, outside ${min} … ${max}`)
  }
}

const runs = { numRuns: 1500 }

test('an index expression keeps its value at every point, within its bounds', () => {
  fc.assert(
    fc.property(expr, intervals, (of, within) => {
      const affine = affineOf(of, within)
      assert(affine)
      expectEqualEverywhere(affine, (at) => evaluate(of, at), within)
    }),
    runs,
  )
})

test('printing an index expression and reading it again gives the same canonical form', () => {
  fc.assert(
    fc.property(expr, intervals, (of, within) => {
      const affine = affineOf(of, within)!
      const again = affineOf(exprOf(affine), within)!
      expectEqualEverywhere(again, (at) => evaluate(of, at), within)
      for (const found of namesIn(again)) assert(within.has(found))
    }),
    runs,
  )
})

test('sums, differences, multiples, quotients and remainders of index expressions have the values they should', () => {
  const divisor = fc.integer({ min: 1, max: 12 })
  fc.assert(
    fc.property(expr, expr, divisor, fc.integer({ min: -5, max: 5 }), intervals, (one, two, by, times, within) => {
      const [a, b] = [affineOf(one, within)!, affineOf(two, within)!]
      const value = (at: Map<string, number>): [number, number] => [evaluate(one, at), evaluate(two, at)]
      expectEqualEverywhere(add(a, b), (at) => value(at)[0] + value(at)[1], within)
      expectEqualEverywhere(subtract(a, b), (at) => value(at)[0] - value(at)[1], within)
      expectEqualEverywhere(scale(a, times), (at) => value(at)[0] * times, within)
      expectEqualEverywhere(floorDivide(a, by, within), (at) => Math.floor(value(at)[0] / by), within)
      expectEqualEverywhere(remainder(a, by, within), (at) => value(at)[0] - by * Math.floor(value(at)[0] / by), within)
    }),
    { numRuns: 500 },
  )
})

test('substitution of index expressions for indices commutes with evaluation', () => {
  fc.assert(
    fc.property(expr, expr, intervals, (of, value, within) => {
      const replacement = affineOf(value, within)!
      const wide = new Map(within).set('i', bounds(replacement, within))
      const affine = affineOf(of, wide)!
      const substituted = substituteIndices(affine, new Map([['i', replacement]]), within)
      expectEqualEverywhere(substituted, (at) => evaluate(of, new Map(at).set('i', evaluate(value, at))), within)
    }),
    { numRuns: 800 },
  )
})

test('a quotient and its remainder add up to what was divided', () => {
  fc.assert(
    fc.property(expr, fc.integer({ min: 1, max: 12 }), intervals, (of, by, within) => {
      const a = affineOf(of, within)!
      const sum = add(scale(floorDivide(a, by, within), by), remainder(a, by, within))
      expectEqualEverywhere(sum, (at) => evaluate(of, at), within)
    }),
    runs,
  )
})

test('bounds of a sum of multiples of indices are reached', () => {
  const coefficients = fc.tuple(...names.map(() => fc.integer({ min: -4, max: 4 })))
  fc.assert(
    fc.property(coefficients, intervals, (factors, within) => {
      const affine = affineOf(
        names.map((index, at) => binary('*', number(factors[at]), name(index))).reduce((a, b) => binary('+', a, b)),
        within,
      )!
      const values = [...points(within)].map((at) => evaluateAffine(affine, at))
      assert.deepEqual(bounds(affine, within), { min: Math.min(...values) + 0, max: Math.max(...values) + 0 })
    }),
    { numRuns: 300 },
  )
})
