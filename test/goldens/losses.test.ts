import { crossEntropy, formula } from '../../src/index.ts'
import { testGoldens } from '../support/goldens.ts'

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
    'function': ({ x, target }) => crossEntropy(x, target).mean(),
    formula: ({ x, target }) => {
      const logits = x.logSoftmax()
      return formula('loss = mean(n) -logits[n,target[n]]')({ logits, target })
    },
  },
  crossEntropyProbabilities: {
    formula: ({ x, target }) => formula('loss = sum(n,c) -target[n,c] * l[n,c] / N')({ target, l: x.logSoftmax(), N: 3 }),
  },
  mse: {
    formula: ({ x, target }) => formula('loss = mean(n,c) (x[n,c] - target[n,c])^2')({ x, target }),
  },
  l1: {
    formula: ({ x, target }) => formula('loss = mean(n,c) abs(x[n,c] - target[n,c])')({ x, target }),
  },
  bceWithLogits: {
    formula: ({ x, target }) => formula('loss = mean(n) (softplus(x[n]) - target[n] * x[n])')({ x, target }),
  },
})
