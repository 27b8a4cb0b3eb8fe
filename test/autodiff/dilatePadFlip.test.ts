// The gradients of a convolution as document 003 derives them: the gradient by the result is dilated by S - 1 zeros, padded
// by F - 1 at both ends (and by what the stride leaves over at the far end), and convolved with the flipped kernel.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../../src/runtime/evaluate.ts'
import { type Formula, formula, grad } from '../../src/autodiff/index.ts'
import { Tensor } from '../../src/graph/tensor.ts'
import { interpret } from '../support/interpret.ts'
import { random } from './check.ts'

type Picture = readonly (readonly number[])[]

const picture = (rows: number, columns: number, at: (row: number, column: number) => number): Picture =>
  Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => at(row, column)))

/** R(i,j) = Σ I(i+a, j+b) k(a,b), where both lie inside. */
function convolve(image: Picture, kernel: Picture): Picture {
  const rows = image.length - kernel.length + 1
  const columns = image[0].length - kernel[0].length + 1
  return picture(rows, columns, (i, j) => {
    let sum = 0
    for (let a = 0; a < kernel.length; a++) {
      for (let b = 0; b < kernel[0].length; b++) sum += image[i + a][j + b] * kernel[a][b]
    }
    return sum
  })
}

/** S - 1 zeros after every row and column but the last, then zeros up to the given size: positions that the stride skipped. */
const dilate = (image: Picture, stride: number, rows: number, columns: number): Picture =>
  picture(rows, columns, (i, j) => (i % stride === 0 && j % stride === 0 ? (image[i / stride]?.[j / stride] ?? 0) : 0))

const pad = (image: Picture, rows: number, columns: number): Picture =>
  picture(image.length + 2 * rows, image[0].length + 2 * columns, (i, j) => image[i - rows]?.[j - columns] ?? 0)

const flip = (kernel: Picture): Picture =>
  picture(kernel.length, kernel[0].length, (a, b) => kernel[kernel.length - 1 - a][kernel[0].length - 1 - b])

const plus = (one: Picture, other: Picture): Picture =>
  picture(one.length, one[0].length, (i, j) => one[i][j] + other[i][j])

/** How a tensor of rank 4 holds pictures: which axis counts the images, which the channels, which are rows and columns. */
interface Layout {
  readonly formula: string
  readonly image: 'NCHW' | 'NHWC'
  readonly result: string
}

const layouts: readonly Layout[] = [
  {
    formula: 'R[n,f,i,j] = sum(p,a,b) I[n,p,S*i+a,S*j+b] * k[f,p,a,b]',
    image: 'NCHW',
    result:
      'dI[n,p,c,d] = sum(f,a,b) where((c - a) % S == 0 and (d - b) % S == 0, dR?[n,f,(c-a)/S,(d-b)/S] * k[f,p,a,b], 0)',
  },
  {
    formula: 'R[n,i,j,f] = sum(a,b,p) I[n,S*i+a,S*j+b,p] * k[f,a,b,p]',
    image: 'NHWC',
    result:
      'dI[n,c,d,p] = sum(f,a,b) where((c - a) % S == 0 and (d - b) % S == 0, dR?[n,(c-a)/S,(d-b)/S,f] * k[f,a,b,p], 0)',
  },
]

/** A tensor of shape [n, channel, row, column] in the order of the layout, and a way to look into it. */
function shapeIn({ image }: Layout, n: number, channels: number, rows: number, columns: number): number[] {
  return image === 'NCHW' ? [n, channels, rows, columns] : [n, rows, columns, channels]
}

function pictureOf(values: ArrayLike<number>, shape: readonly number[], { image }: Layout, n: number, channel: number) {
  const [, one, two, three] = shape
  return image === 'NCHW'
    ? picture(two, three, (i, j) => values[((n * one + channel) * two + i) * three + j])
    : picture(one, two, (i, j) => values[((n * one + i) * two + j) * three + channel])
}

const [images, channels, filters] = [2, 2, 3]

