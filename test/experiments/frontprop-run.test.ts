import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { experiment } from '../../experiments/frontprop/experiment.ts'

const runPart = async (part: string, flags: Record<string, string> = {}) => {
  const out = await mkdtemp(join(tmpdir(), 'frontprop-'))
  try {
    const { folder, testAccuracy } = await experiment.run({
      seed: 1,
      out,
      quick: true,
      limit: 300,
      epochs: 1,
      flags: { part, ...flags },
      signal: new AbortController().signal,
      print: () => undefined,
    })
    const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8')
    return { testAccuracy, html: await read('report.html'), results: JSON.parse(await read('results.json')) }
  } finally {
    await rm(out, { recursive: true })
  }
}

test('a run leaves a report with pictures inside, and the numbers with seed and device', async () => {
  const { html, results, testAccuracy } = await runPart('classifier', { init: 'pytorch', dropout: '0.2' })
  assert.match(html, /<svg .*Classifier: hit rate/s)
  assert.equal(results.settings.seed, '1')
  assert.equal(results.settings.dropout, '0.2')
  assert.ok(results.settings.device && results.settings.node)
  const standings = results.classifier['PyTorch (±1/√n)']
  assert.equal(standings.length, 2)
  assert.equal(standings[1].validationHitRate, testAccuracy)
})

test('the autoencoder shows what it makes of images, and has no hit rate', async () => {
  const { html, results, testAccuracy } = await runPart('autoencoder', { init: 'normal' })
  assert.match(html, /data:image\/png;base64/)
  assert.equal(results.autoencoder['N(0,1)/√fan in'][1].hitRate, null)
  assert.equal(testAccuracy, undefined)
})

test('the genetic algorithm is run as in the document and corrected', async () => {
  const { results } = await runPart('genetic', { generations: '3' })
  assert.deepEqual(Object.keys(results.genetic), ["as the document's program", 'corrected'])
})

test('a flag that names nothing is answered with what there is', async () => {
  await assert.rejects(runPart('classifer'), /--part classifer: it must be one of gradients, classifier/)
  await assert.rejects(runPart('classifier', { optimizer: 'sdg' }), /must be one of sgd, adam/)
})
