import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parameterNode } from '../../src/graph/build.ts'
import { scalar, tensor, zeros } from '../../src/graph/creation.ts'
import { setEvaluator } from '../../src/graph/evaluator.ts'
import type { Node, ParameterCell } from '../../src/graph/node.ts'
import { Parameter } from '../../src/graph/parameter.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import { interpret } from '../support/interpret.ts'
import { expectShapeError } from './expectTensor.ts'

const assigned: [cell: ParameterCell, value: Node][] = []
setEvaluator({
  evaluate: async (nodes) => nodes.map((node) => interpret(node)),
  realize: (nodes) => nodes,
  assign: (cell, value) => void assigned.push([cell, value]),
  release: () => {},
})

test('data, array and item read the numbers', async () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ])
  assert.deepEqual(Array.from(await x.T.data()), [1, 3, 2, 4])
  const rows: number[][] = await x.T.array()
  assert.deepEqual(rows, [
    [1, 3],
    [2, 4],
  ])
  assert.equal(await x.sum().item(), 10)
  assert.equal(await tensor([[7]]).item(), 7)
  await assert.rejects(x.item(), { code: 'not-one-element' })
})

test('shape, rank, size and dtype are known before anything is computed', () => {
  const x = zeros([2, 3]).add(1)
  assert.deepEqual([x.shape, x.rank, x.size, x.dtype], [[2, 3], 2, 6, 'f32'])
})

test('assign hands the parameter the value in its own dtype, and refuses another shape', () => {
  const weight = new Parameter(parameterNode('weight', new Float32Array(2), [2], 'f32'))
  weight.assign(tensor([1, 2], { dtype: 'i32' }))
  const [cell, value] = assigned[assigned.length - 1]
  assert.equal(cell.name, 'weight')
  assert.equal(value.dtype, 'f32')
  expectShapeError(() => weight.assign(zeros([3])), 'shape-mismatch', 'weight', '[2]', '[3]')
})

test('ranks are types where they are easily known', () => {
  const matrix: Tensor<2> = tensor([[1], [2]])
  const sum: Tensor<2> = matrix.add(1).mul(scalar(2)).add(matrix).tanh()
  const cube: Tensor<3> = sum.reshape([1, 1, 2])
  const any: Tensor = cube
  const rank: 3 = cube.rank
  // @ts-expect-error a matrix is no cube
  const wrong: Tensor<3> = matrix
  assert.deepEqual([any.rank, rank, wrong.rank], [3, 3, 2])
})
