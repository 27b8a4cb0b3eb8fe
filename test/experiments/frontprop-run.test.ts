import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { experiment } from '../../experiments/frontprop/experiment.ts'
import { setDevice } from '../../src/index.ts'

// Small as these runs are, compiling C would take most of their time.
setDevice('js')

const runParts = async (part: string, flags: Record<string, string> = {}) => {
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
  const parts = 'classifier,autoencoder,genetic'
  const { html, results, testAccuracy } = await runParts(parts, { init: 'normal', dropout: '0.2', generations: '3' })
  assert.match(html, /<svg .*Classifier: hit rate/s)
  assert.match(html, /data:image\/png;base64/)
  assert.equal(results.settings.seed, '1')
  assert.equal(results.settings.dropout, '0.2')
  assert.ok(results.settings.device && results.settings.node)
  const name = 'N(0,1)/√fan in'
  assert.equal(results.classifier[name].length, 2)
  assert.equal(results.classifier[name][1].validationHitRate, testAccuracy)
  assert.equal(results.autoencoder[name][1].hitRate, null)
  assert.deepEqual(Object.keys(results.genetic), ["as the document's program", 'corrected'])
  assert.equal(results.gradients, undefined)
})

test('a flag that names nothing is answered with what there is', async () => {
  await assert.rejects(runParts('classifer'), /--part classifer: it must be one of gradients, classifier/)
  await assert.rejects(runParts('classifier', { optimizer: 'sdg' }), /must be one of sgd, adam/)
})
