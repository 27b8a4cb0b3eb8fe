// Rows that do not fill vectors: all of a row is computed, and nothing beside it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Buffer, Program, Statement, Value } from '../../src/compiler/ir.ts'
import { jsDevice } from '../../src/device/js/device.ts'
import { nativeAbsence, nativeDevice } from '../../src/device/native/device.ts'
import { indexOf } from '../../src/index/index.ts'
import { formula, type Tensor, tensor } from '../../src/index.ts'
import { assertSame, runOn } from '../support/runOn.ts'

const skip = nativeAbsence() ?? false

/** `y[i] = 3 x[i] + 1` for the first `count` of `length` elements. */
function firstOf(length: number, count: number): Program {
  const buffer = (name: string): [string, Buffer] => [name, { name, dtype: 'f32', length, place: { kind: 'external' } }]
  const load: Value = { kind: 'load', type: 'f32', buffer: 'x0', offset: indexOf('i0'), guard: null }
  const number = (value: number): Value => ({ kind: 'constant', type: 'f32', value })
  const three: Value = { kind: 'operation', type: 'f32', op: 'mul', args: [number(3), load] }
  const value: Value = { kind: 'operation', type: 'f32', op: 'add', args: [three, number(1)] }
  const store: Statement = { kind: 'store', buffer: 'y1', offset: indexOf('i0'), value, add: false }
  const loop: Statement = { kind: 'loop', index: 'i0', start: 0, extent: count, mode: 'lanes', body: [store] }
  return {
    buffers: new Map([buffer('x0'), buffer('y1')]),
    external: ['x0', 'y1'],
    kernels: [{ name: 'first', formulas: [], reads: ['x0'], writes: ['y1'], body: [loop] }],
    arenaBytes: 0,
    unsharedBytes: 0,
  }
}

test('the end of a loop leaves alone what comes after it', { skip }, () => {
  const device = nativeDevice()
  for (const count of [2, 3, 5, 7, 10, 12, 15, 18, 26, 31]) {
    const [x, y] = [device.allocate('f32', 40), device.allocate('f32', 40)]
    device.write(
      x,
      Float32Array.from({ length: 40 }, (_, at) => at),
    )
    device.write(y, new Float32Array(40).fill(-1))
    device.load(firstOf(40, count)).run([x, y])
    const expected = Float32Array.from({ length: 40 }, (_, at) => (at < count ? 3 * at + 1 : -1))
    assert.deepEqual(device.read(y), expected, `${count} of 40`)
  }
})

test('rows of any length, their sums, products and extremes are what the js device gives', { skip }, () => {
  const cases: Record<string, Tensor> = {}
  for (const length of [1, 2, 3, 5, 7, 9, 10, 13, 15, 16, 17, 23, 26, 30]) {
    const x = tensor(
      Float32Array.from({ length: 3 * length }, (_, at) => ((at * 37) % 19) - 9),
      { shape: [3, length] },
    )
    const y = tensor(Float32Array.from({ length }, (_, at) => (at % 5) - 2))
    for (const text of [
      'z[i,j] = 2 * x[i,j] + y[j]',
      'z[i] = sum(j) x[i,j] * y[j]',
      'z[i] = max(j) (x[i,j] - y[j])',
      'z[i] = min(j) (x[i,j] + y[j])',
      'z[i] = prod(j) where(x[i,j] > y[j] + 5, 2, -1)',
      'z[j] = sum(i) x[i,j] * (y[j] + i)',
      'z[i,k<2] = sum(j) x[i,j] * (y[j] + k)',
    ])
      cases[`${text} of ${length}`] = formula(text)({ x, y })
  }
  const tensors = Object.values(cases)
  const [actual, expected] = [runOn(nativeDevice(), tensors), runOn(jsDevice(), tensors)]
  for (const [at, name] of Object.keys(cases).entries()) assertSame(name, actual[at], expected[at])
})
