// Compilers that are none, that fail, hang, talk much or compile for another machine.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { compileC } from '../../src/device/native/compile.ts'
import { ask, compilerAbsence, findCompiler } from '../../src/device/native/compiler.ts'
import { loadKoffi } from '../../src/device/native/koffi.ts'

const named = process.env.EINFOLD_CC
const compiler = findCompiler()
const skip = compiler === null && 'no C compiler'

const folder = mkdtempSync(join(tmpdir(), 'einfold-compilers-'))
after(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => {
  if (named === undefined) delete process.env.EINFOLD_CC
  else process.env.EINFOLD_CC = named
})

function script(name: string, ...lines: string[]): string {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${lines.join('\n')}\n`)
  chmodSync(path, 0o755)
  return path
}

const real = (): string => `exec "${compiler!.command}" "$@"`

/** Why what EINFOLD_CC names is not used; null where it is. */
function absenceOf(value: string): string | null {
  process.env.EINFOLD_CC = value
  return compilerAbsence()
}

test('a folder, a file that is no program and a name with arguments are said not to run', () => {
  const text = join(folder, 'text')
  writeFileSync(text, 'int x;')
  assert.match(absenceOf(folder)!, /EINFOLD_CC names, ".*", does not run: there is no such program$/)
  assert.match(absenceOf(text)!, /there is no such program$/)
  assert.match(absenceOf('node -v')!, /there is no such program; arguments cannot be given, but a script/)
})

test('what a compiler that fails says is told', () => {
  assert.match(absenceOf(script('unlicensed', 'echo licence expired >&2', 'exit 1'))!, /does not run: licence expired$/)
  assert.match(absenceOf(script('mute', 'exit 3'))!, /does not run: exit code 3$/)
})

test('a compiler that writes no library, or one that cannot be loaded, is not used', {
  skip: skip || (loadKoffi() === null && 'no koffi'),
}, () => {
  assert.match(absenceOf(script('idle', 'exit 0'))!, /what it compiles cannot be loaded here/)
  const lines = ['while [ "$1" != -o ]; do shift; done', 'echo garbage > "$2"']
  assert.match(absenceOf(script('garbage', ...lines))!, /what it compiles cannot be loaded here/)
})

const cross = 'aarch64-linux-gnu-gcc'
test('a compiler for another machine is not used', {
  skip: skip || ((process.arch === 'arm64' || spawnSync(cross, ['--version']).status !== 0) && `no ${cross}`),
}, () => {
  assert.match(absenceOf(cross)!, /what it compiles cannot be loaded here/)
})

test('a compiler that hangs is given up', () => {
  const slept = script('sleeper', 'exec sleep 60')
  assert.equal(ask(slept, 0.3), 'it did not end within 0.3 seconds')
  const shared = { folder: join(folder, 'hang'), patience: 300 }
  const asleep = { ...(compiler ?? blank), command: slept }
  assert.throws(() => compileC(asleep, 'int x;', shared), {
    code: 'c-compiler-failed',
    message: /sleeper could not compile a program \(it did not end within 0\.005 minutes\):\nno output/,
  })
  assert.deepEqual(readdirSync(shared.folder), [], 'nothing is left behind')
})

const blank = {
  ...{ version: 'none', flags: [], widths: [1], fused: false, cache: 0, threads: null, machine: 'none' },
  bf16: { avx512: 'none', amx: 'none' },
}

test('a compiler may write megabytes of warnings; of its errors the first are shown', { skip }, () => {
  const talk = 'yes "warning: this is only a warning" | head -c 3000000 >&2'
  assert.equal(absenceOf(script('talker', talk, real())), null)
  const talker = findCompiler()!
  assert.ok(existsSync(compileC(talker, 'int x;', { folder: join(folder, 'talk') })))
  assert.throws(
    () => compileC(talker, 'no C', { folder: join(folder, 'talk') }),
    ({ code, message }: Error & { code: string }) => {
      assert.equal(code, 'c-compiler-failed')
      assert.match(message, /only a warning/)
      return message.length < 5000
    },
  )
  const endless = { ...talker, command: script('endless', 'exec yes "no end" >&2') }
  assert.throws(() => compileC(endless, 'int y;', { folder: join(folder, 'talk') }), {
    code: 'c-compiler-failed',
    message: /\(it wrote more than 16 MiB of messages\):\nno end/,
  })
})

test('a compiler that ends well without a library is said to have written nothing', { skip }, () => {
  const idle = { ...compiler!, command: script('lazy', 'exit 0') }
  assert.throws(() => compileC(idle, 'int x;', { folder: join(folder, 'lazy-cache') }), {
    code: 'c-compiler-failed',
    message: /\(it wrote nothing\)/,
  })
})
