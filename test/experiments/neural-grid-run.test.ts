import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { experiment } from '../../experiments/neural-grid/experiment.ts'
import { setDevice } from '../../src/index.ts'

// Small as these runs are, compiling C would take most of their time.
setDevice('js')

const runParts = async (part: string, flags: Record<string, string | boolean> = {}) => {
  const out = await mkdtemp(join(tmpdir(), 'neural-grid-'))
  try {
    const { folder, testAccuracy } = await experiment.run({
      seed: 1,
      out,
      quick: true,
      limit: 256,
      epochs: 1,
      flags: { part, grid: '10x4', ...flags },
      signal: new AbortController().signal,
      print: () => undefined,
    })
    const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8')
    return { testAccuracy, html: await read('report.html'), results: JSON.parse(await read('results.json')) }
  } finally {
    await rm(out, { recursive: true })
  }
}

test('a run leaves a report with its pictures and tables, and the numbers with seed and device', async () => {
  const { html, results, testAccuracy } = await runParts('forms,times,variance,training', { 'fan-out': '1' })
  for (const name of ['One layer of 5 units as a sparse matrix', 'The same layer by unfolding', 'One epoch of 60,000'])
    assert.match(html, new RegExp(`<svg .*${name}`, 's'))
  assert.match(html, /data:image\/png;base64/)
  assert.equal(results.settings.seed, '1')
  assert.equal(results.settings['fan out'], '1')
  assert.ok(results.settings.device && results.settings.node)
  assert.deepEqual(results.reach, { layers: 16, asDrafted: [0, 32], right: [-16, 16] })
  assert.equal(results.times.length, 12)
  for (const { epochSeconds, extrapolated } of results.times) assert.ok(epochSeconds > 0 && extrapolated)
  assert.equal(results.variance.strengths.length, 6)
  assert.equal(results.training.length, 1)
  assert.equal(results.training[0].epochs.length, 1)
  assert.equal(results.training[0].epochs[0].validationAccuracy, testAccuracy)
  assert.equal(results.variants, undefined)
})

test('planes of units are trained and drawn too', async () => {
  const { html, results } = await runParts('training', { grid: '28x28x2', loss: 'half-mse', activation: 'tanh' })
  assert.equal(results.training[0].parameters, 2 * 2 * 784 + 785 * 10)
  assert.match(html, /Weights and biases, by layer/)
  assert.match(html, /Mean activations, by layer/)
})

test('a flag that names nothing is answered with what there is', async () => {
  await assert.rejects(runParts('form'), /--part form: it must be one of forms, times, variance/)
  await assert.rejects(runParts('training', { activation: 'cos' }), /must be one of sin, tanh/)
  await assert.rejects(runParts('training', { grid: '20x20x2' }), /planes must be of the images' size/)
  await assert.rejects(runParts('training', { grid: '28x28x2', padded: true }), /are for grids of rows/)
})
