// Vectors narrower than this machine's own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsDevice } from '../../src/device/js/device.ts'
import { nativeAbsence } from '../../src/device/native/device.ts'
import { setThreads } from '../../src/index.ts'
import { assertDeviceAgreement } from '../support/agreement.ts'
import { manyForms } from '../support/manyForms.ts'
import { otherWidths } from '../support/otherWidths.ts'
import { assertSame, runOn } from '../support/runOn.ts'

const forms = manyForms()()
const tensors = Object.values(forms)

test('there are devices of other widths where there is a native device', { skip: nativeAbsence() ?? false }, () => {
  assert.ok(Object.keys(otherWidths()).length >= 2)
})

for (const [name, device] of Object.entries(otherWidths())) {
  test(`random programs in f32 give what the interpreter gives: ${name}`, () =>
    assertDeviceAgreement(device, 'f32', 2, { together: 12 }))

  test(`work of all kinds gives what the device js gives, by one thread and by two: ${name}`, () => {
    const expected = runOn(jsDevice(), tensors)
    setThreads(1)
    const alone = runOn(device, tensors)
    for (const [at, form] of Object.keys(forms).entries()) assertSame(form, alone[at], expected[at], 1e-4)
    setThreads(2)
    assert.deepEqual(runOn(device, tensors), alone)
  })
}
