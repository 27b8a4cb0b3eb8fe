import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { zeros } from '../../src/graph/index.ts'
import type { Layout } from '../../src/nn/index.ts'
import { avgPool1d, avgPool2d, avgPool3d, flatten, maxPool1d, maxPool2d, maxPool3d } from '../../src/nn/index.ts'
import { expectClose, expectGradients, random } from './expect.ts'
import { blockOf, channelsFirst, pooling } from './reference.ts'

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** How each kind of pooling is made, and what it makes of the elements inside a window of `size` places. */
const kinds = {
  max: { make: [maxPool1d, maxPool2d, maxPool3d], options: {}, of: (inside: readonly number[]) => Math.max(...inside) },
  'average, padding counted': {
    make: [avgPool1d, avgPool2d, avgPool3d],
    options: {},
    of: (inside: readonly number[], size: number) => sum(inside) / size,
  },
  'average, padding left out': {
    make: [avgPool1d, avgPool2d, avgPool3d],
    options: { countIncludePad: false },
    of: (inside: readonly number[]) => sum(inside) / inside.length,
  },
}

const cases = fc.integer({ min: 1, max: 3 }).chain((rank) => {
  const axis = (min: number, max: number) =>
    fc.array(fc.integer({ min, max }), { minLength: rank, maxLength: rank }) as fc.Arbitrary<number[]>
  return fc.record({
    rank: fc.constant(rank),
    kernel: axis(1, 3),
    stride: fc.option(axis(1, 3), { nil: undefined }),
    padding: axis(0, 1),
    extra: axis(0, rank === 3 ? 2 : 5),
    layout: fc.constantFrom<Layout>('NCHW', 'NHWC'),
  })
})

for (const [kind, { make, options, of }] of Object.entries(kinds)) {
  test(`pooling (${kind}) of any rank, stride, padding and layout is that of the loops, and so are its gradients`, async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ rank, kernel, stride, layout, extra, ...drawn }) => {
        const padding = drawn.padding.map((width, axis) => (2 * width <= kernel[axis] ? width : 0))
        const layer = make[rank - 1](kernel, { stride, padding, layout, ...options })
        const spatial = kernel.map((size, axis) => size + extra[axis])
        const x = random(layout === 'NCHW' ? [2, 2, ...spatial] : [2, ...spatial, 2])
        const image = layout === 'NCHW' ? await blockOf(x) : channelsFirst(await blockOf(x))
        const size = kernel.reduce((product, extent) => product * extent, 1)
        const z = pooling(image, kernel, stride ?? kernel, padding, (inside) => of(inside, size))
        const found = layout === 'NCHW' ? layer(x) : layer(x).permute(0, rank + 1, ...kernel.map((_, axis) => axis + 1))
        await expectClose(found, z)
        await expectGradients(layer, x)
      }),
      { numRuns: 12 },
    )
  })
}

test('padding of more than half a window is refused, for it would make windows of nothing', () => {
  assert.throws(() => maxPool2d(2, { padding: 2 }), { code: 'bad-option', message: /at most half of the kernel's 2/ })
})

test('pooling says which axes it wants', () => {
  assert.throws(() => maxPool2d(2)(zeros([8, 28, 28])), {
    code: 'wrong-rank',
    message: 'maxPool2d(2×2): the input has shape [8,28,28]; it must have 4 axes: [batch, channels, height, width]',
  })
})

test('flatten joins all axes but the batch, or those it is told', () => {
  const x = zeros([2, 3, 4, 5])
  assert.deepEqual(flatten()(x).shape, [2, 60])
  assert.deepEqual(flatten(0, 1)(x).shape, [6, 4, 5])
})
