import { test } from 'node:test'
import { wasmDevice } from '../../src/device/wasm/device.ts'
import { assertAgreement, assertDeviceAgreement } from '../support/agreement.ts'

test('random programs in f32 give what the interpreter gives on the device wasm, the same bits with one and with two threads', () =>
  assertAgreement('wasm', 'f32', 200, { threads: [1, 2] }))

test('so they do without fused multiply-adds', () =>
  assertDeviceAgreement(wasmDevice({ relaxedSimd: false, threads: () => 1 }), 'f32', 200))
