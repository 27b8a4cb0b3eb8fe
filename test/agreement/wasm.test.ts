import { test } from 'node:test'
import { assertAgreement } from '../support/agreement.ts'

test('random programs in f32 give what the interpreter gives on the device wasm', () =>
  assertAgreement('wasm', 'f32', 200))
