import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { experiments } from '../../experiments/index.ts'
import { devices } from '../../src/index.ts'

interface Report {
  readonly html: string
  readonly results: Readonly<Record<string, unknown>> & { readonly settings: Readonly<Record<string, string>> }
}

/** `einfold run NAME` in a process of its own, and what it leaves. */
async function reportOf(name: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Report> {
  const out = await mkdtemp(join(tmpdir(), `${name}-`))
  try {
    const command = ['--import', 'tsx', 'src/cli/main.ts', 'run', name, ...args, '--out', out]
    const child = spawn(process.execPath, command, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let complaints = ''
    child.stderr.on('data', (text) => {
      complaints += text
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    assert.equal(code, 0, complaints)
    const [folder] = await readdir(out)
    const read = (file: string): Promise<string> => readFile(join(out, folder, file), 'utf8')
    return { html: await read('report.html'), results: JSON.parse(await read('results.json')) }
  } finally {
    await rm(out, { recursive: true })
  }
}

const small = ['--quick', '--limit', '120', '--epochs', '1', '--seed', '3']

for (const name of Object.keys(experiments))
  test(`${name} --quick leaves a report that says what it depends on, with the same numbers whatever the threads`, async () => {
    const [one, several] = await Promise.all(
      ['1', '3'].map((threads) => reportOf(name, small, { EINFOLD_DEVICE: 'wasm', EINFOLD_THREADS: threads })),
    )
    const { settings } = one.results
    assert.equal(settings.seed, '3')
    assert.equal(settings.device, 'wasm')
    assert.equal(settings.threads, '1')
    assert.equal(several.results.settings.threads, '3')
    assert.equal(settings.node, process.version)
    assert.match(settings.einfold, /^\d+\.\d+\.\d+/)
    for (const said of ['precision', 'processor']) assert.ok(settings[said], said)
    assert.ok(one.html.startsWith('<!doctype html>') && one.html.includes('<svg'))
    assert.ok(!/(src|href)="(?!data:)/.test(one.html), 'nothing is fetched from elsewhere')
    assert.deepEqual(withoutTimes(several.results), withoutTimes(one.results))
  })

const native = devices().find((one) => one.name === 'native')
test('with compiled C too the number of threads changes no number', { skip: !native?.available }, async () => {
  const run = (threads: string) =>
    reportOf('conv-from-scratch', [...small, '--part', 'training'], {
      EINFOLD_DEVICE: 'native',
      EINFOLD_THREADS: threads,
    })
  const one = await run('1')
  assert.ok(one.results.settings['C compiler'])
  assert.deepEqual(withoutTimes((await run('2')).results), withoutTimes(one.results))
})

/** Numbers as they are, but for those of the clock and of memory, and for the settings. */
function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !/^settings$|^times?$|seconds|ms$|memory/i.test(key))
      .map(([key, inner]) => [key, withoutTimes(inner)]),
  )
}
