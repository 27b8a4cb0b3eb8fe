// What is compiled means what the graph says.
import { test } from 'node:test'
import { assertAgreement } from '../support/agreement.ts'

test('random programs in f64 give what the interpreter gives on the device js', () => assertAgreement('js', 'f64', 200))

test('random programs in f32 give what the interpreter gives on the device js', () => assertAgreement('js', 'f32', 60))
