// Regenerates src/emit/math/coefficients.ts:
//   node scripts/fit-polynomials.mjs && npx biome check --write src/emit/math/coefficients.ts
//
// Each polynomial is the minimax fit of its target: the Remez exchange on a dense grid, in double precision. Then the
// coefficients are rounded to f32 one after the other, lowest degree first, and those left are fitted again after each,
// so that they make up for the rounding. The error stated with each is that of the rounded polynomial, evaluated in
// double precision, as a part of the function's value in units of 2^-24 (half an ulp just above a power of two).
import { writeFileSync } from 'node:fs'

const { PI, SQRT1_2, SQRT2, LN2, abs, cos, exp, log1p, sqrt } = Math

/** sum of terms(k) * x^k; the terms must fall quickly. */
const series = (x, term, count = 40) => {
  let sum = 0
  for (let k = count - 1; k >= 0; k--) sum = sum * x + term(k)
  return sum
}
const factorial = (n) => (n < 2 ? 1 : n * factorial(n - 1))

const sinhOverX = (u) => series(u, (k) => 1 / factorial(2 * k + 1), 20)
const coshOf = (u) => series(u, (k) => 1 / factorial(2 * k), 20)
/** (1 - r cot(r)) / r^2 for u = r^2. */
const cotTail = (u) => series(-u, (k) => 1 / factorial(2 * k + 2) - 1 / factorial(2 * k + 3), 20) / sinhOverX(-u)

/** 1 - erf(x) for x > 0: its continued fraction, or the series where that is slow. */
function erfc(x) {
  if (x < 2) return 1 - x * erfOverX(x * x)
  let tail = 0
  for (let k = 200; k > 0; k--) tail = k / 2 / (x + tail)
  return exp(-x * x) / sqrt(PI) / (x + tail)
}
const erfOverX = (u) => (2 / sqrt(PI)) * series(u, (k) => (-1) ** k / factorial(k) / (2 * k + 1), 60)

const logTail = (f) => {
  if (abs(f) < 0.05) return series(f, (k) => (-1) ** k / (k + 3))
  return (log1p(f) - f + (f * f) / 2) / f ** 3
}
const atanTail = (u) =>
  u < 0.09 ? series(u, (k) => (-1) ** (k + 1) / (2 * k + 3)) : (Math.atan(sqrt(u)) / sqrt(u) - 1) / u

const erfSplit = 1.1875
const erfEnd = 4

