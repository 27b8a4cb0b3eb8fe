import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeviceName } from '../../src/device/device.ts'
import { formula, type Precision, precision, setDevice, setPrecision, tensor } from '../../src/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'

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

test('less exact convolutions in larger tiles are what a device makes of it that has no bfloat16', async ({ mock }) => {
  const warn = mock.method(console, 'warn', () => undefined)
  const numbers = (stream: number, ...shape: number[]) => {
    const length = shape.reduce((product, extent) => product * extent, 1)
    return tensor(
      Float32Array.from({ length }, (_, at) => uniformAt(3, stream, 0, at)),
      { shape },
    )
  }
  const convolved = async (device: DeviceName, precision: Precision) => {
    setDevice(device)
    setPrecision(precision)
    const operands = { x: numbers(1, 2, 24, 8, 8), w: numbers(2, 24, 24, 3, 3) }
    return formula('z[n,k,i<8,j<8] = sum(c,u,v) x?[n,c,i+u-1,j+v-1] * w[k,c,u,v]')(operands).data()
  }
  const exact = await convolved('js', 'highest')
  const small = await convolved('wasm', 'highest')
  const large = await convolved('wasm', 'high')
  assert.deepEqual(precision(), { allowed: 'high', used: 'high' })
  assert.equal(warn.mock.callCount(), 0)
  assert.notDeepEqual(large, small)
  for (const [at, wanted] of exact.entries()) {
    assert.ok(Math.abs(small[at] - wanted) <= 2 ** -20 * wanted, `element ${at}, highest`)
    assert.ok(Math.abs(large[at] - wanted) <= 2 ** -19 * wanted, `element ${at}, high`)
  }
  // Once more: the numbers are found again by what computed them.
  assert.deepEqual(await convolved('wasm', 'highest'), small)
})

test('an unknown precision is refused', () => {
  assert.throws(() => setPrecision('low' as never), {
    name: 'DeviceError',
    code: 'bad-precision',
    message: /"low".*highest, high, medium/,
  })
})
