// The system's C compiler: found, asked what it can do, and run.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DeviceError } from '../../errors.ts'

export interface CCompiler {
  readonly command: string
  /** The first line of its version. */
  readonly version: string
  readonly flags: readonly string[]
  /** Vector widths in f32 lanes that the machine and the compiler share, widest first. */
  readonly widths: readonly number[]
  /** Whether it has OpenMP, so that a program can run on several threads. */
  readonly threads: boolean
}

const candidates = ['cc', 'gcc', 'clang']
const baseFlags = [
  '-O3',
  '-march=native',
  '-ffp-contract=off',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-fPIC',
  '-shared',
  '-w',
]

let found: CCompiler | null | undefined

/** The compiler that `EINFOLD_CC` names, else the first of cc, gcc and clang that works; null where there is none. */
export function findCompiler(): CCompiler | null {
  found ??= probe()
  return found
}

function probe(): CCompiler | null {
  const named = process.env.EINFOLD_CC
  for (const command of named === undefined ? candidates : named === '' ? [] : [named]) {
    const version = run(command, ['--version'])
    if (version === null) continue
    const macros = run(command, ['-march=native', '-dM', '-E', '-x', 'c', '/dev/null'])
    if (macros === null) continue
    const threads = hasOpenMp(command)
    const flags = threads ? [...baseFlags, '-fopenmp'] : baseFlags
    return { command, version: version.split('\n')[0], flags, widths: widthsOf(macros), threads }
  }
  return null
}

/** OpenMP needs a library besides the flag. */
const hasOpenMp = (command: string): boolean => {
  const path = run(command, ['-print-file-name=libgomp.so'])?.trim() ?? ''
  return path.includes('/') || (run(command, ['-print-file-name=libomp.so'])?.trim() ?? '').includes('/')
}

function run(command: string, args: readonly string[]): string | null {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 })
  return status === 0 ? stdout : null
}

function widthsOf(macros: string): readonly number[] {
  const has = (name: string) => macros.includes(`#define ${name} `)
  if (has('__AVX512F__') && has('__AVX512VL__')) return [16, 4, 1]
  if (has('__AVX2__') && has('__FMA__')) return [8, 4, 1]
  return [4, 1]
}

/** Where compiled programs are kept: `EINFOLD_CACHE`/native, else ~/.cache/einfold/native. */
export const cacheFolder = (): string =>
  join(process.env.EINFOLD_CACHE ?? join(homedir(), '.cache', 'einfold'), 'native')

/** At most so many bytes of compiled programs are kept; those unused for longest go first. */
const cacheBytes = 256 * 1024 * 1024

/** The path of the shared library made from a C text: from the cache where it is there and whole. */
export function compileC(compiler: CCompiler, source: string): string {
  const folder = cacheFolder()
  const key = createHash('sha256')
    .update(JSON.stringify([compiler.version, compiler.flags, source]))
    .digest('hex')
    .slice(0, 32)
  const library = join(folder, `${key}.so`)
  if (isWhole(library)) {
    const now = new Date()
    utimesSync(library, now, now)
    return library
  }
  mkdirSync(folder, { recursive: true })
  // Names of its own for each process, moved into place when complete: two that compile the same do not meet.
  const draft = join(folder, `${key}.${process.pid}.${Date.now().toString(36)}`)
  writeFileSync(`${draft}.c`, source)
  try {
    execFileSync(compiler.command, [...compiler.flags, '-o', `${draft}.so`, `${draft}.c`, '-lm'], { stdio: 'pipe' })
    writeFileSync(`${draft}.sum`, checksum(`${draft}.so`))
    renameSync(`${draft}.sum`, `${library}.sum`)
    renameSync(`${draft}.so`, library)
  } catch (error) {
    const output = String((error as { stderr?: Buffer }).stderr ?? error)
    throw new DeviceError(
      'c-compiler-failed',
      `${compiler.command} could not compile a program:\n${output.slice(0, 4000)}`,
    )
  } finally {
    for (const ending of ['.c', '.so', '.sum']) rmSync(`${draft}${ending}`, { force: true })
  }
  trim(folder)
  return library
}

function isWhole(library: string): boolean {
  if (!existsSync(library) || !existsSync(`${library}.sum`)) return false
  return readText(`${library}.sum`) === checksum(library)
}

const readText = (path: string): string => readFileSync(path, 'utf8')
const checksum = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Keeps the cache within its bound. */
function trim(folder: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.so'))
    .flatMap((name) => {
      const path = join(folder, name)
      const stats = statSync(path, { throwIfNoEntry: false })
      return stats ? [{ path, size: stats.size, used: stats.mtimeMs }] : []
    })
    .sort((a, b) => b.used - a.used)
  let total = 0
  for (const { path, size } of files) {
    total += size
    if (total <= cacheBytes) continue
    rmSync(path, { force: true })
    rmSync(`${path}.sum`, { force: true })
  }
}
