// Convolutions by Winograd's transforms: which they are, and that they compute what the sums say, on every device.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileGraph } from '../../src/compiler/compile.ts'
import type { Statement } from '../../src/compiler/ir.ts'
import type { Device } from '../../src/device/device.ts'
import { jsDevice } from '../../src/device/js/device.ts'
import { nativeAbsence, nativeDevice } from '../../src/device/native/device.ts'
import { wasmDevice } from '../../src/device/wasm/device.ts'
import type { TypedArray } from '../../src/dtype.ts'
import { formula, grad, setThreads, type Tensor, tensor } from '../../src/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'
import { assertSame, runOn } from '../support/runOn.ts'
import { outputsOf, statementsOf } from './run.ts'

let drawings = 0
const numbers = (...shape: number[]): Tensor => {
  const stream = drawings++
  const size = shape.reduce((product, extent) => product * extent, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, at) => 2 * uniformAt(3, stream, 0, at) - 1),
    { shape },
  )
}

type Side = 2 | 4

interface Case {
  /** How many of the convolution and its two gradients are computed by transforms, with tiles of each size; 3 unless given. */
  readonly count?: Readonly<Record<Side, number>>
  readonly text: string
  readonly x: readonly number[]
  readonly w: readonly number[]
}

const padded = 'z[n,k,i<H,j<W] = sum(c,u,v) x?[n,c,i+u-1,j+v-1] * w[k,c,u,v]'
const sized = (height: number, width: number, text = padded): string =>
  text.replace('<H', `<${height}`).replace('<W', `<${width}`)

/** What is computed by transforms; each with its gradients by x and w. */
const convolutions: Readonly<Record<string, Case>> = {
  'several images in a chunk': { text: sized(8, 8), x: [6, 24, 8, 8], w: [24, 24, 3, 3] },
  'chunks of an image': { text: sized(32, 16), x: [1, 64, 32, 16], w: [40, 64, 3, 3] },
  'a wide image': { text: sized(4, 64), x: [2, 32, 4, 64], w: [24, 32, 3, 3] },
  // The gradient by the image has 10 columns.
  'without padding': {
    count: { 2: 2, 4: 2 },
    text: 'z[n,k,i,j] = sum(c,u,v) x[n,c,i+u,j+v] * w[k,c,u,v]',
    x: [2, 24, 10, 10],
    w: [32, 24, 3, 3],
  },
  'channels last': {
    text: sized(8, 8, 'z[n,i<H,j<W,k] = sum(u,v,c) x?[n,i+u-1,j+v-1,c] * w[k,u,v,c]'),
    x: [2, 8, 8, 24],
    w: [24, 3, 3, 24],
  },
  'windows turned over': {
    text: sized(8, 16, 'z[n,k,i<H,j<W] = sum(c,u,v) x?[n,c,i+1-u,j+v-1] * w[k,c,u,v]'),
    x: [2, 24, 8, 16],
    w: [24, 24, 3, 3],
  },
  'three rows of large tiles, four in each': { text: sized(12, 16), x: [3, 24, 12, 16], w: [24, 24, 3, 3] },
  'images of one large tile': { text: sized(4, 4), x: [8, 24, 4, 4], w: [24, 24, 3, 3] },
  'twelve large tiles in a row': { text: sized(4, 48), x: [2, 24, 4, 48], w: [24, 24, 3, 3] },
  'one image without an axis': {
    text: sized(8, 8, 'z[k,i<H,j<W] = sum(c,u,v) x?[c,i+u-1,j+v-1] * w[k,c,u,v]'),
    x: [24, 8, 8],
    w: [24, 24, 3, 3],
  },
}

/** What small tiles are needed for. */
const small: Readonly<Record<string, Case>> = {
  'rows of six large tiles': { text: sized(8, 24), x: [2, 24, 8, 24], w: [24, 24, 3, 3] },
  'a height that is even': { text: sized(6, 8), x: [2, 24, 6, 8], w: [24, 24, 3, 3] },
}

const others: Readonly<Record<string, Case>> = {
  'a stride': {
    text: sized(8, 8, 'z[n,k,i<H,j<W] = sum(c,u,v) x?[n,c,2*i+u-1,2*j+v-1] * w[k,c,u,v]'),
    x: [2, 24, 16, 16],
    w: [24, 24, 3, 3],
  },
  'windows of five': {
    text: sized(8, 8, 'z[n,k,i<H,j<W] = sum(c,u,v) x?[n,c,i+u-2,j+v-2] * w[k,c,u,v]'),
    x: [2, 24, 8, 8],
    w: [24, 24, 5, 5],
  },
  'an odd size': { text: sized(7, 8), x: [2, 24, 7, 8], w: [24, 24, 3, 3] },
  'few channels': { text: sized(8, 8), x: [2, 3, 8, 8], w: [24, 3, 3, 3] },
  'weights of each position': {
    text: sized(8, 8, 'z[n,k,i<H,j<W] = sum(c,u,v) x?[n,c,i+u-1,j+v-1] * w[k,c,i,j,u,v]'),
    x: [2, 24, 8, 8],
    w: [4, 24, 8, 8, 3, 3],
  },
}

/** The convolution, and its gradients by the image and by the windows. */
function tensorsOf({ text, x: xShape, w: wShape }: Case): readonly Tensor[] {
  const [x, w] = [numbers(...xShape), numbers(...wShape)]
  const z = formula(text)({ x, w } as never)
  const adjoint = numbers(...z.shape)
  return [z, ...grad(z.mul(adjoint).sum(), [x, w])]
}

