import assert from 'node:assert/strict'
import { test } from 'node:test'
import { precision, setDevice, setPrecision, tensor } from '../../src/index.ts'

test('less exact products may be allowed, and a device that computes in f32 all the same says so once', async ({
  mock,
}) => {
  const warn = mock.method(console, 'warn', () => undefined)
  setDevice('js')
  // Of new tensors each time: numbers that are known already are not computed again.
  const product = () =>
    tensor([[1.001]])
      .matmul(tensor([[3]]))
      .data()
  const exact = await product()
  assert.deepEqual(precision(), { allowed: 'highest', used: 'highest' })
  assert.equal(warn.mock.callCount(), 0)
  setPrecision('high')
  assert.deepEqual(precision(), { allowed: 'high', used: 'highest' })
  assert.equal(warn.mock.callCount(), 0)
  assert.deepEqual(await product(), exact)
  assert.deepEqual(await product(), exact)
  assert.equal(warn.mock.callCount(), 1)
  assert.match(String(warn.mock.calls[0].arguments[0]), /precision high on the device js is f32: .*bfloat16/)
  setPrecision('highest')
  assert.deepEqual(await product(), exact)
  assert.equal(warn.mock.callCount(), 1)
})

test('an unknown precision is refused', () => {
  assert.throws(() => setPrecision('low' as never), {
    name: 'DeviceError',
    code: 'bad-precision',
    message: /"low".*highest, high, medium/,
  })
})
