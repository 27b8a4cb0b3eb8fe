// A convolutional network on Fashion-MNIST, as small as one can be.
import type { Split } from '../../src/data/index.ts'
import { device, type Tensor } from '../../src/index.ts'
import { conv2d, crossEntropy, flatten, linear, sequential, tanh } from '../../src/nn/index.ts'
import { sgd } from '../../src/optim/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { confusion, evaluate, fit } from '../../src/train/index.ts'
import type { Experiment, Outcome, Settings } from '../experiment.ts'
import { imagesFor, subset } from '../imageData.ts'
import { runFolder, writeReport } from '../report.ts'
import { mistakesAsText, mistakesOf, perClassText } from '../results.ts'

export const experiment: Experiment = {
  name: 'conv-from-scratch',
  summary: 'a convolution, tanh and a dense layer on Fashion-MNIST, trained by momentum',
  run,
}

/** 16 windows of 5×5, and from all they see to the classes. */
export function network({ train }: Split) {
  const [, channels, height, width] = train.shape
  return sequential(
    conv2d(channels, 16, 5, { padding: 'same' }),
    tanh(),
    flatten(),
    linear(16 * height * width, train.classes.length),
  )
}

/** What fits into a minute on two cores, by device. */
const budget = (name: string) =>
  name === 'js' ? { train: 12_000, test: 2_000, epochs: 1 } : { train: 60_000, test: 10_000, epochs: 4 }

async function run(settings: Settings): Promise<Outcome> {
  const affordable = budget(device().name)
  const { print, signal, seed, limit, epochs = affordable.epochs, batchSize = 60, lr = 0.03 } = settings
  const all = await imagesFor('fashion-mnist', settings)
  const { train, test } = limit === undefined ? affordable : { train: limit, test: Math.ceil(limit / 6) }
  const split = subset(all, train, test, print)
  manualSeed(seed)
  const net = network(split)
  print(`\n${split.train.name}, on the device ${device().name}\n${net}\n`)

  const began = performance.now()
  const history = await fit(net, split.train, {
    loss: crossEntropy,
    optimizer: sgd({ lr, momentum: 0.9 }),
    schedule: (done) => 1 - done,
    epochs,
    batchSize,
    validation: epochs > 1 ? split.test : undefined,
    seed,
    signal,
  })
  // Not with the signal: what an interrupted training has learnt is judged all the same.
  const { predictions } = await evaluate(net, split.test)
  const found = confusion(split.test.labels, predictions, split.test.classes)
  const mistakes = mistakesOf(split.test, predictions, 24)
  const accuracy = `${(100 * found.accuracy).toFixed(2)}%`
  const seconds = (performance.now() - began) / 1000

  print(`\n${perClassText(found)}\n\n${mistakesAsText(split.test, mistakes.slice(0, 3))}`)
  const count = split.test.shape[0].toLocaleString('en')
  print(`\ntest accuracy ${accuracy} on ${count} images, after ${seconds.toFixed(0)} s`)
  const folder = await runFolder(settings.out, experiment.name)
  await writeReport(folder, {
    title: experiment.name,
    summary: `${accuracy} of ${count} test images answered right, after ${seconds.toFixed(0)} s of training and testing.`,
    settings: [
      ['images', `${split.train.name}, ${split.train.shape[0].toLocaleString('en')}`],
      ['network', net.layers.map(({ name }) => name).join(', ')],
      ['batch size', String(batchSize)],
      ['learning rate', `${lr}, falling to 0`],
      ['seed', String(seed)],
      ['device', device().name],
      ['training', history.ended],
    ],
    epochs: history.epochs,
    confusion: found,
    test: split.test,
    mistakes,
    pictures: { title: 'The 16 windows of the convolution', matrices: await windows(net.parameters()[0]) },
  })
  print(`report ${folder}/report.html`)
  return { testAccuracy: found.accuracy, folder }
}

/** The first input channel of every window, [16, 5, 5]. */
async function windows(weight: Tensor): Promise<number[][][]> {
  return (await (weight.slice(null, 0) as Tensor<3>).array()) as number[][][]
}
