import assert from 'node:assert/strict'
import { test } from 'node:test'
import { precision, setPrecision } from '../../src/index.ts'

test('less exact products may be allowed, and one warning says that f32 is used all the same', ({ mock }) => {
  const warn = mock.method(console, 'warn', () => undefined)
  assert.deepEqual(precision(), { allowed: 'highest', used: 'highest' })
  setPrecision('highest')
  assert.equal(warn.mock.callCount(), 0)
  setPrecision('high')
  assert.deepEqual(precision(), { allowed: 'high', used: 'highest' })
  setPrecision('medium')
  assert.deepEqual(precision(), { allowed: 'medium', used: 'highest' })
  assert.equal(warn.mock.callCount(), 1)
  assert.match(String(warn.mock.calls[0].arguments[0]), /precision high .*f32/)
  setPrecision('highest')
})

test('an unknown precision is refused', () => {
  assert.throws(() => setPrecision('low' as never), {
    name: 'DeviceError',
    code: 'bad-precision',
    message: /"low".*highest, high, medium/,
  })
})
