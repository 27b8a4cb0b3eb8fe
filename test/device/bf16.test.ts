// Products in bfloat16 on the native device: on the vectors of this machine, and in the tile registers of AMX, whose
// instructions a signal handler carries out where the machine has none.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Device } from '../../src/device/device.ts'
import { jsDevice } from '../../src/device/js/device.ts'
import { compileC } from '../../src/device/native/compile.ts'
import { type CCompiler, findCompiler } from '../../src/device/native/compiler.ts'
import { nativeAbsence, nativeDevice } from '../../src/device/native/device.ts'
import type { Precision } from '../../src/device/precision.ts'
import {
  compile,
  formula,
  grad,
  precision,
  setDevice,
  setPrecision,
  setThreads,
  type Tensor,
  tensor,
} from '../../src/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'
import { assertSame, runOn } from '../support/runOn.ts'

const absence = nativeAbsence()
const compiler = absence === null ? findCompiler() : null
const vectorsSkip = absence ?? compiler?.bf16.avx512 ?? false

afterEach(() => {
  setPrecision('highest')
  setThreads(1)
})

/** The compiler for a machine with AMX: each program brings the signal handler along. */
function withTiles(found: CCompiler): CCompiler {
  const trap = fileURLToPath(new URL('../support/tileTrap.h', import.meta.url))
  return {
    ...found,
    widths: [16, 4, 1],
    bf16: { ...found.bf16, amx: null },
    flags: [...found.flags, '-include', trap],
  }
}

function tilesAbsence(): string | false {
  if (!compiler) return absence ?? 'no C compiler'
  if (process.arch !== 'x64' || process.platform !== 'linux') return 'AMX is of x86, and traps are handled on Linux'
  try {
    compileC(withTiles(compiler), 'void run(void) { __asm__ volatile("tdpbf16ps %tmm0, %tmm1, %tmm2"); }')
    return false
  } catch {
    return 'the assembler does not know AMX'
  }
}
const tilesSkip = tilesAbsence()

interface Form {
  readonly unit: 'AMX' | 'AVX512-BF16'
  readonly precision: Precision
  readonly skip: string | false
}
const forms: readonly Form[] = [
  { unit: 'AMX', precision: 'medium', skip: tilesSkip },
  { unit: 'AMX', precision: 'high', skip: tilesSkip },
  { unit: 'AVX512-BF16', precision: 'medium', skip: vectorsSkip },
]

const deviceOf = ({ unit }: Form): Device => nativeDevice(unit === 'AMX' ? withTiles(compiler!) : compiler!)

/** What a device computes at a precision; the products must be what they are called. */
function computed(form: Form, tensors: readonly Tensor[]) {
  const device = deviceOf(form)
  setPrecision(form.precision)
  assert.equal(device.precision(form.precision).used, form.precision)
  let source = ''
  const watched: Device = {
    ...device,
    load: (program) => {
      const executable = device.load(program)
      source = executable.source
      return executable
    },
  }
  const results = runOn(watched, tensors)
  assert.match(source, form.unit === 'AMX' ? /TILE_DOT\(0, 4, 6\);/ : /= dot_16\(s0_0, x, b0\)/)
  return { results, source }
}

type Draw = (at: number) => number

function filled(draw: Draw, ...shape: number[]): Tensor {
  const length = shape.reduce((product, extent) => product * extent, 1)
  return tensor(
    Float32Array.from({ length }, (_, at) => draw(at)),
    { shape },
  )
}

/** Products whose operands lie in all ways, with rows, columns and summands that fill no tile and no block. */
function manyProducts(left: Draw, right: Draw): Tensor[] {
  const convolution = formula('z[n,k,i,j] = sum(c,u,v) x[n,c,i+u,2*j+v] * w[k,c,u,v]')
  return [
    filled(left, 45, 801).matmul(filled(right, 801, 83)),
    filled(left, 801, 45).T.matmul(filled(right, 801, 83)),
    filled(left, 45, 801).matmul(filled(right, 83, 801).T),
    filled(left, 70, 45).T.matmul(filled(right, 52, 70).T),
    filled(left, 3, 64, 64).matmul(filled(right, 3, 64, 64)),
    convolution({ x: filled(left, 3, 20, 12, 25), w: filled(right, 40, 20, 3, 3) }),
  ]
}

