// The shared polynomials as C, in vectors of every width, with the compiler and instructions of this machine.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { compileC } from '../../../src/device/native/compile.ts'
import { type CCompiler, findCompiler } from '../../../src/device/native/compiler.ts'
import { nativeAbsence } from '../../../src/device/native/device.ts'
import { type MathForm, type MathName, mathFunction } from '../../../src/emit/c/math.ts'
import { header, vectorTypes } from '../../../src/emit/c/preamble.ts'
import {
  type BinaryProgramName,
  binaryPrograms,
  type UnaryProgramName,
  unaryPrograms,
} from '../../../src/emit/math/functions.ts'
import { referenceMath } from '../../../src/emit/math/reference.ts'
import { sampleFloats, samplePairs } from '../math/samples.ts'
import { trueBinary, trueUnary, ulpError } from '../math/trueValues.ts'

const skip = nativeAbsence() ?? false

const names = [...Object.keys(unaryPrograms), ...Object.keys(binaryPrograms)] as MathName[]
const widths = [1, 4, 8, 16]

/** void exp_over_16(x, y, out, n) for each function and width; n is a multiple of 16. */
const source = (form: MathForm): string => {
  const loops = names.flatMap((name) =>
    widths.map((w) => {
      const load = (pointer: string) => (w === 1 ? `${pointer}[i]` : `loadf_${w}(${pointer} + i)`)
      const args = name in binaryPrograms ? `${load('x')}, ${load('y')}` : load('x')
      const store = w === 1 ? `out[i] = ${name}_1(${args});` : `storef_${w}(out + i, ${name}_${w}(${args}));`
      return `void ${name}_over_${w}(const float *x, const float *y, float *out, int n) {
  for (int i = 0; i < n; i += ${w}) ${store}
}`
    }),
  )
  const functions = names.flatMap((name) => widths.map((w) => mathFunction(name, w, { ...form, widest: false })))
  return [header, ...widths.map(vectorTypes), ...functions, ...loops].join('\n')
}

type OverArrays = (x: Float32Array, y: Float32Array, out: Float32Array, n: number) => void
interface Library {
  func(prototype: string): OverArrays
}

/** Less optimised: it is the text that is tested, and it is long. */
const loaded = (compiler: CCompiler, form: MathForm): Library => {
  const flags = compiler.flags.map((flag) => (flag === '-O2' ? '-O1' : flag))
  const koffi = createRequire(import.meta.url)('koffi') as { load(path: string): Library }
  return koffi.load(compileC({ ...compiler, flags }, source(form)))
}

const padded = (values: Float32Array): Float32Array => {
  const all = new Float32Array(Math.ceil(values.length / 16) * 16)
  all.set(values)
  return all
}
const floats = padded(sampleFloats(1_000_003, [0.55, 88.7, -103.9, 6_400, 100_000, Math.PI / 2]))
const pairs = samplePairs(4_000)
const [first, second] = [padded(pairs.first), padded(pairs.second)]

function valuesOf(library: Library, name: MathName, width: number): Float32Array {
  const [x, y] = name in binaryPrograms ? [first, second] : [floats, floats]
  const out = new Float32Array(x.length)
  library.func(`void ${name}_over_${width}(float *x, float *y, _Out_ float *out, int n)`)(x, y, out, x.length)
  return out
}

function expectBits(compiler: CCompiler, form: MathForm): void {
  const library = loaded(compiler, form)
  const math = referenceMath(form)
  for (const name of names) {
    for (const width of widths) {
      for (const [at, value] of valuesOf(library, name, width).entries()) {
        const expected =
          name in binaryPrograms
            ? binaryPrograms[name as BinaryProgramName](math, first[at], second[at])
            : unaryPrograms[name as UnaryProgramName](math, floats[at])
        if (!Object.is(value, expected)) assert.equal(value, expected, `${name}_${width}, argument ${at}`)
      }
    }
  }
}

test('functions have the bits of the reference at every width', { skip }, () => {
  const compiler = findCompiler()!
  expectBits(compiler, { fused: compiler.fused, scales: true })
})

test('without powers of two by one instruction, too', { skip }, () => {
  const compiler = findCompiler()!
  expectBits(compiler, { fused: compiler.fused, scales: false })
})

test('the form for machines without fused multiply-adds has the bits of its reference there', { skip }, () => {
  const compiler = findCompiler()!
  const flags = compiler.flags.filter((flag) => !/^-m(arch|cpu)=/.test(flag))
  expectBits({ ...compiler, flags }, { fused: false, scales: false })
})

test('the same form is within 2 ulp where there are fused multiply-adds after all', { skip }, () => {
  const library = loaded(findCompiler()!, { fused: false, scales: false })
  for (const name of names) {
    for (const [at, value] of valuesOf(library, name, 16).entries()) {
      const truth =
        name in binaryPrograms
          ? trueBinary[name as BinaryProgramName](first[at], second[at])
          : trueUnary[name as UnaryProgramName](floats[at])
      const error = ulpError(value, truth)
      assert.ok(error <= 2, `${name}: ${error} ulp, argument ${at}`)
    }
  }
})