// target(x): what the polynomial stands for; scale(x): what an error of 1 in it is as a part of the whole function.
const fits = [
  {
    name: 'expWide',
    about: 'exp(r) = 1 + r + r^2 P(r), |r| <= ln 2: the power of two is even',
    interval: [-LN2 * 1.0001, LN2 * 1.0001],
    degree: 5,
    target: (r) => series(r, (k) => 1 / factorial(k + 2), 25),
    scale: (r) => (r * r) / exp(r),
  },
  {
    name: 'exp',
    about: 'exp(r) = 1 + r + r^2 P(r), |r| <= ln 2 / 2',
    interval: [(-LN2 / 2) * 1.0001, (LN2 / 2) * 1.0001],
    degree: 4,
    target: (r) => series(r, (k) => 1 / factorial(k + 2), 25),
    scale: (r) => (r * r) / exp(r),
  },
  {
    name: 'expm1',
    about: 'exp(r) - 1 = r + r^2 P(r), |r| <= ln 2 / 2',
    interval: [(-LN2 / 2) * 1.0001, (LN2 / 2) * 1.0001],
    degree: 5,
    target: (r) => series(r, (k) => 1 / factorial(k + 2), 25),
    scale: (r) => r / series(r, (k) => 1 / factorial(k + 1), 25),
  },
  {
    name: 'log1p',
    about: 'log(1 + f) = f - f^2 / 2 + f^3 P(f), sqrt(1/2) <= 1 + f <= sqrt(2)',
    interval: [SQRT1_2 - 1, SQRT2 - 1],
    degree: 7,
    target: logTail,
    scale: (f) => f ** 3 / log1p(f),
  },
  {
    name: 'sin',
    about: 'sin(r) = r + r^3 P(r^2), |r| <= pi / 4',
    interval: [0, (PI / 4) ** 2 * 1.001],
    degree: 2,
    target: (u) => series(-u, (k) => -1 / factorial(2 * k + 3), 20),
    scale: (u) => u / sinhOverX(-u),
  },
  {
    name: 'cos',
    about: 'cos(r) = 1 - r^2 / 2 + r^4 P(r^2), |r| <= pi / 4',
    interval: [0, (PI / 4) ** 2 * 1.001],
    degree: 2,
    target: (u) => series(-u, (k) => 1 / factorial(2 * k + 4), 20),
    scale: (u) => (u * u) / cos(sqrt(u)),
  },
  {
    name: 'tan',
    about: 'tan(r) = r / (1 + r^2 P(r^2)), |r| <= pi / 4',
    interval: [0, (PI / 4) ** 2 * 1.001],
    degree: 3,
    target: (u) => -cotTail(u),
    scale: (u) => (u * sinhOverX(-u)) / coshOf(-u),
  },
  {
    name: 'atan',
    about: 'atan(t) = t + t^3 P(t^2), 0 <= t <= 1',
    interval: [0, 1],
    degree: 8,
    target: atanTail,
    scale: (u) => (u === 0 ? 0 : (u * sqrt(u)) / Math.atan(sqrt(u))),
  },
  {
    name: 'erfSmall',
    about: `erf(x) = x + x P(x^2), |x| <= ${erfSplit}`,
    interval: [0, erfSplit ** 2 * 1.001],
    degree: 6,
    target: (u) => erfOverX(u) - 1,
    scale: (u) => 1 / erfOverX(u),
  },
  {
    name: 'erfLarge',
    about: `erf(x) = 1 - P(x)^8, ${erfSplit} <= x <= ${erfEnd}`,
    interval: [erfSplit * 0.999, erfEnd],
    degree: 7,
    target: (x) => erfc(x) ** (1 / 8),
    scale: (x) => (8 * erfc(x) ** (7 / 8)) / (1 - erfc(x)),
  },
  {
    name: 'log2',
    about: 'log2((1 + s) / (1 - s)) = 2 / ln 2 * (s + s^3 / 3 + s^5 P(s^2)), |s| <= 3 - sqrt(8)',
    interval: [0, (3 - sqrt(8)) ** 2 * 1.001],
    degree: 2,
    target: (u) => series(u, (k) => 1 / (2 * k + 5)),
    scale: (u) => (u * u) / series(u, (k) => 1 / (2 * k + 1)),
  },
  {
    name: 'exp2',
    about: '2^r = 1 + r P(r), |r| <= 1/2',
    interval: [-0.502, 0.502],
    degree: 6,
    target: (r) => LN2 * series(r * LN2, (k) => 1 / factorial(k + 1), 25),
    scale: (r) => r / 2 ** r,
  },
]

const entries = fits.map((fit) => {
  const coefficients = roundedFit(fit)
  const error = maximumError(fit, coefficients) * 2 ** 24
  const text = `error ${error.toPrecision(2)} of 2^-24`
  console.log(`${fit.name.padEnd(10)} ${String(coefficients.length).padStart(2)} coefficients, ${text}`)
  const list = coefficients.map((c) => `    ${Number(c.toPrecision(9))},\n`).join('')
  return `  /** ${fit.about}: ${text}. */\n  ${fit.name}: [\n${list}  ],\n`
})

/** 1 / (2 pi) as `count` limbs of 16 bits after the binary point. */
function inverseTwoPi(count) {
  const places = 16 * count
  const quotient = (1n << BigInt(2 * places)) / (2n * piTimesPowerOfTwo(places))
  return Array.from({ length: count }, (_, i) => Number((quotient >> BigInt(places - 16 * (i + 1))) & 0xffffn))
}

/** pi / 2 as a sum of floats of so many significant bits each. */
function halfPiParts(sizes) {
  const places = 200
  let rest = piTimesPowerOfTwo(places - 1)
  return sizes.map((bits) => {
    const unit = 1n << BigInt(abs(Number(rest)).toString(2).length - bits)
    const part = ((rest + (rest > 0n ? unit / 2n : -unit / 2n)) / unit) * unit
    rest -= part
    return Number(part) / 2 ** places
  })
}

/** Machin's formula in integers. */
function piTimesPowerOfTwo(places) {
  const one = 1n << BigInt(places + 64)
  const arctanOfInverse = (n) => {
    let sum = 0n
    for (let k = 0n, power = one / n; power !== 0n; k++, power /= n * n) {
      sum += ((k % 2n === 0n ? 1n : -1n) * power) / (2n * k + 1n)
    }
    return sum
  }
  return (4n * (4n * arctanOfInverse(5n) - arctanOfInverse(239n))) >> 64n
}

