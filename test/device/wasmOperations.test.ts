import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsDevice } from '../../src/device/js/device.ts'
import { formula, type Tensor, tensor, where } from '../../src/index.ts'
import { uniform } from '../../src/random/index.ts'
import { assertSame, runOn, variants } from '../support/runOn.ts'

const oracle = jsDevice()

/** One program for all: the device gives what the js device gives, up to the rounding of f32. */
function expectAgreement(cases: Readonly<Record<string, Tensor>>, tolerance = 0): void {
  const names = Object.keys(cases)
  const tensors = Object.values(cases)
  const expected = runOn(oracle, tensors)
  for (const [variant, device] of Object.entries(variants)) {
    const actual = runOn(device, tensors)
    for (const [at, name] of names.entries()) {
      assertSame(`${name} with ${variant}`, actual[at], expected[at], tolerance)
    }
  }
}

const wave = (...shape: number[]): Tensor => {
  const size = shape.reduce((product, extent) => product * extent, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, at) => Math.sin(at * 1.7) * 3),
    { shape },
  )
}

// Whole vectors of several copies, single vectors and a rest.
const length = 71
const x = wave(length)
const y = wave(length + 1).slice([1, null])
const special = [Number.NaN, 0, -0, 1 / 0, -1 / 0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-40, -1e38, 3e9, -3e9, 7, -7]
const left = tensor(special.flatMap((value) => special.map(() => value)))
const right = tensor(special.flatMap(() => special))
const exact = ['abs', 'neg', 'floor', 'ceil', 'round', 'sign', 'relu', 'sqrt'] as const
const smooth = ['exp', 'expm1', 'tanh', 'sigmoid', 'sin', 'cos', 'erf', 'gelu', 'silu', 'softplus'] as const

test('exact operations agree to the bit, NaN, infinities and zeros of both signs included', () => {
  const unary = (of: Tensor) => Object.fromEntries(exact.map((op) => [op, of[op]()]))
  expectAgreement(unary(x))
  expectAgreement(unary(left))
  for (const [a, b] of [
    [x, y],
    [left, right],
  ]) {
    const conditions = { lt: a.lt(b), le: a.le(b), eq: a.eq(b), ne: a.ne(b) }
    expectAgreement({
      ...conditions,
      add: a.add(b),
      sub: a.sub(b),
      mul: a.mul(b),
      div: a.div(b),
      maximum: a.maximum(b),
      minimum: a.minimum(b),
      limits: a.clamp(-1, 0),
      and: conditions.lt.logicalAnd(a.gt(0)),
      or: conditions.lt.logicalOr(a.gt(0)).logicalNot(),
      where: where(conditions.lt, a, b),
      whereWhole: where(conditions.lt, a, 3),
    })
  }
})

test('remainders have the sign of the divisor', () => {
  const divisors = tensor([0.75, -0.75, 3, -3, 1 / 0, -1 / 0, 0, Number.NaN])
  const dividends = tensor([5.25, -5.25, 0, -0, 3, -3, 1 / 0, Number.NaN, 1e6, -1e6, 0.25])
  const [a, b] = [dividends.unsqueeze(1), divisors.unsqueeze(0)]
  expectAgreement({ table: a.mod(b), wave: x.mod(0.75), negative: x.mod(-0.4) }, 1e-7)
  const whole = tensor([-7, -6, -1, 0, 1, 6, 7, 100], { dtype: 'i32' })
  const by = tensor([-3, -1, 1, 2, 3, 5, 4], { dtype: 'i32' })
  expectAgreement({ whole: whole.unsqueeze(1).mod(by), constant: whole.mod(3), power: whole.mod(4) })
})

test('functions agree up to rounding', () => {
  expectAgreement(Object.fromEntries(smooth.map((op) => [op, x[op]()])), 3e-6)
  const size = x.abs().add(0.25)
  expectAgreement({ log: size.log(), log1p: size.log1p(), pow: size.pow(y), atan2: x.atan2(y) }, 3e-6)
  expectAgreement({ tan: x.clamp(-1.4, 1.4).tan() }, 2e-5)
})

test('a value does not depend on where in a row it stands', () => {
  for (const op of [...smooth, 'log1p'] as const) {
    const value = tensor(new Float32Array(23).fill(0.7))
    const [device] = Object.values(variants)
    const [found] = runOn(device, [value[op]()])
    assert.deepEqual(new Set(found).size, 1, op)
  }
})

test('conversions and all dtypes agree', () => {
  const whole = tensor(Int32Array.from({ length }, (_, at) => ((at * 37) % 101) - 50))
  const bytes = tensor(Uint8Array.from({ length }, (_, at) => at * 91))
  const double = tensor(
    Float64Array.from({ length }, (_, at) => Math.cos(at) * 9),
    { dtype: 'f64' },
  )
  const cases: Record<string, Tensor> = {}
  for (const [name, from] of Object.entries({ x, whole, bytes, condition: x.gt(0), double })) {
    for (const dtype of ['f32', 'f64', 'i32', 'bool'] as const) cases[`${name} to ${dtype}`] = from.cast(dtype)
    cases[`${name} doubled`] = from.add(from)
    cases[`${name} chosen`] = where(x.lt(y), from, from.flip())
  }
  cases['bytes to u8'] = whole.abs().cast('u8')
  expectAgreement(cases)
  const of = (op: 'tanh' | 'exp' | 'sigmoid' | 'erf' | 'sin') => double[op]()
  const functions = { tanh: of('tanh'), exp: of('exp'), sigmoid: of('sigmoid'), erf: of('erf'), sin: of('sin') }
  expectAgreement({ ...functions, mod: double.mod(0.7), pow: double.abs().pow(double) }, 1e-15)
})

