// Small dense networks on MNIST-like rows.

import type { Tensor } from '../../src/index.ts'
import { linear, mse, sequential, sigmoid } from '../../src/nn/index.ts'
import { sgd } from '../../src/optim/index.ts'
import {
  classData,
  type Prepared,
  type Size,
  training,
  trainingFlops,
  uniformData,
  type Workload,
} from '../workload.ts'

export const dense: readonly Workload[] = [
  { name: 'mnist-mlp', about: '784-16-16-10, sigmoid, MSE, SGD, batch 1000', prepare: mlp },
  { name: 'mnist-autoencoder', about: '784-64-784, sigmoid, MSE, SGD, batch 1000', prepare: autoencoder },
]

function mlp(size: Size): Prepared {
  const [batch, sizes] = size === 'full' ? [1000, [784, 16, 16, 10]] : [4, [12, 5, 4, 3]]
  const x = uniformData([batch, sizes[0]], 0)
  const y = classData(batch, sizes.at(-1)!, 1).oneHot(sizes.at(-1)!).detach()
  return sigmoidNetwork(sizes, x, y)
}

function autoencoder(size: Size): Prepared {
  const [batch, sizes] = size === 'full' ? [1000, [784, 64, 784]] : [4, [12, 5, 12]]
  const x = uniformData([batch, sizes[0]], 0)
  return sigmoidNetwork(sizes, x, x)
}

function sigmoidNetwork(sizes: readonly number[], x: Tensor, y: Tensor): Prepared {
  const pairs = sizes.slice(1).map((outputs, at) => [sizes[at], outputs] as const)
  const net = sequential(...pairs.flatMap(([inputs, outputs]) => [linear(inputs, outputs), sigmoid()]))
  const flops = trainingFlops(
    x.shape[0],
    pairs.map(([inputs, outputs]) => inputs * outputs),
  )
  return training({ net, loss: mse, optimizer: sgd({ lr: 10, momentum: 0.5 }), x, y, flops })
}
