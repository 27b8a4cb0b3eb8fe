import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { einfoldProcess } from './einfold.ts'

test('run trains, shows results and mistakes, and saves a report', async () => {
  const out = await mkdtemp(join(tmpdir(), 'einfold-run-'))
  try {
    const args = ['--set', 'glyphs', '--limit', '240', '--epochs', '2', '--out', out]
    const { code, stdout, stderr } = await einfoldProcess('run', 'conv-from-scratch', ...args)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^epoch 2\/2 {2}loss \d/m)
    assert.match(stdout, /precision {4}recall/)
    assert.match(stdout, /taken for /)
    const said = Number(stdout.match(/test accuracy ([\d.]+)% on 40 images/)?.[1])
    const [folder] = await readdir(out)
    const results = JSON.parse(await readFile(join(out, folder, 'results.json'), 'utf8'))
    assert.equal((100 * results.testAccuracy).toFixed(2), said.toFixed(2))
    const report = await readFile(join(out, folder, 'report.html'), 'utf8')
    assert.ok(report.includes('data:image/png;base64,'))
    assert.ok(!/src="(?!data:)|href=/.test(report), 'nothing is fetched from elsewhere')
  } finally {
    await rm(out, { recursive: true })
  }
})
