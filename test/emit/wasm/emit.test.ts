import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileGraph } from '../../../src/compiler/compile.ts'
import type { Program } from '../../../src/compiler/ir.ts'
import { emitWasm } from '../../../src/emit/wasm/emit.ts'
import { programText } from '../../../src/emit/wasm/text.ts'
import { crossEntropy, formula, grad, type Tensor, tensor } from '../../../src/index.ts'
import { uniform } from '../../../src/random/index.ts'
import { wabtValidate } from './wabtModule.ts'

const ones = (shape: readonly number[], dtype: 'f32' | 'f64' | 'u8' = 'f32'): Tensor =>
  tensor(new Float64Array(shape.reduce((product, extent) => product * extent, 1)).fill(1), { shape: [...shape], dtype })

const programOf = (...tensors: readonly Tensor[]): Program =>
  compileGraph({ outputs: tensors.map(({ node }) => node), updates: [] }, { contractions: true }).program

const memories = {
  shared: { minimumPages: 16, maximumPages: 65536, shared: true },
  own: { minimumPages: 16, maximumPages: 65536, shared: false },
}

function network(): Program {
  const images = ones([4, 1, 12, 12], 'u8')
  const labels = tensor([1, 0, 2, 1], { dtype: 'i32' })
  const kernel = ones([3, 1, 5, 5])
  const weight = ones([3 * 64, 3])
  const conv = formula('z[n,k,i,j] = tanh(sum(c,u,v) x[n,c,i+u,j+v] / 255 * w[k,c,u,v])')
  const hidden = conv({ x: images, w: kernel })
  const loss = crossEntropy(hidden.reshape([4, -1]).matmul(weight), labels).mean()
  return programOf(loss, ...grad(loss, [kernel, weight]))
}

test('modules are valid for wabt too: with shared memory and without, fused and plain, floats, doubles and bytes', () => {
  const x = ones([9, 37])
  const programs = [
    network(),
    programOf(
      x
        .sin()
        .pow(x.atan2(x))
        .mod(0.7)
        .add(uniform([9, 37], { seed: 1 })),
      x.argmax(1),
      x.gt(1).any(),
    ),
    programOf(ones([50], 'f64').tanh().mod(3).pow(2.5).sigmoid().sum()),
    programOf(ones([40], 'u8').cast('f32').flip().cast('bool')),
  ]
  for (const program of programs) {
    for (const memory of Object.values(memories)) {
      for (const relaxedSimd of [true, false])
        wabtValidate(emitWasm(program, { memory, relaxedSimd, check: true }).bytes)
    }
  }
})

test('only programs with enough to do are for several threads', () => {
  const isShared = (tensor: Tensor): boolean =>
    emitWasm(programOf(tensor), { memory: memories.shared, relaxedSimd: true }).isShared
  assert.equal(isShared(ones([100]).exp()), false)
  assert.equal(isShared(ones([100_000]).exp()), true)
  assert.equal(isShared(ones([400, 400]).softmax(1)), true)
  assert.equal(isShared(ones([400, 400]).sum()), true)
  assert.equal(isShared(ones([40, 40]).sum()), false)
  assert.equal(isShared(ones([200, 200]).matmul(ones([200, 200]))), true)
})

test('functions of doubles, and no others, are imported', () => {
  const hostFunctions = (tensor: Tensor): readonly string[] =>
    emitWasm(programOf(tensor), { memory: memories.own, relaxedSimd: true }).hostFunctions
  assert.deepEqual(hostFunctions(ones([8]).exp().mod(2)), [])
  assert.deepEqual(hostFunctions(ones([8], 'f64').mul(2)), [])
  assert.deepEqual(hostFunctions(ones([8], 'f64').sigmoid().mod(2)), ['exp', 'mod'])
})

test('the text of a program shows its loops as they are run', () => {
  const text = programText(programOf(formula('y[i,j<8] = tanh(x?[i,j-1])')({ x: ones([20, 8]) })))
  assert.equal(
    text,
    `;; z[i<20,j<8] = tanh(x?[i,j-1])
kernel0:
  for parallel i0 = 0 … 19
    o0 = 8*i0
    for lanes i1 = 0 … 3
      y1[i1 + o0] = tanh((le(0, i1 - 1) ? d0[i1 + o0 - 1]))
    for lanes i1 = 4 … 7
      y1[i1 + o0] = tanh(d0[i1 + o0 - 1])`,
  )
})