function expectDocument(layout: Layout, stride: number, rows: number, columns: number, window: number): void {
  const f: Formula = formula(layout.formula as string)
  const image = new Tensor(random(shapeIn(layout, images, channels, rows, columns), 1))
  const kernel = new Tensor(random(shapeIn(layout, filters, channels, window, window), 2))
  const result = f({ I: image, k: kernel, S: stride } as never)
  const adjoint = new Tensor(random(result.shape, 3))
  const operands = { I: image, k: kernel, S: stride, dR: adjoint } as never
  const ofImage = f.gradient('I')
  assert.equal(String(ofImage), layout.result)
  const loss = result.mul(adjoint).sum()
  const what = `${layout.image}, stride ${stride}, ${rows}×${columns}, window ${window}`
  const numbers = { I: interpret(image.node), k: interpret(kernel.node), R: interpret(adjoint.node) }
  /** The gradient by the result of one image and filter, as if the stride were 1. */
  const spread = (n: number, filter: number): Picture =>
    dilate(pictureOf(numbers.R, result.shape, layout, n, filter), stride, rows - window + 1, columns - window + 1)

  for (const gradient of [ofImage(operands), grad(loss, image)]) {
    const found = interpret(gradient.node)
    for (let n = 0; n < images; n++) {
      for (let channel = 0; channel < channels; channel++) {
        const parts = Array.from({ length: filters }, (_, filter) =>
          convolve(
            pad(spread(n, filter), window - 1, window - 1),
            flip(pictureOf(numbers.k, kernel.shape, layout, filter, channel)),
          ),
        )
        expectPicture(pictureOf(found, image.shape, layout, n, channel), parts.reduce(plus), `dI, ${what}`)
      }
    }
  }
  for (const gradient of [f.gradient('k')(operands), grad(loss, kernel)]) {
    const found = interpret(gradient.node)
    for (let filter = 0; filter < filters; filter++) {
      for (let channel = 0; channel < channels; channel++) {
        const parts = Array.from({ length: images }, (_, n) =>
          convolve(pictureOf(numbers.I, image.shape, layout, n, channel), spread(n, filter)),
        )
        expectPicture(pictureOf(found, kernel.shape, layout, filter, channel), parts.reduce(plus), `dk, ${what}`)
      }
    }
  }
}

function expectPicture(found: Picture, expected: Picture, what: string): void {
  assert.deepEqual([found.length, found[0].length], [expected.length, expected[0].length], what)
  for (const [i, row] of expected.entries()) {
    for (const [j, value] of row.entries()) {
      assert.ok(Math.abs(found[i][j] - value) < 1e-12, `${what}, at ${i}, ${j}: ${found[i][j]} and ${value}`)
    }
  }
}

for (const layout of layouts) {
  test(`the gradients of a convolution are convolutions with dilation, padding and a flipped kernel (${layout.image})`, () => {
    expectDocument(layout, 1, 4, 5, 3)
    expectDocument(layout, 2, 5, 7, 3)
    expectDocument(layout, 2, 6, 5, 2) // 2 does not divide 5 - 2
    expectDocument(layout, 3, 6, 8, 2) // 3 does not divide 6 - 2
    expectDocument(layout, 3, 7, 5, 1)
  })
}

test('with steps of one and a stated window, the printed gradient is the one with the flipped kernel', () => {
  const conv = formula('R[i,j] = t + sum(a<F,b<F) I[i+a,j+b] * k[a,b]')
  assert.equal(String(conv.gradient('I')), 'dI[c,d] = sum(a<F,b<F) dR?[c+a-(F-1),d+b-(F-1)] * k[F-1-a,F-1-b]')
  assert.equal(String(conv.gradient('k')), 'dk[a<F,b<F] = sum(i,j) dR[i,j] * I[i+a,j+b]')
  assert.equal(String(conv.gradient('t')), 'dt = sum(i,j) dR[i,j]')
  const [I, k, dR] = [
    new Tensor<2>(random([4, 5], 1)),
    new Tensor<2>(random([3, 3], 2)),
    new Tensor<2>(random([2, 3], 3)),
  ]
  const found = interpret(conv.gradient('I')({ I, k, dR, F: 3 }).node)
  const [gradient, kernel] = [interpret(dR.node), interpret(k.node)]
  const padded = pad(
    picture(2, 3, (i, j) => gradient[3 * i + j]),
    2,
    2,
  )
  const expected = convolve(padded, flip(picture(3, 3, (a, b) => kernel[3 * a + b])))
  expectPicture(
    picture(4, 5, (i, j) => found[5 * i + j]),
    expected,
    'dI',
  )
})
