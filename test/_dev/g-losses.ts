import { formula } from '/tmp/shim.ts'
import * as nn from '../../src/nn/index.ts'
import { testGoldens } from '../_dev/goldens.ts'

testGoldens('losses', {
  softmax: {
    method: ({ x }, { axis }: { axis: number }) => x.softmax(axis),
    definition: ({ x }, { axis }: { axis: number }) => {
      const e = x.sub(x.max(axis, true).stopGradient()).exp()
      return e.div(e.sum(axis, true))
    },
  },
  logSoftmax: {
    method: ({ x }, { axis }: { axis: number }) => x.logSoftmax(axis),
    definition: ({ x }, { axis }: { axis: number }) => {
      const distance = x.sub(x.max(axis, true).stopGradient())
      return distance.sub(distance.exp().sum(axis, true).log())
    },
  },
  crossEntropy: {
    nn: ({ x, target }) => nn.crossEntropy(x, target),
    formula: ({ x, target }) => {
      const logits = x.logSoftmax(1)
      return x.rank === 2
        ? formula('loss = mean(n) -logits[n,target[n]]')({ logits, target })
        : formula('loss = mean(n,i,j) -logits[n,target[n,i,j],i,j]')({ logits, target })
    },
  },
  crossEntropyProbabilities: ({ x, target }) =>
    formula('loss = sum(n,c) -target[n,c] * l[n,c] / N')({ target, l: x.logSoftmax(), N: x.shape[0] }),
  mse: {
    nn: ({ x, target }) => nn.mse(x, target),
    formula: ({ x, target }) => formula('loss = mean(n,c) (x[n,c] - target[n,c])^2')({ x, target }),
  },
  l1: {
    nn: ({ x, target }) => nn.l1(x, target),
    formula: ({ x, target }) => formula('loss = mean(n,c) abs(x[n,c] - target[n,c])')({ x, target }),
  },
  huber: ({ x, target }, { delta }: { delta: number }) => nn.huber(x, target, { delta }),
  bceWithLogits: {
    nn: ({ x, target }) => nn.binaryCrossEntropyWithLogits(x, target),
    formula: ({ x, target }) => formula('loss = mean(n) (softplus(x[n]) - target[n] * x[n])')({ x, target }),
  },
})
