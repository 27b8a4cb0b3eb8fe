// What happens where there is no compiler, or another one: each case in a process of its own.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findCompiler, hash } from '../../src/device/native/compiler.ts'
import { nativeAbsence } from '../../src/device/native/device.ts'

const folder = mkdtempSync(join(tmpdir(), 'einfold-absence-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const index = new URL('../../src/index.ts', import.meta.url).href
const training = `
  import { compile, device, devices, grad, tensor, zeros } from ${JSON.stringify(index)}
  import { parameter } from ${JSON.stringify(new URL('../../src/nn/index.ts', import.meta.url).href)}
  const w = parameter([2], zeros)
  const x = tensor([[1, 2], [3, 4], [-1, 1]])
  const y = tensor([5, 11, 1])
  const step = compile((x, y) => {
    const loss = x.matmul(w).sub(y).square().mean()
    w.assign(w.sub(grad(loss, w).mul(0.05)))
    return loss
  })
  let loss
  for (let turn = 0; turn < 300; turn++) loss = step(x, y)
  const native = devices().find(({ name }) => name === 'native')
  console.log(JSON.stringify({ device: device().name, about: native.about, loss: await loss.item() }))`

interface Outcome {
  readonly device: string
  readonly about: string
  readonly loss: number
}

function train(env: Record<string, string | undefined>, ...flags: string[]): Outcome {
  const { EINFOLD_DEVICE: _, ...inherited } = process.env
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', ...flags, '--input-type=module', '-e', training],
    { encoding: 'utf8', env: { ...inherited, EINFOLD_CACHE: join(folder, 'cache'), ...env } },
  )
  assert.equal(status, 0, stderr)
  const outcome = JSON.parse(stdout) as Outcome
  assert.ok(outcome.loss < 1e-3, `it learns: ${outcome.loss}`)
  return outcome
}

test('with EINFOLD_CC empty there is no native device, and everything works without it', () => {
  const { device, about } = train({ EINFOLD_CC: '' })
  assert.notEqual(device, 'native')
  assert.match(about, /EINFOLD_CC is empty/)
})

test('a machine without cc, gcc and clang works without them', () => {
  const { device, about } = train({ EINFOLD_CC: undefined, PATH: '/no/such/folder' })
  assert.notEqual(device, 'native')
  assert.match(about, /no C compiler was found/)
})

test('a compiler that is not there is said to be missing, and what EINFOLD_CC holds is never given to a shell', () => {
  const trace = join(folder, 'trace')
  const { device, about } = train({ EINFOLD_CC: `cc; touch ${trace}` })
  assert.notEqual(device, 'native')
  assert.match(about, /"cc; touch .*", does not run/)
  assert.ok(!existsSync(trace))
})

test('without koffi there is no native device, and it says so', {
  skip: findCompiler() === null && 'no C compiler',
}, () => {
  const hook = `import module from 'node:module'
    const resolve = module._resolveFilename
    module._resolveFilename = (name, ...rest) => {
      if (name === 'koffi') throw new Error('hidden')
      return resolve(name, ...rest)
    }`
  const { device, about } = train({}, '--import', `data:text/javascript,${encodeURIComponent(hook)}`)
  assert.notEqual(device, 'native')
  assert.match(about, /koffi/)
})

test('the compiler that EINFOLD_CC names is the one that compiles, and is asked what it can do once', {
  skip: nativeAbsence() ?? false,
}, () => {
  const log = join(folder, 'calls')
  const command = join(folder, 'my compiler')
  writeFileSync(command, `#!/bin/sh\necho call >> "${log}"\nexec "${findCompiler()!.command}" "$@"\n`)
  chmodSync(command, 0o755)
  const env = { EINFOLD_CC: command, EINFOLD_CACHE: join(folder, 'own') }
  const calls = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').length : 0)
  assert.equal(train(env).device, 'native')
  const first = calls()
  assert.ok(first >= 2)
  assert.equal(train(env).device, 'native')
  assert.equal(calls(), first, 'neither questions nor compilation on a warm start')
})

test('a cache that cannot be made does not stand in the way', { skip: nativeAbsence() ?? false }, () => {
  const file = join(folder, 'a file')
  writeFileSync(file, '')
  assert.equal(train({ EINFOLD_CACHE: join(file, 'cache') }).device, 'native')
})

test('programs and answers that are garbage, though their checksums are right, are made anew', {
  skip: nativeAbsence() ?? false,
}, () => {
  const cache = join(folder, 'garbage')
  assert.equal(train({ EINFOLD_CACHE: cache }).device, 'native')
  const native = join(cache, 'native')
  const programs = readdirSync(native).filter((name) => name.endsWith('.so'))
  assert.ok(programs.length > 0)
  const garbage = 'no program at all'
  for (const name of programs) {
    rmSync(join(native, name))
    writeFileSync(join(native, name), garbage)
    writeFileSync(join(native, `${name}.sum`), hash(garbage))
  }
  for (const name of readdirSync(native).filter((name) => name.endsWith('.json'))) {
    const text = readFileSync(join(native, name), 'utf8')
    writeFileSync(join(native, name), text.slice(0, text.length / 2))
  }
  assert.equal(train({ EINFOLD_CACHE: cache }).device, 'native')
  for (const name of programs) assert.notEqual(readFileSync(join(native, name), 'utf8'), garbage)
})
