import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dtype } from '../../src/dtype.ts'
import { parseExpression } from '../../src/formula/parse.ts'
import { dtypeOf } from '../../src/graph/typing.ts'

const dtypes: Readonly<Record<string, Dtype>> = { f: 'f32', d: 'f64', n: 'i32', u: 'u8', b: 'bool' }
const operandDtype = (operand: string): Dtype => dtypes[operand]

/** f, d, n, u, b are tensors of f32, f64, i32, u8, bool. */
function expectDtype(text: string, dtype: Dtype): void {
  assert.equal(
    dtypeOf(parseExpression(text), operandDtype, (name) => name === 'i'),
    dtype,
    text,
  )
}

test('literals and indices are whole numbers or f32, and adopt the float type of their partner', () => {
  expectDtype('1', 'i32')
  expectDtype('0.5', 'f32')
  expectDtype('3000000000', 'f32')
  expectDtype('inf', 'f32')
  expectDtype('i', 'i32')
  expectDtype('d', 'f64')
  expectDtype('f[i] * 2', 'f32')
  expectDtype('d[i] * 0.5', 'f64')
  expectDtype('n[i] * 0.5', 'f32')
  expectDtype('i + n[i]', 'i32')
})

test('arithmetic promotes, and small integers become i32', () => {
  expectDtype('u[i]', 'u8')
  expectDtype('-u[i]', 'i32')
  expectDtype('u[i] + u[i]', 'i32')
  expectDtype('b[i] * b[i]', 'i32')
  expectDtype('f[i] - d[i]', 'f64')
  expectDtype('n[i] % 3', 'i32')
  expectDtype('abs(u[i])', 'i32')
  expectDtype('sign(f[i])', 'f32')
  expectDtype('n[i] / 2', 'f32')
  expectDtype('n[i] / d[i]', 'f64')
  expectDtype('n[i] ^ 2', 'f32')
})

test('functions give floats', () => {
  for (const fn of ['exp', 'log', 'sqrt', 'tanh', 'erf', 'floor', 'round']) {
    expectDtype(`${fn}(n[i])`, 'f32')
    expectDtype(`${fn}(f[i])`, 'f32')
    expectDtype(`${fn}(d[i])`, 'f64')
  }
  expectDtype('pow(n[i], 2)', 'f32')
  expectDtype('atan2(f[i], d[i])', 'f64')
  expectDtype('uniform(1, 2, 3, i)', 'f32')
  expectDtype('stopGradient(d[i])', 'f64')
})

test('choices have the dtype of what is chosen; bytes stay bytes', () => {
  expectDtype('where(b[i], f[i], 0)', 'f32')
  expectDtype('where(b[i], u[i], 255)', 'u8')
  expectDtype('where(b[i], u[i], 256)', 'i32')
  expectDtype('where(b[i], u[i], -1)', 'i32')
  expectDtype('where(b[i], 1, 0)', 'i32')
  expectDtype('where(b[i], b[i], b[i])', 'bool')
  expectDtype('max(u[i], 7)', 'u8')
  expectDtype('max(u[i], n[i])', 'i32')
  expectDtype('min(b[i], b[i])', 'i32')
  expectDtype('clamp(u[i], 0, 9)', 'u8')
  expectDtype('relu(n[i])', 'i32')
})

test('conditions are bool', () => {
  for (const text of ['f[i] < 1', 'i == 2', 'b[i] and n[i] > 0', 'not u[i]', 'f[i] != d[i] or b[i]'])
    expectDtype(text, 'bool')
})

test('reductions add up whole numbers in i32', () => {
  expectDtype('sum(j) u[j]', 'i32')
  expectDtype('prod(j) b[j]', 'i32')
  expectDtype('sum(j) j', 'i32')
  expectDtype('sum(j) d[j] * j', 'f64')
  expectDtype('mean(j) n[j]', 'f32')
  expectDtype('mean(j) d[j]', 'f64')
  expectDtype('max(j) u[j]', 'u8')
  expectDtype('min(j) b[j]', 'i32')
  expectDtype('any(j) b[j]', 'bool')
  expectDtype('all(j) f[j]', 'bool')
  expectDtype('argmax(j) d[j]', 'i32')
  expectDtype('argmin(j) f[j]', 'i32')
})
