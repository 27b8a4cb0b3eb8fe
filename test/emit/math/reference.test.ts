import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { binaryPrograms, unaryPrograms } from '../../../src/emit/math/functions.ts'
import { type MathForm, referenceMath } from '../../../src/emit/math/reference.ts'
import type { VectorMath } from '../../../src/emit/math/vectorMath.ts'
import { floatOfBits } from './samples.ts'

/** A finite f32 as an integer times 2^-149. */
function exactly(x: number): bigint {
  return BigInt(x * 2 ** 149)
}

/** An integer times 2^-298, rounded once to f32, halves to even. */
function roundToFloat(value: bigint): number {
  const magnitude = value < 0n ? -value : value
  const length = magnitude.toString(2).length
  const unit = 1n << BigInt(Math.max(149, length - 24))
  const doubled = (2n * magnitude) / unit
  const rest = (2n * magnitude) % unit
  let rounded = doubled >> 1n
  if (doubled % 2n === 1n && (rest > 0n || rounded % 2n === 1n)) rounded++
  // The integer has up to 25 bits, so its product with a power of two is exact or, beyond the largest f32, infinite.
  const result = Math.fround(Number(rounded) * 2 ** (unit.toString(2).length - 1 - 149) * 2 ** -149)
  return value < 0n ? -result : result
}

test('the fused multiply-add rounds once', () => {
  const { fma } = referenceMath({ fused: true })
  const anyFloat = fc
    .integer({ min: 0, max: 2 ** 32 - 1 })
    .map(floatOfBits)
    .filter(Number.isFinite)
  // Near cancellation and near ties, where rounding twice shows.
  const close = fc.tuple(anyFloat, anyFloat, fc.integer({ min: -30, max: 30 })).map(([a, b, shift]) => {
    return [a, b, Math.fround(-a * b * (1 + 2 ** shift))] as const
  })
  const triple = fc.oneof(fc.tuple(anyFloat, anyFloat, anyFloat), close)
  fc.assert(
    fc.property(triple, ([a, b, c]) => {
      fc.pre(Number.isFinite(c))
      const expected = roundToFloat(exactly(a) * exactly(b) + (exactly(c) << 149n))
      const found = fma(a, b, c)
      if (expected === 0) assert.ok(found === 0)
      else assert.equal(found, expected)
    }),
    { numRuns: 3000 },
  )
})

test('the fused multiply-add is right where rounding to f64 first is not', () => {
  const { fma } = referenceMath({ fused: true })
  // (2^12 + 1) (2^24 - 2^12 + 1) = 2^36 + 1: the sum is just above a tie, and a tie once it is rounded to f64.
  const [a, b] = [(2 ** 12 + 1) * 2 ** -30, (2 ** 24 - 2 ** 12 + 1) * 2 ** -30]
  assert.equal(Math.fround(a * b + 1), 1)
  assert.equal(fma(a, b, 1), 1 + 2 ** -23)
  assert.equal(fma(a, b, -1), -1 + 2 ** -24)
  assert.equal(fma(1 + 2 ** -23, 1 + 2 ** -23, -1 - 2 ** -22), 2 ** -46)
})

interface Counted {
  readonly fused: [operations: number, rare: number]
  readonly plain: [operations: number, rare: number]
}

/** Operations a vector, an emitter's instructions more or less: reinterpretations and constants are free. */
function countOperations(run: (b: VectorMath<number, number, boolean>) => void, form: MathForm): [number, number] {
  const { fused } = form
  const math = referenceMath(form)
  const free = ['float', 'int', 'bits', 'fromBits']
  let count = 0
  let rare = 0
  const counting = Object.fromEntries(
    Object.entries(math).map(([name, operation]) => {
      if (typeof operation !== 'function' || free.includes(name)) return [name, operation]
      const cost = { fma: fused ? 1 : 2, fnma: fused ? 1 : 2, roundProduct: fused ? 2 : 3 }[name] ?? 1
      return [
        name,
        (...args: never[]) => {
          count += name === 'testBit' && args[1] !== 31 ? 2 : cost
          return (operation as (...args: never[]) => unknown)(...args)
        },
      ]
    }),
  ) as unknown as VectorMath<number, number, boolean>
  run({
    ...counting,
    rarely: (_, common, program) => {
      const before = ++count
      program()
      rare = count - before
      count = before
      return common
    },
  })
  return [count, rare]
}

const expectedCounts: Record<string, Counted> = {
  exp: { fused: [17, 0], plain: [27, 0] },
  expm1: { fused: [20, 0], plain: [32, 0] },
  log: { fused: [29, 0], plain: [39, 0] },
  log1p: { fused: [30, 0], plain: [41, 0] },
  tanh: { fused: [21, 0], plain: [30, 0] },
  sigmoid: { fused: [22, 0], plain: [33, 0] },
  sin: { fused: [25, 135], plain: [41, 148] },
  cos: { fused: [24, 135], plain: [40, 148] },
  tan: { fused: [42, 140], plain: [48, 153] },
  erf: { fused: [24, 0], plain: [39, 0] },
  atan2: { fused: [33, 0], plain: [43, 0] },
  pow: { fused: [114, 0], plain: [194, 0] },
}

test('each function costs the operations it should', () => {
  const counts: Record<string, Counted> = {}
  for (const [name, program] of Object.entries(unaryPrograms)) {
    const of = (fused: boolean) => countOperations((b) => program(b, 0.75), { fused })
    counts[name] = { fused: of(true), plain: of(false) }
  }
  for (const [name, program] of Object.entries(binaryPrograms)) {
    const of = (fused: boolean) => countOperations((b) => program(b, 0.75, 0.5), { fused })
    counts[name] = { fused: of(true), plain: of(false) }
  }
  assert.deepEqual(counts, expectedCounts)
})

test('exp costs less where powers of two are multiplied by in one instruction', () => {
  assert.deepEqual(
    countOperations((b) => unaryPrograms.exp(b, 0.75), { fused: true, scales: true }),
    [13, 0],
  )
})