const whole =
  (most: number, stream: number): Draw =>
  (at) =>
    Math.floor(uniformAt(3, stream, 0, at) * (2 * most + 1)) - most
const between =
  (stream: number): Draw =>
  (at) =>
    2 * uniformAt(3, stream, 0, at) - 1

for (const form of forms) {
  const { unit, precision: name, skip } = form

  test(`${name} on ${unit}: sums of whole numbers are exact`, { skip }, () => {
    // Numbers of nine bits are two numbers of bfloat16.
    const pairs: readonly [Draw, Draw][] =
      name === 'high'
        ? [
            [whole(400, 1), whole(8, 2)],
            [whole(8, 3), whole(400, 4)],
          ]
        : [[whole(8, 1), whole(8, 2)]]
    for (const [left, right] of pairs) {
      const tensors = manyProducts(left, right)
      const expected = runOn(jsDevice(), tensors)
      for (const [at, values] of computed(form, tensors).results.entries())
        assertSame(`product ${at}`, values, expected[at])
    }
  })

  test(`${name} on ${unit}: the same bits for any number of threads`, { skip }, () => {
    const tensors = manyProducts(between(5), between(6))
    setThreads(1)
    const one = computed(form, tensors).results
    for (const threads of [2, 3]) {
      setThreads(threads)
      assert.deepEqual(computed(form, tensors).results, one)
    }
  })
}

test('in tile registers, every thread sets them up, and instructions of AMX do the work', { skip: tilesSkip }, () => {
  const { source } = computed(forms[0], manyProducts(between(5), between(6)))
  const koffi = createRequire(import.meta.url)('koffi') as {
    load(path: string): { func(prototype: string): (which: number) => number }
  }
  const trapCount = koffi.load(compileC(withTiles(compiler!), source)).func('int trapCount(int which)')
  const [loads, stores, products] = [0, 1, 2].map(trapCount)
  assert.ok(products > 100 && loads >= products && stores > 0, `${loads} loads, ${stores} stores, ${products} products`)
})

/** Bounds of the error: of one product, relative to it; of a sum, relative to the sum of the products' sizes. */
const bounds: Readonly<Record<Precision, { readonly one: number; readonly sum: number }>> = {
  highest: { one: 2 ** -24, sum: 2 ** -22 },
  high: { one: 3 * 2 ** -16, sum: 2 ** -16 },
  medium: { one: 2 ** -7 + 2 ** -16, sum: 2 ** -8 },
}
const [m, k, n] = [96, 512, 96]

/** The largest error of products of random matrices: dense ones, and such that each sum is one product. */
function errorsOf(run: (tensors: readonly Tensor[]) => ArrayLike<number>[]): { one: number; sum: number } {
  const a = Float32Array.from({ length: m * k }, (_, at) => between(7)(at))
  const dense = Float32Array.from({ length: k * n }, (_, at) => between(8)(at))
  const single = dense.map((value, at) => (Math.floor(at / n) === (5 * (at % n)) % k ? value : 0))
  const error = (b: Float32Array): number => {
    const [found] = run([tensor(a, { shape: [m, k] }).matmul(tensor(b, { shape: [k, n] }))])
    let worst = 0
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0
        let size = 0
        for (let l = 0; l < k; l++) {
          const product = a[i * k + l] * b[l * n + j]
          sum += product
          size += Math.abs(product)
        }
        worst = Math.max(worst, Math.abs(found[i * n + j] - sum) / size)
      }
    }
    return worst
  }
  return { one: error(single), sum: error(dense) }
}

