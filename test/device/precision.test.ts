import assert from 'node:assert/strict'
import { test } from 'node:test'
import { precision, setDevice, setPrecision, tensor } from '../../src/index.ts'

test('less exact products may be allowed, and a device that computes in f32 all the same says so once', async ({
  mock,
}) => {
  const warn = mock.method(console, 'warn', () => undefined)
  setDevice('js')
  // Of new numbers each time: what is known already is not computed again.
  const expectProduct = async (x: number) => {
    const [product] = await tensor([[x]])
      .matmul(tensor([[3]]))
      .data()
    assert.equal(product, Math.fround(Math.fround(x) * 3))
  }
  await expectProduct(1.001)
  assert.deepEqual(precision(), { allowed: 'highest', used: 'highest' })
  assert.equal(warn.mock.callCount(), 0)
  setPrecision('high')
  assert.deepEqual(precision(), { allowed: 'high', used: 'highest' })
  assert.equal(warn.mock.callCount(), 0)
  await expectProduct(1.002)
  await expectProduct(1.003)
  assert.equal(warn.mock.callCount(), 1)
  assert.match(String(warn.mock.calls[0].arguments[0]), /precision high on the device js is f32: .*bfloat16/)
  setPrecision('highest')
  await expectProduct(1.004)
  assert.equal(warn.mock.callCount(), 1)
})

test('an unknown precision is refused', () => {
  assert.throws(() => setPrecision('low' as never), {
    name: 'DeviceError',
    code: 'bad-precision',
    message: /"low".*highest, high, medium/,
  })
})
