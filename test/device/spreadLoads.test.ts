// Elements at strides and elements that repeat, at every type: vectors of them are put together by loads and shuffles.
import { test } from 'node:test'
import type { Device } from '../../src/device/device.ts'
import { jsDevice } from '../../src/device/js/device.ts'
import { nativeAbsence, nativeDevice } from '../../src/device/native/device.ts'
import type { Dtype } from '../../src/dtype.ts'
import { formula, grad, type Tensor, tensor } from '../../src/index.ts'
import { otherWidths } from '../support/otherWidths.ts'
import { assertSame, runOn, variants } from '../support/runOn.ts'

/** One program for all: bit for bit what the js device gives. */
function expectSame(device: Device, cases: Readonly<Record<string, Tensor>>): void {
  const tensors = Object.values(cases)
  const [actual, expected] = [runOn(device, tensors), runOn(jsDevice(), tensors)]
  for (const [at, name] of Object.keys(cases).entries()) assertSame(name, actual[at], expected[at])
}

const dtypes: readonly Dtype[] = ['f32', 'i32', 'u8', 'bool']

/** Strides and repeats in both directions, ending at the last element, beside starts that are no whole vectors. */
const texts = [
  'z[i<64] = x[2*i+1]',
  'z[i<66] = x[131-2*i]',
  'z[i<44] = x[3*i]',
  'z[i<132] = x[131-i]',
  'z[i<132] = x[i/2+66]',
  'z[i<90] = x[i/4]',
  'z[i<60] = x[(i+3)/2]',
  'z[i<75] = x[i%8]',
  'z[i<75] = x[i%3]',
  'z[i<60] = x[i/8*16+i%8]',
  'z[i<48] = x[16*(i/16)+15-i%16]',
  'z[i<50] = x[0] + x[i/2] * (i % 4)',
]

function spreadCases(): Record<string, Tensor> {
  const cases: Record<string, Tensor> = {}
  for (const dtype of dtypes) {
    const values = Array.from({ length: 132 }, (_, at) => (dtype === 'bool' ? (at * 7) % 3 === 0 : (at * 37) % 101))
    const x = tensor(values as number[], { dtype })
    for (const text of texts) cases[`${text} of ${dtype}`] = formula(text)({ x })
  }
  return cases
}

/** The pooled image, and the gradient of it times distinct numbers. */
function poolingCases(): Record<string, Tensor> {
  const cases: Record<string, Tensor> = {}
  for (const [rows, columns] of [
    [6, 6],
    [8, 8],
    [4, 32],
    [10, 72],
  ]) {
    const size = 3 * rows * columns
    const x = tensor(
      Float32Array.from({ length: size }, (_, at) => (at * 37) % 101),
      { shape: [3, rows, columns] },
    )
    const pooled = formula('z[n,i,j] = max(u<2,v<2) relu(x[n,2*i+u,2*j+v] - 40)')({ x })
    const scale = tensor(
      Float32Array.from({ length: pooled.size }, (_, at) => at + 1),
      { shape: pooled.shape },
    )
    cases[`${rows}×${columns}`] = pooled
    cases[`gradient of ${rows}×${columns}`] = grad(pooled.mul(scale).sum(), x)
  }
  return cases
}

const allDevices: Readonly<Record<string, Device>> = nativeAbsence()
  ? variants
  : { ...variants, native: nativeDevice(), ...otherWidths() }

for (const [name, device] of Object.entries(allDevices)) {
  test(`spread elements are read alike: ${name}`, () => expectSame(device, spreadCases()))

  test(`windows are pooled alike, and their gradients: ${name}`, () => expectSame(device, poolingCases()))
}
