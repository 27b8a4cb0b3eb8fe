import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { workloads } from '../../bench/workloads/index.ts'

test('bench without arguments lists the workloads, wherever it is called from', () => {
  const tsx = import.meta.resolve('tsx')
  const args = ['--import', tsx, resolve('src/cli/main.ts'), 'bench']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: tmpdir(), encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  for (const { name, about } of workloads) assert.ok(stdout.includes(`  ${name.padEnd(18)} ${about}\n`), name)
})