/** Products in a loop, one for each point, are the sign of it. */
const isByTransforms = (body: readonly Statement[], points: number): boolean =>
  statementsOf(body).some(
    (statement) => statement.kind === 'loop' && statement.extent === points && statement.body[0].kind === 'contraction',
  )

/** How many kernels have tiles of that size, where they may be as large as `most`. */
function countByTransforms(tensors: readonly Tensor[], side: Side, most = side): number {
  const request = { outputs: tensors.map(({ node }) => node), updates: [] }
  const { program } = compileGraph(request, { contractions: true, tileSide: most })
  return program.kernels.filter(({ body }) => isByTransforms(body, (side + 2) ** 2)).length
}

for (const side of [2, 4] as const) {
  test(`3×3 convolutions of stride 1 and both their gradients go by transforms of ${side}×${side} sums`, () => {
    for (const [name, one] of Object.entries(convolutions)) {
      assert.equal(countByTransforms(tensorsOf(one), side), one.count?.[side] ?? 3, name)
    }
  })
}

test('where large tiles do not fit, small ones are taken', () => {
  for (const [name, one] of Object.entries(small)) {
    const tensors = tensorsOf(one)
    assert.equal(countByTransforms(tensors, 4), 0, name)
    assert.equal(countByTransforms(tensors, 2, 4), 3, name)
  }
})

test('tiles are small where nothing else is said', () => {
  const { program } = outputsOf(tensorsOf(convolutions['several images in a chunk']), true)
  assert.equal(program.kernels.filter(({ body }) => isByTransforms(body, 16)).length, 3)
})

test('other windows go without', () => {
  for (const [name, one] of Object.entries(others)) {
    for (const side of [2, 4] as const) assert.equal(countByTransforms(tensorsOf(one), side, 4), 0, name)
  }
})

const plain = jsDevice()
const skip = nativeAbsence() ?? false
const devices: Readonly<Record<string, () => Device>> = {
  js: jsDevice,
  wasm: () => wasmDevice({ check: true, threads: () => 1 }),
  'wasm without fused multiply-adds': () => wasmDevice({ check: true, threads: () => 1, relaxedSimd: false }),
  native: nativeDevice,
}

/** The device with tiles of that size. */
const withTiles = (device: Device, tileSide: Side): Device => ({
  ...device,
  targetOf: () => ({ contractions: true, tileSide }),
})

/** How far f32 sums may be from the sums as they are, as a part of the sum of magnitudes. */
const allowed: Readonly<Record<Side, number>> = { 2: 2 ** -20, 4: 2 ** -19 }

interface Expected {
  readonly name: string
  readonly tensor: Tensor
  readonly exact: TypedArray
  readonly magnitudes: TypedArray
}

/** Every result in f32, what it is in f64 by plain loops, and what it would be of magnitudes. */
const expected: readonly Expected[] = Object.entries(convolutions).flatMap(([name, { text, x: xShape, w: wShape }]) => {
  const [x, w] = [numbers(...xShape), numbers(...wShape)]
  const adjoint = numbers(...formula(text)({ x, w } as never).shape)
  const results = (x: Tensor, w: Tensor, adjoint: Tensor): readonly Tensor[] => {
    const z = formula(text)({ x, w } as never)
    return [z, ...grad(z.mul(adjoint).sum(), [x, w])]
  }
  const wide = (t: Tensor): Tensor => t.cast('f64')
  const exact = runOn(plain, results(wide(x), wide(w), wide(adjoint)))
  const magnitudes = runOn(plain, results(wide(x).abs(), wide(w).abs(), wide(adjoint).abs()))
  return results(x, w, adjoint).map((tensor, at) => ({
    name: `${name}, result ${at}`,
    tensor,
    exact: exact[at],
    magnitudes: magnitudes[at],
  }))
})
const tensors = expected.map(({ tensor }) => tensor)

for (const [device, make] of Object.entries(devices)) {
  for (const side of [2, 4] as const) {
    const title = `what comes out of tiles of ${side}×${side} is the sums, on the device ${device}`
    test(title, { skip: device === 'native' && skip }, () => {
      runOn(withTiles(make(), side), tensors).forEach((values, at) => {
        const { name, exact, magnitudes } = expected[at]
        for (let element = 0; element < values.length; element++) {
          const off = Math.abs(values[element] - exact[element])
          const about = `${name}, element ${element}: ${values[element]} for ${exact[element]}`
          assert.ok(off <= allowed[side] * magnitudes[element], about)
        }
      })
    })
  }
}

test('what follows a convolution reads its sums', () => {
  const [x, w, t] = [numbers(4, 24, 16, 8), numbers(32, 24, 3, 3), numbers(32)]
  const z = formula('z[n,k,i<16,j<8] = t[k] + sum(c,u,v) x?[n,c,i+u-1,j+v-1] * w[k,c,u,v]')({ x, w, t })
  const results = [z.relu(), z.sum(1)]
  // The second adds up 32 of them, and the errors of these.
  const tolerances = [2e-5, 1e-4]
  const wanted = runOn(plain, results)
  for (const side of [2, 4] as const) {
    for (const [at, values] of runOn(withTiles(devices.js(), side), results).entries())
      assertSame(`result ${at}`, values, wanted[at], tolerances[at])
  }
})

test('any number of threads gives the same bits', { skip }, () => {
  for (const side of [2, 4] as const) {
    const [alone, ...together] = [1, 2, 3].map((count) => {
      setThreads(count)
      return runOn(withTiles(nativeDevice(), side), tensors)
    })
    for (const [at, { name }] of expected.entries()) {
      for (const values of together) assertSame(name, values[at], alone[at])
    }
  }
})
