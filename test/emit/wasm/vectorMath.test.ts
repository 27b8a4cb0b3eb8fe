import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wasmFeatures } from '../../../src/device/wasm/features.ts'
import { binaryPrograms, unaryPrograms } from '../../../src/emit/math/functions.ts'
import { referenceMath } from '../../../src/emit/math/reference.ts'
import type { VectorMath } from '../../../src/emit/math/vectorMath.ts'
import { wasmModule } from '../../../src/emit/wasm/encoder.ts'
import type { Lanes } from '../../../src/emit/wasm/vectorMath.ts'
import { wasmMath } from '../../../src/emit/wasm/vectorMath.ts'
import { sampleFloats, samplePairs } from '../math/samples.ts'

type Program = <F, I, M>(b: VectorMath<F, I, M>, x: F, y: F) => F

/** Runs a program over whole arrays, four lanes at a time; the inputs' length is made a multiple of four. */
function runProgram(program: Program, relaxed: boolean, first: Float32Array, second: Float32Array): Float32Array {
  const bytes = Math.ceil(first.length / 4) * 16
  const m = wasmModule({ check: true })
  const memory = m.memory({ minimumPages: Math.ceil((3 * bytes) / 65536) })
  const f = m.func('run', { params: ['i32'] })
  const [end] = f.params
  const [at, x, y] = [f.local('i32'), f.local('v128'), f.local('v128')]
  f.loop((next) => {
    f.get(at).memory('v128.load').set(x)
    f.get(at).memory('v128.load', bytes).set(y)
    const result = program<Lanes, Lanes, Lanes>(wasmMath(f, { relaxed }), x, y)
    f.get(at)
    if ('constant' in result) f.v128Const(result.constant)
    else f.get(result)
    f.memory('v128.store', 2 * bytes)
    f.get(at).i32Const(16).op('i32.add').tee(at).get(end).op('i32.lt_u').brIf(next)
  })
  m.export('run', f)
  m.export('memory', memory)
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(m.encode()))
  const { buffer } = exports.memory as WebAssembly.Memory
  new Float32Array(buffer).set(first)
  new Float32Array(buffer, bytes).set(second)
  ;(exports.run as (end: number) => void)(bytes)
  return new Float32Array(buffer, 2 * bytes, first.length)
}

function expectBits(program: Program, relaxed: boolean, first: Float32Array, second: Float32Array): void {
  const math = referenceMath({ fused: relaxed })
  const found = runProgram(program, relaxed, first, second)
  for (const [i, value] of found.entries()) {
    const expected = program(math, first[i], second[i])
    if (!Object.is(value, expected)) assert.equal(value, expected, `at (${first[i]}, ${second[i]})`)
  }
}

const floats = sampleFloats(100_003, [0.55, 88.7, -103.9, 6_400, 100_000, Math.PI / 2])
const pairs = samplePairs(8_000)

for (const relaxed of [false, true]) {
  const form = relaxed ? 'relaxed SIMD' : 'plain SIMD'
  const skip = relaxed && !wasmFeatures().relaxedSimd ? 'no fused relaxed SIMD here' : false

  for (const [name, program] of Object.entries(unaryPrograms)) {
    test(`${name} in ${form} has the bits of the reference`, { skip }, () => {
      expectBits((b, x) => program(b, x), relaxed, floats, floats)
    })
  }

  for (const [name, program] of Object.entries(binaryPrograms)) {
    test(`${name} in ${form} has the bits of the reference`, { skip }, () => {
      expectBits(program, relaxed, pairs.first, pairs.second)
    })
  }
}