/** The largest error of a convolution by 3×3 windows and of its gradients, relative to the sums of their products' sizes. */
function convolutionError(run: (tensors: readonly Tensor[]) => ArrayLike<number>[]): number {
  const convolution = formula('z[n,k,i,j] = sum(c,u<3,v<3) x[n,c,i+u,j+v] * w[k,c,u,v]')
  const tensors = (sized: (value: number) => number): Tensor[] => {
    const draw = (stream: number) => (at: number) => sized(between(stream)(at))
    const x = filled(draw(12), 2, 32, 18, 18)
    const w = filled(draw(13), 32, 32, 3, 3)
    const dz = filled(draw(14), 2, 32, 16, 16)
    const z = convolution({ x, w })
    return [z, ...grad(z.mul(dz).sum(), [x, w])]
  }
  const found = run(tensors((value) => value))
  const exact = runOn(
    jsDevice(),
    tensors((value) => value),
  )
  const sizes = runOn(jsDevice(), tensors(Math.abs))
  let worst = 0
  for (const [at, values] of exact.entries()) {
    for (let i = 0; i < values.length; i++)
      worst = Math.max(worst, Math.abs(found[at][i] - values[i]) / Math.max(sizes[at][i], 1e-30))
  }
  return worst
}

const power = (error: number): string => `2^${Math.log2(error).toFixed(1)}`

test('highest: the error is that of f32', { skip: absence ?? false }, (t) => {
  const { one, sum } = errorsOf((tensors) => runOn(nativeDevice(), tensors))
  t.diagnostic(`highest: ${power(one)} of one product, ${power(sum)} of a sum of ${k}`)
  assert.ok(one <= bounds.highest.one && sum <= bounds.highest.sum)
})

for (const form of forms) {
  const { unit, precision: name, skip } = form
  test(`${name} on ${unit}: the error of a product and of a sum is within its bounds`, { skip }, (t) => {
    const { one, sum } = errorsOf((tensors) => computed(form, tensors).results)
    t.diagnostic(`${name} on ${unit}: ${power(one)} of one product, ${power(sum)} of a sum of ${k}`)
    assert.ok(one <= bounds[name].one, `one product: ${power(one)}`)
    assert.ok(sum <= bounds[name].sum, `a sum: ${power(sum)}`)
    // It would be f32 otherwise.
    assert.ok(one > bounds[name].one / 64, `one product: ${power(one)}`)
  })

  test(`${name} on ${unit}: so is that of a convolution by Winograd's transforms and of its gradients`, {
    skip,
  }, (t) => {
    const error = convolutionError((tensors) => computed(form, tensors).results)
    t.diagnostic(`${name} on ${unit}: ${power(error)} of a convolution`)
    assert.ok(error <= bounds[name].sum, power(error))
  })

  test(`${name} on ${unit}: infinities, NaN and the smallest numbers do as they should`, { skip }, () => {
    const most = 3.4028234663852886e38
    const least = 2 ** -130
    // Each row of a meets the column of b that is 1.1, but for the last two summands.
    const rows: readonly (readonly [values: readonly number[], expected: (found: number) => boolean])[] = [
      [[Infinity], (found) => found === Infinity],
      [[-Infinity, 5], (found) => found === -Infinity],
      [[Infinity, -Infinity], Number.isNaN],
      [[Number.NaN], Number.isNaN],
      [[most], (found) => found === Infinity],
      [[3e38 / 4], (found) => Math.abs(found / (3.3e38 / 4) - 1) < 2 ** -7],
      [[least, least], (found) => found === 0],
      [[2 ** -100, 2 ** -100], (found) => Math.abs(found / (2.2 * 2 ** -100) - 1) < 2 ** -7],
      [[1, -1], (found) => found === 0],
    ]
    const a = new Float32Array(m * k)
    for (const [i, [values]] of rows.entries()) a.set(values, i * k)
    // The last row: infinity times 0.
    a[(m - 1) * k + k - 1] = Infinity
    const b = new Float32Array(k * n).fill(1.1)
    b.fill(0, (k - 1) * n)
    const [found] = computed(form, [tensor(a, { shape: [m, k] }).matmul(tensor(b, { shape: [k, n] }))]).results
    for (const [i, [values, expected]] of rows.entries())
      for (let j = 0; j < n; j++) assert.ok(expected(found[i * n + j]), `${values} gives ${found[i * n + j]}`)
    assert.ok(found.subarray((m - 1) * n).every(Number.isNaN))
    assert.ok(found.subarray(rows.length * n, (m - 1) * n).every((value) => value === 0))
  })
}

