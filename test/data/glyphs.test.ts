import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { asText } from '../../src/data/asText.ts'
import { normalize } from '../../src/data/augment.ts'
import { type ImageSet, pixelStatistics, select, take } from '../../src/data/dataset.ts'
import { drawGlyphs, glyphClasses, glyphs } from '../../src/data/glyphs.ts'
import { batches } from '../../src/data/shuffle.ts'

test('glyphs are 28 x 28 bytes of ten classes in turn', () => {
  const { train, test } = glyphs({ train: 30, test: 20 })
  assert.deepEqual(train.shape, [30, 1, 28, 28])
  assert.deepEqual(test.shape, [20, 1, 28, 28])
  assert.equal(glyphClasses.length, 10)
  assert.deepEqual(train.classes, glyphClasses)
  assert.ok(train.labels.every((label, i) => label === i % 10))
  assert.notDeepEqual(train.images.subarray(0, 784), test.images.subarray(0, 784))
  assert.throws(() => drawGlyphs(-1), { code: 'bad-count' })
})

test('glyph i is the same however many are drawn, and another for another seed or stream', () => {
  const many = drawGlyphs(50, { seed: 3, stream: 1 })
  assert.deepEqual(drawGlyphs(20, { seed: 3, stream: 1 }), take(many, 20))
  assert.notDeepEqual(drawGlyphs(50, { seed: 4, stream: 1 }).images, many.images)
  assert.notDeepEqual(drawGlyphs(50, { seed: 3, stream: 2 }).images, many.images)
})

test('the bytes of the glyphs are the same on every machine and in every version', () => {
  const md5 = createHash('md5').update(drawGlyphs(200).images).digest('hex')
  assert.equal(md5, 'c95c82fd3051c61d550b4c7d89cb6711')
})

test('no two glyphs are alike, each has ink, and none fills its image', () => {
  const { images } = drawGlyphs(1000)
  const seen = new Set<string>()
  for (let i = 0; i < 1000; i++) {
    const image = images.subarray(i * 784, (i + 1) * 784)
    seen.add(image.join())
    const inked = image.filter((pixel) => pixel > 128).length
    assert.ok(inked > 15 && inked < 350, `glyph ${i} has ${inked} bright pixels`)
  }
  assert.equal(seen.size, 1000)
})

test('a linear model learns the glyphs, but stays under 90%', () => {
  const { train, test } = glyphs()
  const accuracy = softmaxRegressionAccuracy(train, test, 3)
  assert.ok(accuracy > 0.75 && accuracy < 0.9, `accuracy ${accuracy}`)
})

/** Test accuracy of softmax regression after some epochs of plain gradient descent, batch 60. */
function softmaxRegressionAccuracy(train: ImageSet, test: ImageSet, epochs: number): number {
  const { mean, std } = pixelStatistics(train)
  const inputs = normalize(train.images, train.shape, mean, std)
  const weight = new Float32Array(10 * 785)
  const gradient = new Float32Array(10 * 785)
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = 0.02 * (1 - epoch / epochs)
    for (const rows of batches(train.labels.length, 60, { seed: 0, epoch })) {
      gradient.fill(0)
      for (const row of rows) {
        const logits = scores(weight, inputs, row)
        const top = Math.max(...logits)
        const exps = logits.map((logit) => Math.exp(logit - top))
        const sum = exps.reduce((total, exp) => total + exp, 0)
        for (let k = 0; k < 10; k++) {
          const error = exps[k] / sum - (train.labels[row] === k ? 1 : 0)
          for (let j = 0; j < 784; j++) gradient[k * 785 + j] += error * inputs[row * 784 + j]
          gradient[k * 785 + 784] += error
        }
      }
      for (let i = 0; i < weight.length; i++) weight[i] -= (rate / rows.length) * gradient[i]
    }
  }
  const testInputs = normalize(test.images, test.shape, mean, std)
  const right = test.labels.filter((label, row) => {
    const logits = scores(weight, testInputs, row)
    return logits.indexOf(Math.max(...logits)) === label
  })
  return right.length / test.labels.length
}

function scores(weight: Float32Array, inputs: Float32Array, row: number): number[] {
  return Array.from({ length: 10 }, (_, k) => {
    let score = weight[k * 785 + 784]
    for (let j = 0; j < 784; j++) score += weight[k * 785 + j] * inputs[row * 784 + j]
    return score
  })
}

test('asText draws two rows of pixels a line with the nearest block', () => {
  const expectText = (rows: number[][], text: string): void =>
    assert.equal(asText(Uint8Array.from(rows.flat()), rows[0].length, rows.length), text)
  expectText(
    [
      [0, 255, 0, 255],
      [0, 0, 255, 255],
    ],
    ' ▀▄█',
  )
  expectText(
    [
      [64, 128, 191],
      [64, 128, 191],
    ],
    '░▒▓',
  )
  expectText(
    [
      [255, 0],
      [255, 0],
      [255, 255],
    ],
    '█ \n▀▀',
  )
})

test('asText shows the mean of colour channels, and refuses sizes that do not fit', () => {
  assert.equal(asText(Uint8Array.of(255, 0, 255, 0, 128, 0), 1, 2), '▀')
  assert.equal(asText(select(drawGlyphs(3), [2]).images, 28, 28).split('\n').length, 14)
  assert.throws(() => asText(new Uint8Array(5), 2, 2), { code: 'bad-image-size' })
  assert.throws(() => asText(new Uint8Array(0), 2, 2), { code: 'bad-image-size' })
})
