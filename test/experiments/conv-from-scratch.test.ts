import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  convolutionText,
  documentInputGradient,
  documentKernelGradient,
  rightKernelGradient,
} from '../../experiments/conv-from-scratch/document.ts'
import { experiment } from '../../experiments/conv-from-scratch/experiment.ts'
import { claims, judge } from '../../experiments/conv-from-scratch/gradients.ts'
import { losses, network } from '../../experiments/conv-from-scratch/network.ts'
import { recipes, train } from '../../experiments/conv-from-scratch/recipe.ts'
import { loadImages, take } from '../../src/data/index.ts'
import { formula, grad, setDevice, type Tensor, tensor } from '../../src/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { randomNumbers } from '../autodiff/check.ts'

// Small as these are, compiling C would take most of their time.
setDevice('wasm')

for (const claim of claims) {
  const right = claim.by === 'us'
  test(`${claim.title}: einfold check says that it is ${right ? 'right' : 'wrong'}`, async () => {
    const { isRight, output } = await judge(claim)
    assert.equal(isRight, right, output)
    const [derived, written] = output.split('written by hand')
    assert.doesNotMatch(derived, /WRONG/)
    assert.match(
      written,
      right ? /^right {2}it agrees/m : /^WRONG {2}\d+ of \d+ elements differ[\s\S]*the right one is/m,
    )
  })
}

const [B, C, O, H, W] = [3, 2, 4, 5, 6]
const filled = (stream: number, ...shape: number[]): Tensor =>
  tensor(
    randomNumbers(
      shape.reduce((size, extent) => size * extent, 1),
      stream,
    ),
    { shape },
  )

/** Row by row: patches as the document's NumPy has them in memory, and the gradient, multiplied without or with the transpose. */
function byHand(x: ArrayLike<number>, dz: ArrayLike<number>, transposed: boolean): Float64Array {
  const found = new Float64Array(C * O * 25)
  for (let row = 0; row < B * H * W; row++) {
    const image = Math.floor(row / (H * W))
    const place = row % (H * W)
    const [from, at] = transposed ? [image, place] : [row % B, Math.floor(row / B)]
    for (let c = 0; c < C; c++)
      for (let u = 0; u < 5; u++)
        for (let v = 0; v < 5; v++) {
          const [i, j] = [Math.floor(at / W) + u - 2, (at % W) + v - 2]
          if (i < 0 || j < 0 || i >= H || j >= W) continue
          const pixel = x[((from * C + c) * H + i) * W + j]
          for (let o = 0; o < O; o++)
            found[((c * O + o) * 5 + u) * 5 + v] += pixel * dz[(image * O + o) * H * W + place]
        }
  }
  return found
}

function expectClose(found: ArrayLike<number>, wanted: ArrayLike<number>): void {
  assert.equal(found.length, wanted.length)
  for (let at = 0; at < wanted.length; at++)
    assert.ok(Math.abs(found[at] - wanted[at]) < 1e-12, `[${at}] is ${found[at]}, not ${wanted[at]}`)
}

test("the formulas are what the document's rows of patches and rows of the gradient come to", async () => {
  const [x, dz] = [filled(1, B, C, H, W), filled(2, B, O, H, W)]
  const [values, gradients] = [await x.data(), await dz.data()]
  expectClose(await formula(documentKernelGradient)({ x, dz, B, H, W }).data(), byHand(values, gradients, false))
  expectClose(await formula(rightKernelGradient)({ x, dz }).data(), byHand(values, gradients, true))
})

test('with a single image the wrong gradient of the kernel is right, and with a kernel that reads the same from its end that of the input', async () => {
  const [x, dz] = [filled(1, 1, C, H, W), filled(2, 1, O, H, W)]
  const convolution = formula(convolutionText)
  const w = filled(3, C, O, 5, 5)
  const same = formula('s[c,o,u<5,v<5] = w[c,o,u,v] + w[c,o,4-u,4-v]')({ w })
  const z = (kernel: Tensor) =>
    convolution({ x, w: kernel as Tensor<4>, B: 1, H, W })
      .mul(dz)
      .sum()
  expectClose(await formula(documentKernelGradient)({ x, dz, B: 1, H, W }).data(), await grad(z(w), w).data())
  const byInput = formula(documentInputGradient)
  expectClose(await byInput({ dz, w: same, H, W }).data(), await grad(z(same), x).data())
})

