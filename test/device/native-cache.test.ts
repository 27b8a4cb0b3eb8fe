// Compiled programs on disk: kept, rebuilt when broken, bounded, and safe from other processes.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { compileC } from '../../src/device/native/compile.ts'
import { findCompiler } from '../../src/device/native/compiler.ts'

const compiler = findCompiler()
const skip = compiler === null && 'no C compiler'

const folders: string[] = []
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'einfold-cache-'))
  folders.push(folder)
  return folder
}
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const returning = (n: number): string => `int answer(void) { return ${n}; }\n`
const compiled = (n: number, folder: string, bytes?: number): string =>
  compileC(compiler!, returning(n), { folder, bytes })

/** Sets the time of last use, in seconds from now. */
const usedAt = (path: string, seconds: number): void => {
  const time = new Date(Date.now() + 1000 * seconds)
  utimesSync(path, time, time)
}

test('the same text is compiled once, and another text apart', { skip }, () => {
  const folder = newFolder()
  const library = compiled(1, folder)
  usedAt(library, -1000)
  const { ino } = statSync(library)
  assert.equal(compiled(1, folder), library)
  assert.equal(statSync(library).ino, ino, 'it was not compiled again')
  assert.ok(Date.now() - statSync(library).mtimeMs < 500_000, 'it counts as used')
  assert.notEqual(compiled(2, folder), library)
})

test('a program compiled by another compiler, with other flags or for another machine is not taken', { skip }, () => {
  const folder = newFolder()
  const others = [{ version: 'another' }, { flags: [...compiler!.flags, '-g0'] }, { machine: 'another' }]
  const paths = [{}, ...others].map((part) => compileC({ ...compiler!, ...part }, returning(1), { folder }))
  assert.equal(new Set(paths).size, 4)
})

test('a truncated or altered program is compiled again', { skip }, () => {
  const folder = newFolder()
  const library = compiled(1, folder)
  const whole = readFileSync(library)
  const altered = Buffer.from(whole)
  altered[whole.length >> 1] ^= 1
  for (const broken of [whole.subarray(0, 100), altered, Buffer.alloc(0)]) {
    writeFileSync(library, broken)
    assert.equal(compiled(1, folder), library)
    assert.deepEqual(readFileSync(library), whole)
  }
  rmSync(`${library}.sum`)
  compiled(1, folder)
  assert.ok(existsSync(`${library}.sum`))
})

test('beyond its bound the cache gives up what was unused for longest, never what was just made', { skip }, () => {
  const folder = newFolder()
  const size = statSync(compiled(0, folder)).size
  const paths = [1, 2, 3].map((n) => compiled(n, folder))
  for (const [at, path] of [compiled(0, folder), ...paths].entries()) usedAt(path, at - 100)
  compiled(0, folder)
  const newest = compiled(4, folder, 3.5 * size)
  const left = readdirSync(folder).filter((name) => name.endsWith('.so'))
  assert.deepEqual(left.sort(), [compiled(0, folder), paths[2], newest].map((path) => basename(path)).sort())
  assert.equal(readdirSync(folder).length, 6, 'their checksums went with them')
  assert.ok(existsSync(compiled(5, folder, 0)))
})

test('where a program cannot be put it is made elsewhere, and stays there for the process', { skip }, () => {
  const folder = newFolder()
  const library = compiled(1, folder)
  rmSync(library)
  mkdirSync(join(library, 'in the way'), { recursive: true })
  const elsewhere = compiled(1, folder)
  assert.notEqual(elsewhere, library)
  const { ino } = statSync(elsewhere)
  assert.equal(compiled(1, folder), elsewhere)
  assert.equal(statSync(elsewhere).ino, ino, 'it was not compiled again')
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('draft')),
    [],
  )
})

test('a checksum whose program is gone is removed in time', { skip }, () => {
  const folder = newFolder()
  const paths = ['old', 'fresh'].map((name) => join(folder, `${name}.so.sum`))
  for (const path of paths) writeFileSync(path, 'of nothing')
  usedAt(paths[0], -3600)
  compiled(1, folder)
  assert.deepEqual(paths.map(existsSync), [false, true])
})

test('what the compiler says is in the error, and nothing is left behind', { skip }, () => {
  const folder = newFolder()
  assert.throws(() => compileC(compiler!, 'int answer(void) { return forty_two; }\n', { folder }), {
    name: 'DeviceError',
    code: 'c-compiler-failed',
    message: /could not compile a program \(exit code 1\):[\s\S]*forty_two/,
  })
  assert.deepEqual(readdirSync(folder), [])
  assert.throws(() => compileC({ ...compiler!, command: '/no/such/compiler' }, returning(1), { folder }), {
    code: 'c-compiler-failed',
    message: /ENOENT/,
  })
})

test('what a killed process left half done is removed, and the work of a living one is not', { skip }, () => {
  const folder = newFolder()
  const [old, fresh] = ['draft-old', 'draft-fresh'].map((name) => mkdtempSync(join(folder, name)))
  writeFileSync(join(old, 'program.c'), '')
  usedAt(old, -3600)
  compiled(1, folder)
  assert.ok(!existsSync(old))
  assert.ok(existsSync(fresh))
})

test('processes that compile the same program at the same time do not meet', { skip }, async () => {
  const folder = newFolder()
  const script = `
    import { compileC } from ${JSON.stringify(new URL('../../src/device/native/compile.ts', import.meta.url).href)}
    import { findCompiler } from ${JSON.stringify(new URL('../../src/device/native/compiler.ts', import.meta.url).href)}
    process.stdin.once('data', () => {
      for (let n = 0; n < 3; n++) {
        console.log(compileC(findCompiler(), 'int answer(void) { return ' + n + '; }\\n', { folder: process.argv[1] }))
      }
      process.exit(0)
    })
    console.log('ready')`
  const processes = [1, 2].map(() =>
    spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  const outputs = processes.map(() => '')
  let hasBegun = false
  await Promise.all(
    processes.map(
      (child, at) =>
        new Promise<void>((resolve) => {
          child.stdout.on('data', (text) => {
            outputs[at] += text
            if (hasBegun || !outputs.every((output) => output.startsWith('ready'))) return
            hasBegun = true
            for (const one of processes) one.stdin.write('\n')
          })
          child.on('close', (code) => {
            assert.equal(code, 0)
            resolve()
          })
        }),
    ),
  )
  assert.equal(outputs[0], outputs[1])
  const paths = outputs[0].trim().split('\n').slice(1)
  assert.equal(paths.length, 3)
  assert.deepEqual(readdirSync(folder).length, 6, 'nothing half done is left')
  for (const [n, path] of paths.entries()) assert.equal(compiled(n, folder), path)
})
