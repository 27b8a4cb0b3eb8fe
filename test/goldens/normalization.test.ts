import type { Tensor } from '../../src/index.ts'
import * as nn from '../../src/nn/index.ts'
import type { Inputs } from '../support/goldens.ts'
import { testGoldens, withParameters } from '../support/goldens.ts'

interface BatchNorm {
  readonly training: boolean
  readonly momentum: number
  readonly eps: number
}

function batchNormLayer(inputs: Inputs, { training, momentum, eps }: BatchNorm) {
  const layer = withParameters(nn.batchNorm(inputs.weight.size, { momentum, eps, dtype: 'f64' }), inputs)
  layer.train(training)
  const y = layer(inputs.x)
  return { y, ...Object.fromEntries(layer.namedBuffers()) }
}

function batchNorm({ x, weight, bias, runningMean, runningVar }: Inputs, { training, momentum, eps }: BatchNorm) {
  const perChannel = (values: Tensor) => values.reshape([1, -1, ...x.shape.slice(2).map(() => 1)])
  const others = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]))
  const mean = training ? x.mean(others) : runningMean
  const variance = training ? x.variance(others) : runningVar
  const normalized = x.sub(perChannel(mean)).div(perChannel(variance).add(eps).sqrt())
  const update = (running: Tensor, batch: Tensor) =>
    training
      ? running
          .mul(1 - momentum)
          .add(batch.mul(momentum))
          .stopGradient()
      : running
  return {
    y: normalized.mul(perChannel(weight)).add(perChannel(bias)),
    runningMean: update(runningMean, mean),
    runningVar: update(runningVar, x.variance(others, { correction: 1 })),
  }
}

interface LayerNorm {
  readonly shape: readonly number[]
  readonly eps: number
}

testGoldens('normalization', {
  batchNorm: { nn: batchNormLayer, tensors: batchNorm },
  layerNorm: {
    nn: (inputs, { shape, eps }: LayerNorm) =>
      withParameters(nn.layerNorm(shape, { eps, dtype: 'f64' }), inputs)(inputs.x),
    tensors: ({ x, weight, bias }, { shape, eps }: LayerNorm) => {
      const axes = shape.map((_, axis) => axis - shape.length)
      const normalized = x.sub(x.mean(axes, true)).div(x.variance(axes, { keepDims: true }).add(eps).sqrt())
      return normalized.mul(weight).add(bias)
    },
  },
})