test("a network with the document's gradients gives the same answers, and is trained by its formula", async () => {
  const shape = [B, 1, H, W]
  const [right, wrong] = (['derived', 'document'] as const).map((gradients) => {
    manualSeed(7)
    return network(shape, 10, { ...recipes.document, gradients })
  })
  const x = filled(1, ...shape)
  assert.deepEqual(await wrong(x).data(), await right(x).data())
  const [weight] = wrong.parameters()
  const [other] = right.parameters()
  assert.deepEqual(weight.shape, [16, 1, 5, 5])
  const [found, correct] = [await grad(wrong(x).sum(), weight).data(), await grad(right(x).sum(), other).data()]
  assert.ok(found.some((value, at) => Math.abs(value - correct[at]) > 0.01))
  // What comes back from the dense layer through tanh, for the formula.
  const convolved = formula('z[b,o,i<H,j<W] = sum(u,v) x?[b,0,i+u-2,j+v-2] * w[o,0,u,v]')({
    x: x as Tensor<4>,
    w: weight as Tensor<4>,
    H,
    W,
  })
  const dense = right.parameters()[1].sum(0).reshape([16, H, W])
  const dz = formula('dz[b,o,i,j] = (1 - tanh(z[b,o,i,j])^2) * d[o,i,j]')({ z: convolved, d: dense as Tensor<3> })
  const wanted = await formula(documentKernelGradient)({ x: x as Tensor<4>, dz, B, H, W }).data()
  for (const [at, value] of found.entries()) assert.ok(Math.abs(value - wanted[at]) < 1e-4, `[${at}]`)
})

test("the document's loss has the value of the binary cross-entropy and the gradient of the other", async () => {
  const x = filled(1, 4, 10).mul(3).detach() as Tensor<2>
  const y = tensor([3, 0, 9, 9], { dtype: 'i32' })
  const value = (name: keyof typeof losses) => losses[name](x, y)
  const gradient = (name: keyof typeof losses) => grad(value(name).sum(), x).data()
  const logits = Array.from(await x.data())
  const byHand = [3, 0, 9, 9].map((label, row) => {
    const shares = logits.slice(10 * row, 10 * row + 10).map(Math.exp)
    const total = shares.reduce((sum, share) => sum + share, 0)
    return shares.reduce((loss, share, at) => loss - Math.log(at === label ? share / total : 1 - share / total), 0)
  })
  expectClose(await value('document').data(), byHand)
  expectClose(await value('binary').data(), byHand)
  expectClose(await gradient('document'), await gradient('cross-entropy'))
  const other = await gradient('cross-entropy')
  assert.ok((await gradient('binary')).some((one, at) => Math.abs(one - other[at]) > 0.01))
})

test('an answer that is sure and wrong costs 41.4: twice the logarithm of 1e9', async () => {
  const x = tensor([[0, 200, 0]])
  const [loss] = await losses.document(x, tensor([0], { dtype: 'i32' })).data()
  assert.ok(Math.abs(loss - 2 * Math.log(1e9)) < 1e-4, String(loss))
})

test("the network learns, and with the document's gradients too: the dense layer does, whatever the windows are", async () => {
  const all = await loadImages('glyphs')
  const split = { train: take(all.train, 600), test: take(all.test, 100) }
  const course = { epochs: 1, batchSize: 20, seed: 0, log: false, validation: split.test } as const
  for (const gradients of ['derived', 'document'] as const) {
    const recipe = { ...recipes.short, bias: false, lr: 0.003, gradients }
    const { history } = await train(split, recipe, course)
    const reached = history.epochs[0].validationAccuracy ?? 0
    assert.ok(reached > 0.4, `${gradients}: ${reached}`)
  }
})

test("a stride is refused with the document's gradients, which know none", async () => {
  const out = await mkdtemp(join(tmpdir(), 'conv-'))
  const flags = { recipe: 'document', stride: '2' }
  const settings = { seed: 0, out, quick: true, flags, signal: new AbortController().signal, print: () => undefined }
  await assert.rejects(experiment.run(settings), /--stride 2: the document's gradients are for a stride of 1/)
  await rm(out, { recursive: true })
})
