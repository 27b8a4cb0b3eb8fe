import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from '../../src/formula/index.ts'
import { ones, zeros } from '../../src/graph/index.ts'
import '../../src/index.ts'
import { fansOf } from '../../src/nn/fans.ts'
import type { Initializer } from '../../src/nn/index.ts'
import {
  constant,
  conv2d,
  convTranspose2d,
  gainOf,
  init,
  kaimingNormal,
  kaimingUniform,
  layer,
  linear,
  parameter,
  xavierNormal,
  xavierUniform,
} from '../../src/nn/index.ts'
import { manualSeed } from '../../src/random/index.ts'

/** Of [40,50,5,5]: fanIn 1250, fanOut 1000. */
const numbersOf = (initializer: Initializer): Promise<ArrayLike<number>> =>
  parameter([40, 50, 5, 5], initializer, { dtype: 'f64' }).data()

function moments(values: ArrayLike<number>): { mean: number; std: number; largest: number } {
  let [sum, squares, largest] = [0, 0, 0]
  for (let i = 0; i < values.length; i++) {
    sum += values[i]
    squares += values[i] ** 2
    largest = Math.max(largest, Math.abs(values[i]))
  }
  const mean = sum / values.length
  return { mean, std: Math.sqrt(squares / values.length - mean ** 2), largest }
}

test("uniform initializers fill ±bound, with PyTorch's bounds", async () => {
  const expectBound = async (initializer: Initializer, bound: number): Promise<void> => {
    const { mean, std, largest } = moments(await numbersOf(initializer))
    assert(largest <= bound && largest > 0.999 * bound, `the bound ${bound}, and ${largest} found`)
    assert(Math.abs(mean) < 0.02 * bound && Math.abs(std - bound / Math.sqrt(3)) < 0.01 * bound)
  }
  await expectBound(init.uniform(-2, 2), 2)
  await expectBound(xavierUniform(), Math.sqrt(6 / 2250))
  await expectBound(xavierUniform({ gain: 2, fanIn: 3, fanOut: 1 }), 2 * Math.sqrt(6 / 4))
  await expectBound(kaimingUniform(), Math.sqrt(6 / 1250))
  await expectBound(kaimingUniform({ a: Math.sqrt(5) }), 1 / Math.sqrt(1250))
  await expectBound(kaimingUniform({ mode: 'fanOut', nonlinearity: 'linear' }), Math.sqrt(3 / 1000))
  await expectBound(kaimingUniform({ nonlinearity: 'tanh', fanIn: 27 }), (5 / 3) * Math.sqrt(3 / 27))
})

test("normal initializers have PyTorch's deviations", async () => {
  const expectStd = async (initializer: Initializer, expected: number, expectedMean = 0): Promise<void> => {
    const { mean, std } = moments(await numbersOf(initializer))
    assert(Math.abs(std - expected) < 0.02 * expected, `the deviation ${expected}, and ${std} found`)
    assert(Math.abs(mean - expectedMean) < 0.02 * expected)
  }
  await expectStd(init.normal(), 1)
  await expectStd(init.normal(3, 0.5), 0.5, 3)
  await expectStd(xavierNormal(), Math.sqrt(2 / 2250))
  await expectStd(kaimingNormal({ nonlinearity: 'relu' }), Math.sqrt(2 / 1250))
  // The deviation of a normal distribution cut off at two of its own.
  await expectStd(init.truncatedNormal(0, 0.1, -0.2, 0.2), 0.1 * 0.8796)
  const { largest } = moments(await numbersOf(init.truncatedNormal()))
  assert(largest <= 2)
  assert.throws(() => init.truncatedNormal(0, 1, 2, 1), { code: 'bad-bounds' })
})

test("gains are PyTorch's", () => {
  assert.equal(gainOf('linear'), 1)
  assert.equal(gainOf('relu'), Math.sqrt(2))
  assert.equal(gainOf('leakyRelu', 0.2), Math.sqrt(2 / 1.04))
  assert.equal(gainOf('selu'), 0.75)
})

test('constants, and the functions zeros and ones, fill', async () => {
  assert.deepEqual(await parameter([2], constant(3)).array(), [3, 3])
  assert.deepEqual(await parameter([2], zeros).array(), [0, 0])
  assert.deepEqual(await parameter([2], ones).array(), [1, 1])
  await assert.rejects(async () => parameter([2, 2], xavierUniform as never).data(), { code: 'bad-initializer' })
})

