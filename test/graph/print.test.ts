import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { parameterNode } from '../../src/graph/build.ts'
import { arange, fromArray, tensor, zeros } from '../../src/graph/creation.ts'
import { Parameter } from '../../src/graph/parameter.ts'
import { numbersText } from '../../src/graph/print.ts'

const expectText = (values: number[], shape: number[], text: string, dtype: 'f32' | 'i32' | 'bool' = 'f32') =>
  assert.equal(numbersText(values, { shape, dtype }), text)

test('numbers are laid out in columns of one width', () => {
  expectText([5], [], '5')
  expectText([1, -20, 3], [3], '[  1, -20,   3]', 'i32')
  expectText([1, 2, 3, 4], [2, 2], '[[1, 2],\n [3, 4]]')
  expectText([1, 2, 3, 4], [2, 1, 2], '[[[1, 2]],\n\n [[3, 4]]]')
  expectText([], [0], '[]')
  expectText([1, 0], [2], '[ true, false]', 'bool')
})

test('floats show the digits they need, up to four', () => {
  expectText([1, 0.5, 0.25], [3], '[1.00, 0.50, 0.25]')
  expectText([Math.PI, 100], [2], '[  3.1416, 100.0000]')
  expectText([1, Number.NaN, Number.NEGATIVE_INFINITY], [3], '[   1,  nan, -inf]')
  expectText([1e-6, 1], [2], '[1.0000e-6, 1.0000e+0]')
})

test('large tensors show the ends of their long axes', () => {
  const values = Array.from({ length: 1001 }, (_, at) => at)
  expectText(values, [1001], '[   0,    1,    2, …,  998,  999, 1000]', 'i32')
  const lines = numbersText(new Float32Array(5000), { shape: [1000, 5], dtype: 'f32' }).split('\n')
  assert.deepEqual(lines, [
    '[[0, 0, 0, 0, 0],',
    ' [0, 0, 0, 0, 0],',
    ' [0, 0, 0, 0, 0],',
    ' …,',
    ...Array(2).fill(' [0, 0, 0, 0, 0],'),
    ' [0, 0, 0, 0, 0]]',
  ])
})

test('a tensor prints its dtype, its shape, and its numbers where they are at hand', () => {
  assert.equal(String(tensor([[1, 2]])), 'Tensor f32 [1, 2]\n[[1, 2]]')
  assert.equal(String(tensor(2.5)), 'Tensor f32 []: 2.5')
  assert.equal(inspect(tensor([true])), 'Tensor bool [1]\n[true]')
  assert.equal(String(fromArray(new Uint8Array(4), [4]).reshape([2, 2])), 'Tensor u8 [2, 2]\n[[0, 0],\n [0, 0]]')
  const weight = new Parameter(parameterNode('weight', new Float32Array([1, 2]), [2], 'f32'))
  assert.equal(String(weight), 'Parameter weight f32 [2]\n[1, 2]')
})

test('a tensor that is not computed prints its formula', () => {
  assert.equal(String(arange(4)), 'Tensor i32 [4]: z[i<4] = i')
  const sum = tensor([[1], [2]])
    .add(zeros([2, 3]))
    .sum(1)
  assert.match(String(sum), /^Tensor f32 \[2\]: z\[i<2\] = sum\(j<3\) x\[i,j\]$/)
})
