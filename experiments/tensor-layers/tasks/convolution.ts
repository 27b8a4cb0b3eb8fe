// Convolutions: one channel finds the kernel that made its examples; several, with a stride, tell directions of strokes.
import { formula, type Tensor, tensor } from '../../../src/index.ts'
import { crossEntropy, init, mse, parameter } from '../../../src/nn/index.ts'
import { heatMap, imageGrid, sideBySide } from '../../../src/plot/index.ts'
import { nhwcText, singleText } from '../layers.ts'
import { dice, type Learnt, learn, shareRight } from './learn.ts'

const single = formula(singleText)
const sobel = [
  [-1, 0, 1],
  [-2, 0, 2],
  [-1, 0, 1],
]

/** Images of noise and what a Sobel filter of stride 2 makes of them, plus ½: the kernel and the bias have to come out. */
export async function learnKernel(steps: number, seed: number, signal?: AbortSignal): Promise<Learnt> {
  const k = parameter([3, 3])
  const t = parameter([], init.constant(0))
  const size = 24
  const wanted = tensor(sobel, { dtype: 'f32' })
  const image = (step: number): Tensor<2> => {
    const next = dice(seed, step)
    return tensor(
      Float32Array.from({ length: size * size }, () => next()),
      { shape: [size, size] },
    )
  }
  const points = await learn({
    parameters: [k, t],
    loss: (I) => {
      const target = single({ I: I as Tensor<2>, k: wanted, t: 0.5, S: 2 })
      return mse(single({ I: I as Tensor<2>, k, t, S: 2 }), target)
    },
    batch: (step) => [image(step)],
    steps,
    lr: 0.02,
    signal,
  })
  const found = (await k.array()) as number[][]
  const far = Math.max(...found.flatMap((row, i) => row.map((value, j) => Math.abs(value - sobel[i][j]))))
  const map = (title: string, values: readonly (readonly number[])[]) =>
    heatMap({ title, values, colors: 'diverging', from: -2, to: 2, cell: 48, numbers: twoDigits })
  return {
    task: 'convolution, one channel',
    about: 'The kernel and the bias of a Sobel filter with stride 2, from images of noise and what it makes of them.',
    points,
    reached: far,
    baseline: 2,
    measure: 'largest error of a weight',
    picture: sideBySide(map('the kernel that was found', found), map('the one that made the examples', sobel)),
  }
}

/** -0.001 is 0.00. */
const twoDigits = (value: number): string => (Math.round(100 * value) / 100 || 0).toFixed(2)

const several = formula(nhwcText)
const classes = ['horizontal', 'vertical', 'falling', 'rising'] as const
const width = 16

/** The direction of a stroke somewhere in a noisy image: channels last, stride 2, and the mean over all places. */
export async function learnStrokes(steps: number, seed: number, signal?: AbortSignal): Promise<Learnt> {
  const filters = 12
  const k1 = parameter([filters, 3, 3, 1])
  const t1 = parameter([filters], init.constant(0))
  const k2 = parameter([filters, 3, 3, filters])
  const t2 = parameter([filters], init.constant(0))
  const W = parameter([classes.length, filters])
  const b = parameter([classes.length], init.constant(0))
  const dense = formula('z[n,i] = b[i] + sum(j) W[i,j] * x[n,j]')
  const net = (images: Tensor): Tensor => {
    const first = several({ I: images as Tensor<4>, k: k1, t: t1, S: 1 }).relu()
    const second = several({ I: first, k: k2, t: t2, S: 2 }).relu()
    return dense({ W, b, x: second.mean([1, 2]) as Tensor<2> })
  }
  const points = await learn({
    parameters: [k1, t1, k2, t2, W, b],
    loss: (images, labels) => crossEntropy(net(images), labels),
    batch: (step) => strokes(64, seed, step),
    steps,
    lr: 0.01,
    signal,
  })
  const [images, labels] = strokes(2000, seed + 1, 0)
  const [few] = strokes(8, seed + 2, 0)
  const pixels = await few.data()
  return {
    task: 'convolution, several channels',
    about:
      'The direction of a short stroke anywhere in a noisy image: two convolutions of 12 filters, channels last, the second with stride 2.',
    points,
    reached: await shareRight(net(images), labels),
    baseline: 1 / classes.length,
    measure: 'share right',
    picture: imageGrid({
      title: 'Eight of the images',
      scale: 4,
      rows: [
        {
          images: Array.from({ length: 8 }, (_, at) => ({
            width,
            height: width,
            values: pixels.slice(at * width * width, (at + 1) * width * width),
            note: classes[at % classes.length],
          })),
        },
      ],
    }),
  }
}

/** Images [count, 16, 16, 1] and classes; the classes take turns. */
function strokes(count: number, seed: number, step: number): readonly Tensor[] {
  const next = dice(seed, step)
  const images = Float32Array.from({ length: count * width * width }, () => 0.5 * next())
  for (let at = 0; at < count; at++) {
    const [down, across] = [
      [0, 1],
      [1, 0],
      [1, 1],
      [-1, 1],
    ][at % classes.length]
    const length = 5 + Math.floor(4 * next())
    const reach = width - length
    const column = Math.floor(reach * next())
    const row = Math.floor(reach * next()) + (down < 0 ? length : 0)
    for (let place = 0; place < length; place++)
      images[(at * width + row + down * place) * width + column + across * place] = 1
  }
  const labels = Int32Array.from({ length: count }, (_, at) => at % classes.length)
  return [tensor(images, { shape: [count, width, width, 1] }), tensor(labels)]
}
