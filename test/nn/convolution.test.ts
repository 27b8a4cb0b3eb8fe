import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { zeros } from '../../src/graph/index.ts'
import type { Layer, Layout } from '../../src/nn/index.ts'
import {
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  locallyConnected,
} from '../../src/nn/index.ts'
import { expectClose, expectGradients, random } from './expect.ts'
import type { Block } from './reference.ts'
import { block, blockOf, channelsFirst, convolution, element, sumOver, transposedConvolution } from './reference.ts'

const convolutions = [conv1d, conv2d, conv3d]
const transposed = [convTranspose1d, convTranspose2d, convTranspose3d]

/** Options of a convolution over one to three axes, and an input it accepts. */
const cases = fc
  .record({ rank: fc.integer({ min: 1, max: 3 }), groups: fc.integer({ min: 1, max: 2 }), bias: fc.boolean() })
  .chain(({ rank, groups, bias }) => {
    const axis = (min: number, max: number) =>
      fc.array(fc.integer({ min, max }), { minLength: rank, maxLength: rank }) as fc.Arbitrary<number[]>
    return fc.record({
      rank: fc.constant(rank),
      groups: fc.constant(groups),
      bias: fc.constant(bias),
      inChannels: fc.constantFrom(groups, 2 * groups),
      outChannels: fc.constantFrom(groups, 2 * groups, 3 * groups),
      layout: fc.constantFrom<Layout>('NCHW', 'NHWC'),
      kernel: axis(1, 4 - Math.min(rank, 2)),
      stride: axis(1, 4),
      dilation: axis(1, rank === 3 ? 2 : 4),
      padding: axis(0, 2),
      extra: axis(0, rank === 3 ? 1 : 4),
      behind: axis(0, 3),
    })
  })

const sizeFor = (layout: Layout, channels: number, spatial: readonly number[]): number[] =>
  layout === 'NCHW' ? [2, channels, ...spatial] : [2, ...spatial, channels]

const firstOf = (layout: Layout, x: Block): Block => (layout === 'NCHW' ? x : channelsFirst(x))

async function weightsOf(layer: Layer): Promise<{ weight: Block; bias: Block | null }> {
  const [weight, bias] = await Promise.all(layer.parameters().map(blockOf))
  return { weight, bias: bias ?? null }
}

test('a convolution of any rank, stride, padding, dilation, groups and layout is that of the loops, and so are its gradients', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (options) => {
      const { rank, inChannels, outChannels, kernel, layout, padding, dilation, extra } = options
      const layer = convolutions[rank - 1](inChannels, outChannels, kernel, { ...options, dtype: 'f64' })
      const spatial = kernel.map((size, axis) =>
        Math.max(1, dilation[axis] * (size - 1) + 1 + extra[axis] - 2 * padding[axis]),
      )
      const x = random(sizeFor(layout, inChannels, spatial))
      const { weight, bias } = await weightsOf(layer)
      const z = convolution(firstOf(layout, await blockOf(x)), firstOf(layout, weight), bias, {
        ...options,
        padding: padding.map((width) => [width, width] as const),
      })
      const found = layout === 'NCHW' ? layer(x) : layer(x).permute(0, rank + 1, ...kernel.map((_, axis) => axis + 1))
      await expectClose(found, z)
      await expectGradients(layer, x)
    }),
    { numRuns: 16 },
  )
})

test('a transposed convolution of any rank, stride, padding, dilation, groups and layout is that of the loops, and so are its gradients', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (options) => {
      const { rank, inChannels, outChannels, kernel, layout, stride, dilation, extra } = options
      const outputPadding = options.behind.map((width, axis) => width % Math.max(stride[axis], dilation[axis]))
      const padding = options.padding.map((width, axis) => Math.min(width, dilation[axis] * (kernel[axis] - 1)))
      const spatial = kernel.map((_, axis) => 2 + Math.floor(extra[axis] / 2))
      const sizes = spatial.map(
        (extent, axis) => (extent - 1) * stride[axis] - 2 * padding[axis] + dilation[axis] * (kernel[axis] - 1),
      )
      fc.pre(sizes.every((size) => size >= 0))
      const all = { ...options, padding, outputPadding, dtype: 'f64' as const }
      const layer = transposed[rank - 1](inChannels, outChannels, kernel, all)
      const x = random(sizeFor(layout, inChannels, spatial))
      const { weight, bias } = await weightsOf(layer)
      const z = transposedConvolution(firstOf(layout, await blockOf(x)), firstOf(layout, weight), bias, {
        ...all,
        padding: padding.map((width) => [width, width] as const),
      })
      const found = layout === 'NCHW' ? layer(x) : layer(x).permute(0, rank + 1, ...kernel.map((_, axis) => axis + 1))
      await expectClose(found, z)
      await expectGradients(layer, x)
    }),
    { numRuns: 16 },
  )
})

test("padding 'same' keeps the size, with the odd element behind", async () => {
  for (const [kernel, dilation] of [
    [3, 1],
    [4, 1],
    [2, 3],
    [5, 2],
  ]) {
    const layer = conv1d(1, 2, kernel, { padding: 'same', dilation, dtype: 'f64' })
    const x = random([1, 1, 9])
    const { weight, bias } = await weightsOf(layer)
    const total = dilation * (kernel - 1)
    const padding = [[Math.floor(total / 2), Math.ceil(total / 2)]] as const
    const z = convolution(await blockOf(x), weight, bias, { stride: [1], dilation: [dilation], padding, groups: 1 })
    assert.equal(z.shape[2], 9)
    await expectClose(layer(x), z)
  }
})