test('what was compiled at one precision is not used at another', { skip: vectorsSkip }, async () => {
  setDevice('native')
  const numbers = Float32Array.from({ length: 320 * 320 }, (_, at) => between(9)(at))
  const step = compile((x: Tensor) => x.matmul(x))
  const results: (ArrayLike<number> & Iterable<number>)[][] = []
  for (const name of ['highest', 'medium', 'highest'] as const) {
    setPrecision(name)
    assert.deepEqual(precision(), { allowed: name, used: name })
    // Numbers that are known already are not computed again.
    const a = tensor(numbers, { shape: [320, 320] })
    results.push([await step(a).data(), await a.matmul(a).data()])
  }
  assert.equal(step.programs.length, 2)
  for (const at of [0, 1]) {
    assert.notDeepEqual(results[1][at], results[0][at])
    assert.deepEqual(results[2][at], results[0][at])
  }
})

test('a compiler that does not know the instructions is said not to, and f32 is used', {
  skip: vectorsSkip,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'einfold-bf16-'))
  const before = process.env.EINFOLD_CC
  try {
    const old = join(folder, 'old')
    writeFileSync(old, `#!/bin/sh\nexec "${compiler!.command}" "$@" -mno-avx512bf16\n`)
    chmodSync(old, 0o755)
    process.env.EINFOLD_CC = old
    const found = findCompiler()!
    const device = nativeDevice(found)
    assert.match(device.precision('medium').about, /^f32, and larger tiles .*does not know AVX512-BF16/)
    assert.equal(device.precision('medium').used, 'high')
    setPrecision('medium')
    const [product] = runOn(device, [tensor([[1.001]]).matmul(tensor([[3]]))])
    assert.equal(product[0], Math.fround(Math.fround(1.001) * 3))
  } finally {
    if (before === undefined) delete process.env.EINFOLD_CC
    else process.env.EINFOLD_CC = before
    rmSync(folder, { recursive: true, force: true })
  }
})

test('rounding without the instruction gives the same products', { skip: tilesSkip }, () => {
  const tensors = manyProducts(between(10), between(11))
  const tiles = withTiles(compiler!)
  const rounding = nativeDevice({ ...tiles, flags: [...tiles.flags, '-mno-avx512bf16'] })
  for (const { precision: name } of forms.slice(0, 2)) {
    setPrecision(name)
    assert.deepEqual(runOn(rounding, tensors), computed({ ...forms[0], precision: name }, tensors).results)
  }
})

test('where AMX multiplies wrongly it is not used', { skip: tilesSkip }, () => {
  const tiles = withTiles(compiler!)
  const wrong = { ...tiles, flags: [...tiles.flags, '-DTRAP_ERROR=1'] }
  const { used, about } = nativeDevice(wrong).precision('high')
  assert.equal(used, 'high')
  assert.match(about, /AMX gives wrong products/)
})

test('where the system does not give AMX to the process it is not used', { skip: tilesSkip }, () => {
  const { used, about } = nativeDevice({ ...compiler!, bf16: { avx512: 'none', amx: null } }).precision('medium')
  if (compiler!.bf16.amx === null) return
  assert.equal(used, 'high')
  assert.match(about, /does not let this process use AMX; none/)
})
