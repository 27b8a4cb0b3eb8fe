// Powers of special numbers are those of C99, IEEE 754 and PyTorch on all devices.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsDevice } from '../../src/device/js/device.ts'
import { nativeAbsence, nativeDevice } from '../../src/device/native/device.ts'
import { tensor } from '../../src/index.ts'
import { runOn, variants } from '../support/runOn.ts'

const native = nativeAbsence() === null ? { native: nativeDevice() } : {}

const cases: readonly (readonly [base: number, exponent: number, power: number])[] = [
  [1, NaN, 1],
  [1, Infinity, 1],
  [1, -Infinity, 1],
  [-1, Infinity, 1],
  [-1, -Infinity, 1],
  [-1, NaN, NaN],
  [0.5, Infinity, 0],
  [2, -Infinity, 0],
  [NaN, 0, 1],
  [NaN, 1, NaN],
  [0, -Infinity, Infinity],
  [-0, -1, -Infinity],
  [-2, 0.5, NaN],
  [-2, 3, -8],
]

for (const [name, device] of Object.entries({ js: jsDevice(), ...native, ...variants })) {
  for (const dtype of ['f32', 'f64'] as const) {
    test(`${name} has the powers of C99 in ${dtype}`, () => {
      const [bases, exponents, powers] = [0, 1, 2].map((part) => cases.map((one) => one[part]))
      const [found] = runOn(device, [tensor(bases, { dtype }).pow(tensor(exponents, { dtype }))])
      assert.deepEqual([...found], powers)
    })
  }
}
