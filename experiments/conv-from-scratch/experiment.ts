// A convolutional network on Fashion-MNIST, as small as one can be.
import { join } from 'node:path'
import { type Evaluation, evaluate, fit, type History, confusion } from '../../src/train/index.ts'
import { device, type Tensor } from '../../src/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { conv2d, crossEntropy, flatten, linear, sequential, tanh } from '../../src/nn/index.ts'
import { sgd } from '../../src/optim/index.ts'
import type { Split } from '../../src/data/index.ts'
import type { Experiment, Settings } from '../experiment.ts'
import { imagesFor, subset } from '../imageData.ts'
import { mistakesAsText, perClassText } from '../results.ts'
import { runFolder, writeReport } from '../report.ts'

/** Two layers: 16 windows of 5×5, and from all they see to the classes. */
export const network = (split: Split) => {
  const [, channels, height, width] = split.train.shape
  return sequential(
    conv2d(channels, 16, 5, { padding: 'same' }),
    tanh(),
    flatten(),
    linear(16 * height * width, split.train.classes.length),
  )
}

/** What fits into a minute on two cores. */
const budget = (name: string) => (name === 'js' ? { train: 12_000, test: 2_000 } : { train: 60_000, test: 10_000 })

export const experiment: Experiment = {
  name: 'conv-from-scratch',
  summary: 'a convolution, tanh and a dense layer on Fashion-MNIST, by momentum',
  async run(settings) {
    const { print, signal, seed, epochs = 1, batchSize = 60, lr = 0.01 } = settings
    const split = await imageSplit(settings)
    manualSeed(seed)
    const net = network(split)
    print(`${split.train.name}, on the device ${device().name}`)
    print(String(net))
    const history = await fit(net, split.train, {
      loss: crossEntropy,
      optimizer: sgd({ lr, momentum: 0.9 }),
      schedule: (done) => 1 - done,
      epochs,
      batchSize,
      seed,
      signal,
    })
    const judged = await evaluate(net, split.test, { loss: crossEntropy, signal })
    return report({ settings, split, history, judged, batchSize, lr, described: String(net) })
  },
}