test('the same seed draws the same parameters, and each parameter has a stream of its own', async () => {
  const draw = async () => {
    manualSeed(11)
    const made = [linear(4, 4), linear(4, 4)].flatMap((net) => net.parameters())
    return Promise.all(made.map(async (one) => [...(await one.data())]))
  }
  const [first, second] = [await draw(), await draw()]
  assert.deepEqual(first, second)
  assert.notDeepEqual(first[0], first[2])
  // Numbers do not depend on which parameter is looked at first.
  manualSeed(11)
  const [, , weight] = [linear(4, 4), linear(4, 4)].flatMap((net) => net.parameters())
  assert.deepEqual([...(await weight.data())], first[2])
})

test('fans follow from the roles of the indices', () => {
  const expectFans = (text: string, shapes: Record<string, number[]>, expected: Record<string, [number, number]>) => {
    const numbers = new Map([['s', 2]])
    const found = fansOf(parse(text), { shapes: new Map(Object.entries(shapes)), numbers })
    const pairs = [...found].map(([name, { fanIn, fanOut }]) => [name, [fanIn, fanOut]])
    assert.deepEqual(Object.fromEntries(pairs), expected)
  }
  expectFans('z[b,i] = c[i] + sum(j) w[i,j] * x[b,j]', { w: [5, 3], c: [5] }, { w: [3, 5], c: [3, 5] })
  expectFans(
    'z[n,k,i,j] = t[k] + sum(c,u,v) x[n,c,s*i+u,s*j+v] * w[k,c,u,v]',
    { w: [16, 3, 5, 4], t: [16] },
    { w: [60, 320], t: [60, 320] },
  )
  expectFans('z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])', { w: [64] }, { w: [3, 3] })
  expectFans('z[b,p] = sum(q < 2*s) w?[p+q] * x?[b,p+q]', { w: [64] }, { w: [4, 4] })
  expectFans(
    'z[b,o,i,j] = t[o,i,j] + sum(c,u,v) x[b,c,i+u,j+v] * w[o,i,j,c,u,v]',
    { w: [8, 6, 6, 3, 5, 5] },
    { w: [75, 200] },
  )
  // How far j runs only the input would tell.
  expectFans('z[b] = sum(j) w[b] * x[b,j]', { w: [4] }, {})
})

test("a layer's formula tells its initializers the fans", async () => {
  const grid = layer('z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])', {
    w: parameter([5000], xavierUniform()),
    c: parameter([5000], kaimingUniform({ nonlinearity: 'linear' })),
  })
  const [w, c] = await Promise.all(grid.parameters().map(async (one) => moments(await one.data())))
  assert(w.largest <= 1 && w.largest > 0.995)
  assert(c.largest <= 1 && c.largest > 0.995)
  await assert.rejects(async () => parameter([5], xavierUniform(), { name: 'w' }).data(), {
    code: 'unknown-fans',
    message: /the parameter w of shape \[5\] has too few axes to tell.*xavierUniform\(\{ fanIn: 3, fanOut: 3 \}\)/,
  })
})

test("layers begin as PyTorch's: uniform in ±1/√fanIn, biases with the fan of the weight", async () => {
  const expectBound = async (net: { parameters(): { data(): Promise<ArrayLike<number>> }[] }, bound: number) => {
    for (const one of net.parameters()) {
      const { largest } = moments(await one.data())
      assert(largest <= bound && largest > 0.9 * bound, `the bound ${bound}, and ${largest} found`)
    }
  }
  await expectBound(linear(100, 50), 0.1)
  await expectBound(conv2d(8, 64, 5), 1 / Math.sqrt(200))
  await expectBound(conv2d(8, 64, 5, { groups: 4 }), 1 / Math.sqrt(50))
  await expectBound(conv2d(8, 64, 5, { layout: 'NHWC' }), 1 / Math.sqrt(200))
  // PyTorch takes the second axis of the weight, here the output channels.
  await expectBound(convTranspose2d(8, 64, 5), 1 / Math.sqrt(64 * 25))
})
