import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tensor } from '../../src/index.ts'
import { crossEntropy, dropout, flatten, linear, mse, sequential } from '../../src/nn/index.ts'
import { sgd } from '../../src/optim/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { type EpochRecord, evaluate, type FitOptions, fit, type TrainingLog } from '../../src/train/index.ts'
import { quarters } from './sets.ts'

function classifier() {
  manualSeed(1)
  return sequential(flatten(), linear(16, 4))
}

const usual = (options: Partial<FitOptions> = {}): FitOptions => ({
  loss: crossEntropy,
  optimizer: sgd({ lr: 0.1 }),
  epochs: 3,
  batchSize: 8,
  log: false,
  ...options,
})

const lossesOf = (epochs: readonly EpochRecord[]) => epochs.map(({ loss }) => loss)

test('a linear model learns which quarter is bright', async () => {
  const history = await fit(classifier(), { train: quarters(64), test: quarters(30, 'test') }, usual())
  assert.equal(history.ended, 'done')
  assert.deepEqual(
    history.epochs.map(({ epoch, steps, learningRate }) => ({ epoch, steps, learningRate })),
    [1, 2, 3].map((epoch) => ({ epoch, steps: 8, learningRate: 0.1 })),
  )
  const [first, , last] = history.epochs
  assert.ok(last.loss < first.loss / 2, `${first.loss} → ${last.loss}`)
  assert.equal(last.accuracy, 1)
  assert.equal(last.validationAccuracy, 1)
})

test('the seed decides the order of the examples, and so the losses', async () => {
  const losses = async (seed: number) => lossesOf((await fit(classifier(), quarters(40), usual({ seed }))).epochs)
  const [one, again, other] = [await losses(3), await losses(3), await losses(4)]
  assert.deepEqual(one, again)
  assert.ok(
    one.some((loss, at) => Math.abs(loss - other[at]) > 1e-4),
    `${one} and ${other}`,
  )
})

test('a batch that would not be full is left out of training and kept in evaluation', async () => {
  const net = classifier()
  const history = await fit(net, quarters(20), usual({ epochs: 1, batchSize: 8 }))
  assert.equal(history.epochs[0].steps, 2)
  const set = quarters(21)
  const judged = await evaluate(net, set, { loss: crossEntropy, batchSize: 8 })
  const whole = await evaluate(net, set, { loss: crossEntropy, batchSize: 21 })
  assert.equal(judged.count, 21)
  assert.deepEqual(judged.predictions, whole.predictions)
  assert.ok(Math.abs(judged.loss! - whole.loss!) < 1e-6)
})

test('a set smaller than a batch is one batch', async () => {
  const history = await fit(classifier(), quarters(5), usual({ epochs: 1, batchSize: 60 }))
  assert.equal(history.epochs[0].steps, 1)
})

test('evaluation standardises by what training standardised by, and leaves the mode as it was', async () => {
  manualSeed(1)
  const net = sequential(flatten(), linear(16, 4), dropout(0.5))
  const { statistics } = await fit(net, quarters(40), usual({ epochs: 1 }))
  assert.equal(net.training, false)
  const dark = quarters(12)
  dark.images.forEach((pixel, at) => {
    dark.images[at] = pixel >> 1
  })
  const by = await evaluate(net, dark, { loss: crossEntropy })
  assert.equal(by.loss, (await evaluate(net, dark, { loss: crossEntropy, statistics: statistics! })).loss)
  net.train()
  await evaluate(net, dark)
  assert.equal(net.training, true)
})

test('a signal stops training after the current step, and what was learnt stays', async () => {
  const net = classifier()
  const before = await net.parameters()[0].array()
  const stop = new AbortController()
  const log: TrainingLog = { step: () => stop.abort(), epoch() {}, end() {} }
  const history = await fit(net, quarters(4000), usual({ signal: stop.signal, log }))
  assert.equal(history.ended, 'aborted')
  assert.equal(history.epochs.length, 1)
  assert.ok(history.epochs[0].steps < 500)
  assert.notDeepEqual(await net.parameters()[0].array(), before)
})

test('keepBest ends with the parameters of the best epoch', async () => {
  const net = classifier()
  const optimizer = sgd({ lr: 0.1 })
  const data = { train: quarters(40), test: quarters(30) }
  const ruin = () => {
    optimizer.lr = 1e4
  }
  // Labels that are wrong in training make a large step lead away from what the test set wants.
  data.train.labels.forEach((label, at) => {
    if (at % 5 === 0) data.train.labels[at] = (label + 1) % 4
  })
  const history = await fit(net, data, usual({ optimizer, epochs: 2, keepBest: true, onEpoch: ruin }))
  const accuracies = history.epochs.map(({ validationAccuracy }) => validationAccuracy!)
  assert.equal(history.best, accuracies.indexOf(Math.max(...accuracies)) + 1)
  assert.ok(accuracies[1] < Math.max(...accuracies), `${accuracies}`)
  assert.equal((await evaluate(net, data.test)).accuracy, Math.max(...accuracies))
})

test('a loss that is no longer a number ends training', async () => {
  const history = await fit(classifier(), quarters(40), usual({ optimizer: sgd({ lr: 1e38 }), epochs: 50 }))
  assert.equal(history.ended, 'diverged')
  assert.ok(history.epochs.length < 50)
})

test('a schedule moves the learning rate, which is itself again afterwards', async () => {
  const optimizer = sgd({ lr: 0.5 })
  const seen: number[] = []
  const schedule = (done: number) => {
    seen.push(done)
    return 1 - done
  }
  const history = await fit(classifier(), quarters(32), usual({ optimizer, schedule, epochs: 2, batchSize: 16 }))
  assert.deepEqual(seen, [0, 0.25, 0.5, 0.75])
  assert.deepEqual(
    history.epochs.map(({ learningRate }) => learningRate),
    [0.375, 0.125],
  )
  assert.equal(optimizer.lr, 0.5)
})

test('tensors of floats are learnt as they are, without an accuracy', async () => {
  const images = tensor(Array.from({ length: 32 }, (_, at) => [at / 32, (at % 5) / 5]))
  const labels = tensor(Array.from({ length: 32 }, (_, at) => [(2 * at) / 32 - (at % 5) / 5]))
  manualSeed(0)
  const net = linear(2, 1)
  const options = usual({ loss: mse, optimizer: sgd({ lr: 0.3 }), epochs: 40 })
  const { epochs, statistics } = await fit(net, { images, labels }, options)
  assert.equal(statistics, null)
  assert.equal(epochs[39].accuracy, null)
  assert.ok(epochs[39].loss < 1e-3, String(epochs[39].loss))
})

const mistakes: [what: string, run: () => Promise<unknown>, code: string][] = [
  ['no epochs', () => fit(classifier(), quarters(8), usual({ epochs: 1.5 })), 'bad-option'],
  ['a batch of none', () => fit(classifier(), quarters(8), usual({ batchSize: 0 })), 'bad-option'],
  ['an empty set', () => fit(classifier(), quarters(0), usual()), 'empty-set'],
  [
    'more images than labels',
    () => fit(classifier(), { images: tensor([[1], [2]]), labels: tensor([1]) }, usual()),
    'shape-mismatch',
  ],
  [
    'augmentation of what is no image',
    () => fit(classifier(), { images: tensor([[1], [2]]), labels: tensor([1, 2]) }, usual({ augment: { flip: true } })),
    'bad-option',
  ],
]
for (const [what, run, code] of mistakes) test(`${what} is an error`, () => assert.rejects(run, { code }))
