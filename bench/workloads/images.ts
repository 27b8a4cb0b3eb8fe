// Convolutional networks, and one whose filters differ from place to place.
import {
  batchNorm,
  conv2d,
  crossEntropy,
  dropout,
  dropout2d,
  flatten,
  kaimingUniform,
  type Layer,
  linear,
  locallyConnected,
  maxPool2d,
  relu,
  sequential,
  tanh,
} from '../../src/nn/index.ts'
import { adam, sgd } from '../../src/optim/index.ts'
import { classData, normalData, type Prepared, type Size, training, trainingFlops, type Workload } from '../workload.ts'

export const images: readonly Workload[] = [
  { name: 'fashion-conv', about: 'conv 5×5 to 16, tanh, dense; SGD, batch 60', prepare: fashion },
  { name: 'cifar-conv', about: 'six convolutions and three dense layers; Adam, batch 64', prepare: regular },
  { name: 'cifar-spatial', about: 'six locally connected and two dense layers; Adam, batch 64', prepare: spatial },
]

function fashion(size: Size): Prepared {
  const [batch, side, filters] = size === 'full' ? [60, 28, 16] : [2, 6, 3]
  const net = sequential(conv2d(1, filters, 5, { padding: 2 }), tanh(), flatten(), linear(filters * side * side, 10))
  return training({
    net,
    loss: crossEntropy,
    optimizer: sgd({ lr: 0.1, momentum: 0.9 }),
    x: normalData([batch, 1, side, side], 0),
    y: classData(batch, 10, 1),
    flops: trainingFlops(batch, [25 * filters * side * side, 10 * filters * side * side]),
  })
}

/** Multiply-adds a sample, layer by layer, gathered while a network is put together. */
interface Counted {
  readonly layers: Layer[]
  readonly work: number[]
}

function regular(size: Size): Prepared {
  const [batch, side, width, hidden] = size === 'full' ? [64, 32, 32, [1024, 512]] : [2, 8, 2, [6, 5]]
  const { layers, work }: Counted = { layers: [], work: [] }
  const conv = (inputs: number, outputs: number, at: number): Layer => {
    work.push(inputs * outputs * 9 * at * at)
    return conv2d(inputs, outputs, 3, { padding: 1 })
  }
  const block = (inputs: number, first: number, second: number, at: number): void => {
    layers.push(conv(inputs, first, at), batchNorm(first), relu(), conv(first, second, at), relu(), maxPool2d(2))
  }
  block(3, width, 2 * width, side)
  block(2 * width, 4 * width, 4 * width, side / 2)
  layers.push(dropout2d(0.05))
  block(4 * width, 8 * width, 8 * width, side / 4)
  const features = 8 * width * (side / 8) ** 2
  work.push(features * hidden[0], hidden[0] * hidden[1], hidden[1] * 10)
  layers.push(flatten(), dropout(0.1), linear(features, hidden[0]), relu(), linear(hidden[0], hidden[1]), relu())
  layers.push(dropout(0.1), linear(hidden[1], 10))
  return classifier({ layers, work }, batch, side)
}

function spatial(size: Size): Prepared {
  const [batch, widths, hidden] = size === 'full' ? [64, [10, 20, 32, 64, 128, 256], 512] : [2, [2, 2, 2, 2, 2, 2], 5]
  const side = 32
  const { layers, work }: Counted = { layers: [], work: [] }
  const local = (inputs: number, from: number, outputs: number, kernel: number): Layer => {
    work.push(inputs * outputs * kernel ** 2 * (from - kernel + 1) ** 2)
    return locallyConnected(inputs, [from, from], outputs, kernel, { weightInit: kaimingUniform() })
  }
  const [a, b, c, d, e, f] = widths
  layers.push(local(3, 32, a, 3), batchNorm(a), relu(), local(a, 30, b, 3), relu(), maxPool2d(2))
  layers.push(local(b, 14, c, 3), batchNorm(c), relu(), local(c, 12, d, 3), relu(), maxPool2d(2), dropout2d(0.05))
  layers.push(local(d, 5, e, 2), batchNorm(e), relu(), local(e, 4, f, 2), relu())
  work.push(9 * f * hidden, hidden * 10)
  layers.push(flatten(), dropout(0.1), linear(9 * f, hidden), relu(), dropout(0.1), linear(hidden, 10))
  return classifier({ layers, work }, batch, side)
}

function classifier({ layers, work }: Counted, batch: number, side: number): Prepared {
  return training({
    net: sequential(...layers),
    loss: crossEntropy,
    optimizer: adam({ lr: 3e-4 }),
    x: normalData([batch, 3, side, side], 0),
    y: classData(batch, 10, 1),
    flops: trainingFlops(batch, work),
  })
}