test('a locally connected layer is that of the loops, and so are its gradients', async () => {
  for (const [kernel, stride, biased] of [
    [3, 1, true],
    [2, 2, false],
  ] as const) {
    const layer = locallyConnected(2, [5, 6], 3, [kernel, 2], { stride, bias: biased, dtype: 'f64' })
    const x = random([2, 2, 5, 6])
    const { weight: w, bias } = await weightsOf(layer)
    const [, rows, columns] = w.shape
    assert.deepEqual([rows, columns], [Math.floor((5 - kernel) / stride) + 1, Math.floor(4 / stride) + 1])
    const image = await blockOf(x)
    const z = block([2, 3, rows, columns], ([n, o, i, j]) => {
      const sum = sumOver(
        [2, kernel, 2],
        ([c, u, v]) => element(image, [n, c, i * stride + u, j * stride + v]) * element(w, [o, i, j, c, u, v]),
      )
      return sum + (bias ? element(bias, [o, i, j]) : 0)
    })
    await expectClose(layer(x), z)
    await expectGradients(layer, x)
  }
})

test('bytes go in as they are', async () => {
  const layer = conv2d(1, 1, 2, { weightInit: { fill: (values) => values.fill(1) }, biasInit: zeros })
  const x = random([1, 1, 3, 3]).abs().mul(200).cast('u8')
  const z = layer(x)
  assert.equal(z.dtype, 'f32')
  const image = await blockOf(x)
  const sum = ([, , i, j]: readonly number[]) => sumOver([2, 2], ([u, v]) => element(image, [0, 0, i + u, j + v]))
  await expectClose(z, block([1, 1, 2, 2], sum), 1e-6)
})

test('an input with the wrong axes or channels, and options that fit nothing, say so', () => {
  const expectError = (make: () => unknown, code: string, message: RegExp): void => {
    assert.throws(make, (error: Error & { code: string }) => {
      assert.equal(error.code, code)
      assert.match(error.message, message)
      return true
    })
  }
  const conv = conv2d(3, 16, 5)
  expectError(
    () => conv(zeros([60, 1, 28, 28])),
    'wrong-extent',
    /^conv2d\(3 → 16, 5×5\): the input has shape \[60,1,28,28\]; it must have 3 channels on axis 1$/,
  )
  expectError(() => conv(zeros([60, 784])), 'wrong-rank', /it must have 4 axes: \[batch, channels, height, width\]/)
  expectError(() => conv(zeros([60, 3, 28, 4])), 'window-too-large', /on axis 3 the window spans 5 and there are 4$/)
  const last = conv2d(3, 16, 5, { layout: 'NHWC' })
  expectError(() => last(zeros([60, 3, 28, 28])), 'wrong-extent', /3 channels on axis 3/)
  expectError(() => conv2d(3, 16, 5, { padding: 'same', stride: 2 }), 'bad-option', /'same' keeps the size only with/)
  expectError(() => conv2d(3, 16, 0), 'bad-option', /the kernel is 0; it must be a whole number, 1 or more/)
  expectError(() => conv2d(3, 16, [3, 3, 3]), 'bad-option', /give one number, or one for each of the 2 axes/)
  expectError(() => conv2d(3, 16, 3, { groups: 2 }), 'bad-option', /2 groups do not divide 3 and 16 channels/)
  expectError(() => convTranspose2d(3, 16, 3, { stride: 2, outputPadding: 2 }), 'bad-option', /outputPadding is 2/)
  expectError(() => convTranspose1d(1, 1, 2, { padding: 3 })(zeros([1, 1, 2])), 'window-too-large', /become -3 long/)
  expectError(() => locallyConnected(1, [3, 3], 1, 4), 'bad-option', /the kernel is larger than the input/)
  expectError(() => locallyConnected(1, [4, 4], 1, 3)(zeros([1, 1, 4, 5])), 'wrong-extent', /4 columns on axis 3/)
})

test('a convolution is the formula one would write', () => {
  const expectFormula = (layer: Layer, text: string): void => assert.equal(String(layer.formula), text)
  expectFormula(conv2d(3, 4, 3), 'z[n,k,i,j] = bias[k] + sum(c,u,v) x[n,c,i+u,j+v] * weight[k,c,u,v]')
  expectFormula(
    conv2d(3, 4, 3, { stride: 2, padding: 1, bias: false }),
    'z[n,k,i<I,j<J] = sum(c,u,v) x?[n,c,2*i+u-1,2*j+v-1] * weight[k,c,u,v]',
  )
  expectFormula(
    conv1d(4, 6, 3, { groups: 2, dilation: 3, layout: 'NHWC' }),
    'z[n,i,k] = bias[k] + sum(u,c) x[n,i+3*u,c+2*(k/3)] * weight[k,u,c]',
  )
  expectFormula(
    convTranspose1d(3, 4, 4, { stride: 2, padding: 1 }),
    'z[n,k,i<I] = bias[k] + sum(c<3,u<2) x?[n,c,(i+1)/2-u] * weight[c,k,(i+1)%2+2*u]',
  )
})
