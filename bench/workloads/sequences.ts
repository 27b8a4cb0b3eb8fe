// Attention and a recurrent layer, a training step each.
import type { Tensor } from '../../src/index.ts'
import { crossEntropy, defineLayer, linear, lstm, mse, multiHeadAttention } from '../../src/nn/index.ts'
import { adam, sgd } from '../../src/optim/index.ts'
import { classData, normalData, type Prepared, type Size, training, trainingFlops, type Workload } from '../workload.ts'

export const sequences: readonly Workload[] = [
  { name: 'attention', about: '8 heads over 8×128×256, MSE, SGD', prepare: attention },
  { name: 'lstm', about: '64×28×28 to 128, the last state to 10; Adam', prepare: recurrent },
]

function attention(size: Size): Prepared {
  const [batch, time, features, heads] = size === 'full' ? [8, 128, 256, 8] : [2, 3, 4, 2]
  const layer = multiHeadAttention(features, heads)
  return training({
    net: defineLayer({ name: 'self-attention', children: { layer }, forward: (x: Tensor) => layer(x) }),
    loss: mse,
    optimizer: sgd({ lr: 0.01 }),
    x: normalData([batch, time, features], 0),
    y: normalData([batch, time, features], 1),
    // Projections of the input; scores and mixture, both of whose operands have gradients; the last projection.
    flops: 2 * batch * time * features * (2 * 3 * features + 3 * 2 * time + 3 * features),
  })
}

function recurrent(size: Size): Prepared {
  const [batch, time, features, hidden] = size === 'full' ? [64, 28, 28, 128] : [2, 3, 4, 5]
  const over = lstm(features, hidden)
  const last = linear(hidden, 10)
  const net = defineLayer({
    name: 'last state',
    children: { over, last },
    forward: (x: Tensor) => last(over(x).select(1, time - 1)),
  })
  return training({
    net,
    loss: crossEntropy,
    optimizer: adam({ lr: 1e-3 }),
    x: normalData([batch, time, features], 0),
    y: classData(batch, 10, 1),
    flops: trainingFlops(batch, [time * features * 4 * hidden, time * hidden * 4 * hidden, hidden * 10]),
  })
}