test('reductions agree along every axis, NaN included', () => {
  for (const shape of [[3, 5, 41], [41, 3, 5], [7, 16, 4], [130], [1, 9]]) {
    const of = wave(...shape)
    const withNaN = where(of.gt(2.9), Number.NaN, of)
    const cases: Record<string, Tensor> = {}
    for (const axis of [undefined, ...shape.keys()]) {
      cases[`max over ${axis}`] = of.max(axis)
      cases[`min over ${axis}`] = withNaN.min(axis)
      cases[`argmax over ${axis}`] = of.argmax(axis)
      cases[`argmin over ${axis}`] = withNaN.argmin(axis)
      cases[`any over ${axis}`] = of.gt(2.5).any(axis)
      cases[`all over ${axis}`] = of.gt(-2.9).all(axis)
      cases[`count over ${axis}`] = of.gt(0).sum(axis)
    }
    expectAgreement(cases)
    const axes = [undefined, ...shape.keys()]
    expectAgreement(Object.fromEntries(axes.map((axis) => [`sum over ${axis}`, of.sum(axis)])), 1e-5)
    expectAgreement(Object.fromEntries(axes.map((axis) => [`softmax over ${axis ?? 0}`, of.softmax(axis ?? 0)])), 1e-6)
  }
})

test('random numbers are the same bits', () => {
  expectAgreement({ uniform: uniform([5, 71], { seed: 7 }), row: uniform([3], { seed: 2 ** 31 - 1 }) })
})

test('every way to read and write memory agrees: strides, steps back, divided and gathered indices, guards', () => {
  const grid = wave(23, 29)
  const at = tensor(Int32Array.from({ length: 23 }, (_, i) => ((i * 11) % 31) - 4))
  const index = (text: string, operands: Record<string, Tensor> = { x: grid }) => formula(text)(operands as never)
  expectAgreement(
    {
      transposed: grid.T.add(1),
      flipped: grid.flip().mul(2),
      every: grid.slice(null, [null, null, 2]).add(1),
      back: grid.slice(null, [null, null, -2]).add(1),
      third: grid.slice([null, null, 3], [1, null, 3]).add(1),
      repeated: grid.repeat(3, 1),
      divided: index('y[i<23,j<50] = x[i,j/2]'),
      thirds: index('y[i<23,j<80] = x[i,j/3] + x[i,(j+1)%7]'),
      wrapped: index('y[i<23,j<40] = x[(i+j)%23,(i*5+j)%29]'),
      guarded: index('y[i<23,j<29] = x?[i-2,j-3] + x?[i+1,j+5]'),
      phases: index('y[i<23,j<57] = x?[i,j/2-3] + x?[i,(j-1)/2]'),
      diagonal: index('y[i<40,j<23] = x?[j,i-j]'),
      gathered: index('y[i<23,j<29] = x[k[i],j] + x[i,k[j%23]]', { x: grid, k: at }),
      values: index('y[i<23,j<29] = where(j <= i, x[i,j], i - 2*j)'),
      broadcast: grid.add(wave(29)).unsqueeze(1).add(wave(3, 1)),
    },
    1e-6,
  )
})

test('formulas of random shapes, strides and paddings agree', () => {
  const whole = (min: number, max: number) => fc.integer({ min, max })
  const shape = fc.record({
    rows: whole(1, 9),
    columns: whole(1, 40),
    window: whole(1, 5),
    step: whole(1, 3),
    from: whole(-6, 4),
  })
  fc.assert(
    fc.property(shape, whole(0, 5), ({ rows, columns, window, step, from }, kind) => {
      const of = wave(rows, columns)
      const weights = wave(window)
      const offset = from < 0 ? `-${-from}` : `+${from}`
      const read = `x?[i,${step}*j+u${offset}]`
      const bodies = [
        `sum(u<${window}) ${read} * w[u]`,
        `max(u<${window}) ${read}`,
        `argmin(u<${window}) ${read}`,
        `tanh(sum(u<${window}) ${read}) + x?[i,j]`,
        `x?[i,(j${offset})/${step + 1}] * w[j%${window}] + sum(u<${window}) w[u]`,
        `where(j%${step + 1} == 0, x?[i,j/${step + 1}], i*j) + w[(i+j)%${window}]`,
      ]
      const text = `y[i<${rows},j<${columns}] = ${bodies[kind]}`
      const operands = text.includes('w[') ? { x: of, w: weights } : { x: of }
      expectAgreement({ [text]: formula(text)(operands as never) }, 1e-5)
    }),
    { numRuns: 60 },
  )
})
