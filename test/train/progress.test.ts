import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochRecord } from '../../src/train/index.ts'
import { progressLog } from '../../src/train/index.ts'
import { duration, epochText, progressText } from '../../src/train/progress.ts'

const progress = { epoch: 2, epochs: 10, step: 250, steps: 1000, loss: 0.51234, accuracy: 0.8125, seconds: 4 }
const record: EpochRecord = {
  epoch: 2,
  loss: 0.5,
  accuracy: 0.8,
  validationLoss: 0.6,
  validationAccuracy: 0.75,
  seconds: 12,
  learningRate: 0.1,
  steps: 1000,
}

test('a moving line shows the step, loss, accuracy and the time left', () => {
  assert.equal(
    progressText(progress),
    'epoch 2/10  ██████··················  250/1000  loss 0.5123  accuracy 81.25%  12 s left'.replace('  250', ' 250'),
  )
})

test('an epoch is a line', () => {
  assert.equal(
    epochText(record, 10),
    'epoch  2/10  loss 0.5000  accuracy 80.00%  validation loss 0.6000  accuracy 75.00%  12 s',
  )
  const bare = { ...record, accuracy: null, validationLoss: null, validationAccuracy: null }
  assert.equal(epochText(bare, 3), 'epoch 2/3  loss 0.5000  12 s')
})

test('durations are in the units people use', () => {
  assert.deepEqual([0.04, 9.94, 9.96, 59.4, 59.6, 200, 7500].map(duration), [
    '0.0 s', '9.9 s', '10 s', '59 s', '1 min 0 s', '3 min 20 s', '2 h 5 min',
  ]) // biome-ignore format: a table
})

test('only a terminal gets the moving line', () => {
  const written = (isTTY: boolean): string => {
    let text = ''
    const log = progressLog({ isTTY, columns: 60, write: (part) => (text += part) })
    log.step(progress)
    log.epoch(record, 10)
    log.end({ ended: 'diverged', records: [record], kept: null })
    return text
  }
  assert.equal(written(false).split('\n').length, 3)
  assert.ok(!written(false).includes('\x1b'))
  assert.ok(written(true).startsWith('\r\x1b[2Kepoch 2/10  ██'))
  assert.ok(written(true).split('\r\x1b[2K')[1].length < 60)
})
