import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BinaryProgramName, UnaryProgramName } from '../../../src/emit/math/functions.ts'
import { binaryPrograms, unaryPrograms } from '../../../src/emit/math/functions.ts'
import { referenceMath } from '../../../src/emit/math/reference.ts'
import { sampleFloats, samplePairs } from './samples.ts'
import { trueBinary, trueUnary, ulpError } from './trueValues.ts'

const forms = {
  fused: referenceMath({ fused: true }),
  scaling: referenceMath({ fused: true, scales: true }),
  plain: referenceMath({ fused: false }),
}

// Where a function changes its way, or its result overflows or vanishes.
const thresholds: Partial<Record<UnaryProgramName, number[]>> = {
  exp: [88.72283, -87.33654, -103.97208, 104, 89],
  expm1: [88.72283, 89, -17.32868, 0.34657359],
  sigmoid: [88.72283, 87.33654, 103.27893, 104],
  tanh: [0.17328679, 0.51986039, 9.01, 10],
  log1p: [-0.29289322, 0.41421356],
  log: [Math.SQRT1_2, Math.SQRT2],
  // The f32s closest to a multiple of pi / 2, the limits of the quick reduction, and multiples of pi / 2.
  sin: [16367173 * 2 ** 72, 100_000, 6_400, ...multiplesOfHalfPi()],
  cos: [16367173 * 2 ** 72, 100_000, 6_400, ...multiplesOfHalfPi()],
  tan: [16367173 * 2 ** 72, 100_000, 6_400, ...multiplesOfHalfPi()],
  erf: [1.125, 4, 3.8],
}

function multiplesOfHalfPi(): number[] {
  return Array.from({ length: 200 }, (_, i) => ((i < 100 ? i + 1 : (i - 99) * 641) * Math.PI) / 2)
}

for (const [name, program] of Object.entries(unaryPrograms)) {
  for (const [form, math] of Object.entries(forms)) {
    test(`${name} is within 2 ulp over all floats, ${form}`, () => {
      const truth = trueUnary[name as UnaryProgramName]
      let worst = { error: 0, x: 0 }
      for (const x of sampleFloats(
        ['sin', 'cos', 'tan'].includes(name) ? 40_009 : 20_011,
        thresholds[name as UnaryProgramName],
      )) {
        const error = ulpError(program(math, x), truth(x))
        if (error > worst.error) worst = { error, x }
      }
      assert.ok(worst.error <= 2, `${worst.error} ulp at ${worst.x}`)
      assert.ok(worst.error > 0.5, 'no function rounds correctly everywhere: the measure would be broken')
    })
  }
}

const pairs = samplePairs(40_000)

for (const [name, program] of Object.entries(binaryPrograms)) {
  for (const [form, math] of Object.entries(forms)) {
    test(`${name} is within 2 ulp, ${form}`, () => {
      const truth = trueBinary[name as BinaryProgramName]
      let worst = { error: 0, at: '' }
      for (const [i, a] of pairs.first.entries()) {
        const b = pairs.second[i]
        const error = ulpError(program(math, a, b), truth(a, b))
        if (error > worst.error) worst = { error, at: `(${a}, ${b})` }
      }
      assert.ok(worst.error <= 2, `${worst.error} ulp at ${worst.at}`)
      assert.ok(worst.error > 0.5)
    })
  }
}

/** All forms give exactly this, the sign of zero included. */
function expectValue(name: UnaryProgramName, x: number, expected: number): void {
  for (const math of Object.values(forms)) assert.equal(unaryPrograms[name](math, x), expected, `${name}(${x})`)
}

const { POSITIVE_INFINITY: inf, NaN: nan } = Number

test('the edges of each function are what IEEE 754 asks for', () => {
  for (const name of Object.keys(unaryPrograms) as UnaryProgramName[]) expectValue(name, nan, nan)
  for (const name of ['expm1', 'log1p', 'tanh', 'sin', 'tan', 'erf'] as const) {
    expectValue(name, 0, 0)
    expectValue(name, -0, -0)
  }
  for (const zero of [0, -0]) {
    expectValue('exp', zero, 1)
    expectValue('cos', zero, 1)
    expectValue('sigmoid', zero, 0.5)
    expectValue('log', zero, -inf)
  }
  expectValue('exp', inf, inf)
  expectValue('exp', -inf, 0)
  expectValue('exp', 88.72283935546875, inf)
  expectValue('exp', -104, 0)
  expectValue('expm1', inf, inf)
  expectValue('expm1', -inf, -1)
  expectValue('log', 1, 0)
  expectValue('log', inf, inf)
  expectValue('log', -1, nan)
  expectValue('log', -inf, nan)
  expectValue('log1p', -1, -inf)
  expectValue('log1p', inf, inf)
  expectValue('log1p', -1.0000001192092896, nan)
  expectValue('log1p', -inf, nan)
  expectValue('tanh', inf, 1)
  expectValue('tanh', -inf, -1)
  expectValue('sigmoid', inf, 1)
  expectValue('sigmoid', -inf, 0)
  expectValue('erf', inf, 1)
  expectValue('erf', -inf, -1)
  for (const name of ['sin', 'cos', 'tan'] as const) {
    expectValue(name, inf, nan)
    expectValue(name, -inf, nan)
  }
})

test('odd functions are odd bit for bit', () => {
  for (const name of ['tanh', 'sin', 'tan', 'erf'] as const) {
    for (const x of sampleFloats(4_000_037)) {
      for (const math of Object.values(forms)) {
        assert.equal(unaryPrograms[name](math, -x), -unaryPrograms[name](math, x), `${name}(${x})`)
      }
    }
  }
})

test('tanh, sigmoid and erf never leave their range', () => {
  for (const x of sampleFloats(400_009)) {
    if (Number.isNaN(x)) continue
    for (const math of Object.values(forms)) {
      assert.ok(Math.abs(unaryPrograms.tanh(math, x)) <= 1, `tanh(${x})`)
      assert.ok(Math.abs(unaryPrograms.erf(math, x)) <= 1, `erf(${x})`)
      const y = unaryPrograms.sigmoid(math, x)
      assert.ok(y >= 0 && y <= 1, `sigmoid(${x})`)
    }
  }
})
