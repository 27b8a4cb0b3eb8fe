import assert from 'node:assert/strict'
import { test } from 'node:test'
import { augment } from '../../src/data/index.ts'
import { tensor } from '../../src/index.ts'
import { sources } from '../../src/train/augmentation.ts'
import { batchTaker } from '../../src/train/batch.ts'
import { examplesOf } from '../../src/train/examples.ts'
import { quarters } from './sets.ts'

/** Bytes come out of the step as they are. */
const asTheyAre = { mean: [0], std: [1 / 255] }

test('crops and mirrorings inside the step are those of augment', async () => {
  const set = quarters(9)
  const rows = Int32Array.of(8, 0, 3, 3, 5)
  const take = batchTaker(examplesOf(set), asTheyAre)
  for (const choice of [{ padding: 2 }, { flip: true }, { padding: 1, flip: true }, {}])
    for (const epoch of [0, 1]) {
      const places = sources(rows, [4, 4], choice, { seed: 5, epoch })
      const { images } = take({ rows: tensor(rows), ...places })
      const expected = augment(set, rows, { padding: 0, flip: false, ...choice, seed: 5, epoch })
      assert.deepEqual(Array.from(await images.data(), Math.round), [...expected])
    }
})

test('a plain batch has the rows asked for, standardised', async () => {
  const set = quarters(6)
  const take = batchTaker(examplesOf(set), { mean: [0.25], std: [0.5] })
  const { images, labels } = take({ rows: tensor(Int32Array.of(4, 1)) })
  assert.deepEqual(images.shape, [2, 1, 4, 4])
  assert.deepEqual([...(await labels.data())], [set.labels[4], set.labels[1]])
  const pixel = (await images.data())[0]
  assert.ok(Math.abs(pixel - (set.images[64] / 255 - 0.25) / 0.5) < 1e-6)
})
