// Floats as integers: what lies beyond the bounds of i32, and NaN, is the same number on all devices.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsDevice } from '../../src/device/js/device.ts'
import { nativeAbsence, nativeDevice } from '../../src/device/native/device.ts'
import { tensor } from '../../src/index.ts'
import { otherWidths } from '../support/otherWidths.ts'
import { runOn, variants } from '../support/runOn.ts'

const native = nativeAbsence() === null ? { native: nativeDevice() } : {}
const devices = { js: jsDevice(), ...native, ...otherWidths(), ...variants }

const cases: readonly (readonly [number, number])[] = [
  [1.99, 1],
  [-1.99, -1],
  [-0, 0],
  [2147483520, 2147483520],
  [2147483648, 2147483647],
  [3e9, 2147483647],
  [Infinity, 2147483647],
  [-2147483648, -2147483648],
  [-2147483904, -2147483648],
  [-1e30, -2147483648],
  [-Infinity, -2147483648],
  [NaN, 0],
]

for (const [name, device] of Object.entries(devices)) {
  for (const dtype of ['f32', 'f64'] as const) {
    test(`${name} cuts ${dtype} to the nearest i32, and NaN to 0, in vectors and alone`, () => {
      // Every case in every lane of a vector.
      const turns = Array.from({ length: 61 }, (_, at) => cases[at % cases.length])
      const many = tensor(
        turns.map(([given]) => given),
        { dtype },
      )
      const alone = cases.map(([given]) => tensor([given], { dtype }).cast('i32'))
      const [inVectors, ...others] = runOn(device, [many.cast('i32'), ...alone])
      assert.deepEqual(
        inVectors,
        Int32Array.from(turns, ([, expected]) => expected),
      )
      assert.deepEqual(
        others.map(([found]) => found),
        cases.map(([, expected]) => expected),
      )
    })
  }
}
