import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { experiment } from '../../experiments/spatial-feature/experiment.ts'
import { precision, setDevice } from '../../src/index.ts'

// Small as these runs are, compiling C would take most of their time.
setDevice('js')

const runWith = async (flags: Record<string, string | boolean>) => {
  const out = await mkdtemp(join(tmpdir(), 'spatial-feature-'))
  try {
    const { folder, testAccuracy } = await experiment.run({
      seed: 1,
      out,
      quick: true,
      limit: 64,
      epochs: 1,
      flags: { width: '0.04', ...flags },
      signal: new AbortController().signal,
      print: () => undefined,
    })
    const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8')
    const results = JSON.parse(await read('results.json'))
    return {
      testAccuracy,
      html: await read('report.html'),
      results,
      read,
      size: (await stat(join(folder, 'simple.safetensors'))).size,
    }
  } finally {
    await rm(out, { recursive: true })
  }
}

test('a run leaves a report with tables and pictures, the numbers, and the parameters', async () => {
  const { html, results, testAccuracy, size } = await runWith({
    model: 'spatial-dense,simple',
    'fan-in': 'original',
    schedule: 'linear',
    plain: true,
    precision: 'high',
  })
  assert.match(html, /<svg .*Images answered right/s)
  assert.match(html, /<svg .*Zeros among the weights/s)
  assert.equal(results.settings['fan-in'], 'original')
  assert.equal(results.settings.augmentation, 'none')
  assert.equal(results.settings['allowed precision'], 'high')
  assert.equal(precision().allowed, 'highest', 'what was allowed before is allowed again')
  assert.equal(results.settings['learning rate'], '0.0003, linear')
  assert.deepEqual(
    results.cost.map(({ model }: { model: string }) => model),
    ['spatial-dense', 'simple'],
  )
  const best = Math.max(
    ...results.training.map((run: { epochs: { validationAccuracy: number }[] }) => run.epochs[0].validationAccuracy),
  )
  assert.equal(best, testAccuracy)
  assert.equal(results.training[0].likeness.after.length, 6)
  assert.equal(results.dense.layers.length, 6)
  assert.ok(size > 4 * results.training[1].parameters)
})

test("the document's storage can be trained too, and other names are answered with what there is", async () => {
  const { results } = await runWith({ storage: 'dense', part: 'training', model: 'simple' })
  assert.equal(results.settings.storage, 'dense')
  assert.equal(results.training.length, 1)
  assert.equal(results.training[0].parameters, 28 * 28 * 26 * 26 + 26 * 26 + 10 * 26 * 26 + 10)
  await assert.rejects(runWith({ model: 'regular' }), /--model regular: it must be one of regular-conv, spatial-dense/)
  await assert.rejects(runWith({ storage: 'sparse' }), /must be one of windows, dense/)
})
