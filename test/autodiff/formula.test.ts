import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import '../../src/runtime/evaluate.ts'
import { formula } from '../../src/autodiff/index.ts'
import { tensor } from '../../src/graph/creation.ts'

const W = tensor([
  [1, 2],
  [3, 4],
])

test('a formula computes a tensor from its operands', async () => {
  const dense = formula('z[i] = s * c[i] + sum(j) W[i,j] * x[j]')
  const z = dense({ s: 2, c: tensor([1, 1]), W, x: tensor([1, -1]) })
  assert.deepEqual(await z.array(), [1, 1])
  const rankZero = dense({ s: tensor(2), c: tensor([1, 1]), W, x: tensor([1, -1]) })
  assert.deepEqual(await rankZero.array(), [1, 1])
})

test('a formula tells its text, its operands and how it is written in papers', () => {
  const dense = formula('z[i]=c[i]+sum(j)W[i,j]*x[j]')
  assert.equal(dense.text, 'z[i]=c[i]+sum(j)W[i,j]*x[j]')
  assert.equal(String(dense), 'z[i] = c[i] + sum(j) W[i,j] * x[j]')
  assert.equal(inspect(dense), String(dense))
  assert.deepEqual(dense.operands, [
    { name: 'c', rank: 1 },
    { name: 'W', rank: 2 },
    { name: 'x', rank: 1 },
  ])
  assert.equal(dense.tree.statements[0].name, 'z')
  assert.match(dense.latex(), /\\sum_\{j\}/)
  assert.match(dense.mathml(), /^<math/)
  assert.match(dense.gradient('W').latex(), /dz/)
})

test('bounds and indices of indices are operands, local definitions are not', () => {
  const { operands } = formula('a[i<n] = x[idx[i]+o]\nz = sum(i) a[i] * s')
  assert.deepEqual(operands, [
    { name: 'n', rank: 0 },
    { name: 'x', rank: 1 },
    { name: 'idx', rank: 1 },
    { name: 'o', rank: 0 },
    { name: 's', rank: 0 },
  ])
})

test('a gradient takes the operands of its formula, and the gradient by the result', async () => {
  const f = formula('y[i] = x[i] * w[i]')
  const [x, w, dy] = [tensor([1, 2]), tensor([3, 4]), tensor([1, 10])]
  assert.deepEqual(await f.gradient('x')({ x, w, dy }).array(), [3, 40])
  assert.deepEqual(await f.gradient('x')({ w, dy }).array(), [3, 40])
  assert.deepEqual(f.gradient('x').operands, [
    { name: 'dy', rank: 1 },
    { name: 'w', rank: 1 },
    { name: 'x', rank: 1 },
  ])
})

test('what is no tensor is refused', () => {
  const f = formula('y[i] = x[i]' as string)
  assert.throws(() => f({ x: [1, 2] as never }), {
    code: 'not-a-tensor',
    message:
      'The operand x of y[i] = x[i] is an array; it must be a tensor, or a number for a constant. Make one with tensor(…).',
  })
  assert.throws(() => f({}), { name: 'FormulaError', code: 'missing-operand' })
})