writeFileSync(
  new URL('../src/emit/math/coefficients.ts', import.meta.url),
  `// Written by scripts/fit-polynomials.mjs, which says how. Coefficients stand lowest degree first and are meant as f32.

/** Where erf goes over from one polynomial to the other, and where it is 1. */
export const erfSplit = ${erfSplit}
export const erfEnd = ${erfEnd}

/** The first bits of 1 / (2 pi) after the binary point, 16 to a number. */
export const inverseTwoPi = [
${inverseTwoPi(13)
  .map((limb) => `  0x${limb.toString(16).padStart(4, '0')},\n`)
  .join('')}] as const

/** pi / 2 as a sum: three full floats, or three of 12 bits and a full one. */
export const halfPi = {
  full: [${halfPiParts([24, 24, 24]).join(', ')}],
  short: [${halfPiParts([12, 12, 12, 24]).join(', ')}],
} as const

export const coefficients = {
${entries.join('\n')}} as const satisfies Record<string, readonly number[]>
`,
)

/** The minimax fit with every coefficient an f32. */
function roundedFit(fit) {
  const fixed = []
  while (fixed.length <= fit.degree) fixed.push(Math.fround(remez(fit, fixed)[fixed.length]))
  return fixed
}

/** The minimax polynomial whose lowest coefficients are the fixed ones. */
function remez({ interval: [low, high], degree, target, scale }, fixed) {
  const count = degree + 1 - fixed.length
  const grid = chebyshevGrid(low, high, 3000)
  const known = grid.map((x) => evaluate(fixed, x))
  const wanted = grid.map((x, i) => target(x) - known[i])
  const scales = grid.map(scale)
  let nodes = Array.from({ length: count + 1 }, (_, i) => Math.round(((i + 0.5) * (grid.length - 1)) / (count + 1)))
  let free = []
  for (let turn = 0; turn < 40; turn++) {
    const rows = nodes.map((at, i) => [
      ...Array.from({ length: count }, (_, k) => scales[at] * grid[at] ** (k + fixed.length)),
      (-1) ** i,
      scales[at] * wanted[at],
    ])
    free = solve(rows).slice(0, count)
    const coefficients = [...fixed.map(() => 0), ...free]
    const errors = grid.map((x, i) => scales[i] * (evaluate(coefficients, x) - wanted[i]))
    const next = alternation(errors, count + 1)
    if (next.length < count + 1 || next.every((at, i) => at === nodes[i])) break
    nodes = next
  }
  return [...fixed, ...free]
}

/** Of each stretch where the error keeps its sign the place of its largest value; the smallest end ones go until `count` are left. */
function alternation(errors, count) {
  const peaks = []
  for (let i = 0; i < errors.length; i++) {
    const last = peaks.at(-1)
    if (last === undefined || errors[i] * errors[last] < 0) peaks.push(i)
    else if (abs(errors[i]) > abs(errors[last])) peaks[peaks.length - 1] = i
  }
  while (peaks.length > count) {
    if (abs(errors[peaks[0]]) < abs(errors[peaks.at(-1)])) peaks.shift()
    else peaks.pop()
  }
  return peaks
}

/** Gaussian elimination with row scaling and partial pivots; each row ends with its right-hand side. */
function solve(rows) {
  const size = rows.length
  const columns = rows[0].map((_, k) => (k === size ? 1 : Math.max(...rows.map((row) => abs(row[k])))))
  const m = rows.map((row) => row.map((value, k) => value / columns[k]))
  for (let k = 0; k < size; k++) {
    let pivot = k
    for (let i = k + 1; i < size; i++) if (abs(m[i][k]) > abs(m[pivot][k])) pivot = i
    ;[m[k], m[pivot]] = [m[pivot], m[k]]
    for (let i = 0; i < size; i++) {
      if (i === k) continue
      const factor = m[i][k] / m[k][k]
      for (let j = k; j <= size; j++) m[i][j] -= factor * m[k][j]
    }
  }
  return m.map((row, k) => row[size] / row[k] / columns[k])
}

function maximumError({ interval: [low, high], target, scale }, coefficients) {
  const errors = chebyshevGrid(low, high, 20_000).map((x) => abs(scale(x) * (evaluate(coefficients, x) - target(x))))
  return Math.max(...errors)
}

function chebyshevGrid(low, high, count) {
  return Array.from({ length: count }, (_, i) => (low + high) / 2 - ((high - low) / 2) * cos((PI * (i + 0.5)) / count))
}

function evaluate(coefficients, x) {
  let sum = 0
  for (let k = coefficients.length - 1; k >= 0; k--) sum = sum * x + coefficients[k]
  return sum
}
