// The system's C compiler: found, and asked once what it can do here.
import type { Bf16 } from '../../emit/c/bf16Plan.ts'
import { usualCache } from '../../emit/c/tiles.ts'
import { builtin, environment } from '../../platform.ts'
import { cacheFolder, readEntry, temporaryFolder, writeEntry } from './cache.ts'
import { loadKoffi } from './koffi.ts'

export interface CCompiler {
  readonly command: string
  /** What the compiler calls itself. */
  readonly version: string
  readonly flags: readonly string[]
  /** Vector widths in f32 lanes that the machine and the compiler share, widest first. */
  readonly widths: readonly number[]
  /** Whether the machine multiplies and adds with one rounding. */
  readonly fused: boolean
  /** Bytes of a core's second cache. */
  readonly cache: number
  /** By what a program runs on several threads; null where it does not. */
  readonly threads: 'openmp' | 'pthreads' | null
  /** For each kind of instruction that multiplies bfloat16: null where it is there, else why it is not. */
  readonly bf16: Readonly<Record<Bf16['unit'], string | null>>
  /** The instructions it compiles for: what was compiled elsewhere may not run here. */
  readonly machine: string
}

const candidates = ['cc', 'gcc', 'clang']

/** What each value of `EINFOLD_CC` led to: a compiler, or why there is none. */
const found = new Map<string | undefined, CCompiler | string>()

/**
 * The compiler that `EINFOLD_CC` names (empty: none), else the first of cc, gcc and clang that works; null where there is
 * none. What a compiler can do is kept on disk until the compiler or the machine changes.
 */
export function findCompiler(): CCompiler | null {
  const sought = soughtCompiler()
  return typeof sought === 'string' ? null : sought
}

/** Why there is no compiler; null where there is one. */
export function compilerAbsence(): string | null {
  const sought = soughtCompiler()
  return typeof sought === 'string' ? sought : null
}

function soughtCompiler(): CCompiler | string {
  const named = environment('EINFOLD_CC')
  let sought = found.get(named)
  if (sought === undefined) {
    sought = named === undefined ? firstThatWorks() : namedCompiler(named)
    found.set(named, sought)
  }
  return sought
}

function namedCompiler(name: string): CCompiler | string {
  if (name === '') return 'EINFOLD_CC is empty: no C compiler is to be used'
  const path = pathOf(name)
  const compiler = path === null ? notThere(name) : compilerAt(path)
  return typeof compiler === 'string'
    ? `the C compiler that EINFOLD_CC names, ${JSON.stringify(name)}, does not run: ${compiler}`
    : compiler
}

const notThere = (name: string): string =>
  pathOf(name.split(' ')[0]) === null
    ? 'there is no such program'
    : 'there is no such program; arguments cannot be given, but a script that gives them can be named'

function firstThatWorks(): CCompiler | string {
  const failures: string[] = []
  for (const name of candidates) {
    const path = pathOf(name)
    const compiler = path === null ? null : compilerAt(path)
    if (typeof compiler === 'string') failures.push(`${path}: ${compiler}`)
    else if (compiler) return compiler
  }
  const none = 'no C compiler was found (cc, gcc or clang; EINFOLD_CC may name one)'
  return failures.length === 0 ? none : `${none}; ${failures.join('; ')}`
}

const compilerAt = (path: string): CCompiler | string => remembered(path) ?? asked(path)

/** Where a command is, as a shell would look for it, without one; null where it is not. */
function pathOf(command: string): string | null {
  const { join, delimiter, sep, resolve } = builtin('node:path')
  if (command === '') return null
  if (command.includes(sep)) return isProgram(command) ? resolve(command) : null
  const folders = (environment('PATH') ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, command)).find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  const { accessSync, constants, statSync } = builtin('node:fs')
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** What was found out about a compiler before; null where it, or the machine, is another now. */
function remembered(path: string): CCompiler | null {
  const entry = readEntry(cacheFolder(), answerName(path))
  if (entry === null) return null
  try {
    const { of, sum, compiler } = JSON.parse(entry) as { of: unknown; sum: unknown; compiler: CCompiler }
    return of === identityOf(path) && sum === hash(JSON.stringify(compiler)) ? compiler : null
  } catch {
    return null
  }
}

function asked(path: string): CCompiler | string {
  const compiler = ask(path)
  if (typeof compiler === 'string') return compiler
  const entry = JSON.stringify({ of: identityOf(path), sum: hash(JSON.stringify(compiler)), compiler })
  writeEntry(cacheFolder(), answerName(path), entry)
  return compiler
}

const answerName = (path: string): string => `compiler-${hash(path).slice(0, 16)}.json`

/** Counted up when more is asked: older answers then no longer count. */
const answerForm = 6

/** The compiler's file and the machine's instructions, as far as that costs next to nothing to find out. */
function identityOf(path: string): string {
  const { size, mtimeMs } = builtin('node:fs').statSync(path)
  return hash(JSON.stringify([answerForm, path, size, mtimeMs, baseFlags, machineText()]))
}

function machineText(): string {
  const { arch, cpus, platform } = builtin('node:os')
  if (platform() !== 'linux') return `${arch()} ${cpus()[0]?.model}`
  // The first processor's entry; with many processors the whole file takes long.
  const { openSync, readSync, closeSync } = builtin('node:fs')
  const bytes = new Uint8Array(4096)
  const file = openSync('/proc/cpuinfo', 'r')
  const length = readSync(file, bytes)
  closeSync(file)
  const lines = new TextDecoder().decode(bytes.subarray(0, length)).split('\n')
  return ['model name', 'flags', 'Features', 'CPU part']
    .map((wanted) => lines.find((line) => line.startsWith(wanted)))
    .join('\n')
}

/** As Linux says; elsewhere what is usual. */
function secondCache(): number {
  try {
    const text = builtin('node:fs').readFileSync('/sys/devices/system/cpu/cpu0/cache/index2/size', 'utf8')
    const size = /^(\d+)K$/.exec(text.trim())
    return size ? Number(size[1]) * 1024 : usualCache
  } catch {
    return usualCache
  }
}

export const hash = (text: string | Uint8Array): string =>
  builtin('node:crypto').createHash('sha256').update(text).digest('hex')

/**
 * -O3 takes twice the time over programs like these and gains nothing: vectors and tiles are written out. Sums are not to be
 * re-ordered, nor products and sums fused, but where the program says so.
 */
const baseFlags = ['-O2', '-ffp-contract=off', '-fno-math-errno', '-fno-trapping-math', '-fPIC', '-shared', '-w']
const machineFlags = [['-march=native'], ['-mcpu=native'], []]

/** How several threads run a program, best first; the last way is that one does. */
const threadFlags: readonly (readonly [CCompiler['threads'], readonly string[]])[] = [
  ['openmp', ['-fopenmp']],
  ['pthreads', ['-pthread', '-DTHREAD_POOL']],
  [null, []],
]

/** A program that needs what generated ones do. */
const trial = `#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(_OPENMP)
#include <omp.h>
#elif defined(THREAD_POOL)
#include <pthread.h>
void *start(pthread_t *thread, void *(*of)(void *)) { return pthread_create(thread, NULL, of, NULL) ? NULL : thread; }
#endif
typedef float F4 __attribute__((vector_size(16)));
void run(F4 *x) {
#ifdef _OPENMP
  #pragma omp parallel num_threads(2)
  x[omp_get_thread_num()] += 1;
#endif
  x[0] *= sinf(x[0][1]);
}
`

/**
 * Finds by trial what a compiler compiles, links, and can be loaded; why nothing can where that is so. It is given up when it
 * does not answer for `patience` seconds.
 */
export function ask(command: string, patience = 20): CCompiler | string {
  const run = runner(command, patience)
  let failure = ''
  for (const machine of machineFlags) {
    for (const [threads, more] of threadFlags) {
      const flags = [...baseFlags, ...machine, ...more]
      const tried = tryOut(run, flags)
      if (tried.failure !== null) {
        if (tried.hangs) return tried.failure
        failure = tried.failure
        continue
      }
      const { output: macros } = run([...flags, '-dM', '-E', '-x', 'c', '-'], '')
      const version = /#define __VERSION__ "(.*)"/.exec(macros)?.[1] ?? 'unknown'
      return {
        command,
        version,
        flags,
        widths: widthsOf(macros),
        fused: isFused(macros),
        cache: secondCache(),
        threads,
        bf16: {
          avx512: bf16Absence('AVX512-BF16', { command, run, flags, macros }),
          amx: bf16Absence('AMX', { command, run, flags, macros }),
        },
        machine: hash(macros),
      }
    }
  }
  return failure
}

/** Compiles the trial and loads it: a compiler may be for other machines, or what it links with not be found again. */
function tryOut(run: Run, flags: readonly string[]): { readonly failure: string | null; readonly hangs?: boolean } {
  const { rmSync } = builtin('node:fs')
  const { join } = builtin('node:path')
  const folder = temporaryFolder()
  if (folder === null) return { failure: 'there is no folder for temporary files that can be written' }
  try {
    const library = join(folder, 'trial.so')
    const { failure, hangs } = run([...flags, '-x', 'c', '-', '-o', library, '-lm'], trial)
    if (failure !== null) return { failure, hangs }
    try {
      loadKoffi()?.load(library)
      return { failure: null }
    } catch (error) {
      return { failure: `what it compiles cannot be loaded here: ${(error as Error).message}` }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Bf16Instructions {
  /** What the compiler defines where it compiles for them. */
  readonly macros: readonly string[]
  /** What Linux calls them. */
  readonly flag: string
  readonly trial: string
}

const bf16Instructions: Readonly<Record<'AVX512-BF16' | 'AMX', Bf16Instructions>> = {
  'AVX512-BF16': {
    macros: ['__AVX512F__', '__AVX512VL__', '__AVX512BF16__'],
    flag: 'avx512_bf16',
    trial: 'vdpbf16ps %zmm0, %zmm1, %zmm2',
  },
  AMX: {
    macros: ['__AVX512F__', '__AVX512VL__', '__AMX_TILE__', '__AMX_BF16__'],
    flag: 'amx_bf16',
    trial: 'tdpbf16ps %tmm0, %tmm1, %tmm2',
  },
}

/** Why instructions cannot be used; null where they can. A compiler's assembler may be older than the compiler. */
function bf16Absence(
  name: keyof typeof bf16Instructions,
  { command, run, flags, macros }: { command: string; run: Run; flags: readonly string[]; macros: string },
): string | null {
  const { macros: wanted, flag, trial } = bf16Instructions[name]
  const text = `void run(void) { __asm__ volatile("${trial}"); }`
  const isKnown = wanted.every((macro) => defines(macros, macro))
  if (isKnown && run([...flags, '-x', 'c', '-c', '-', '-o', '/dev/null'], text).failure === null) return null
  return new RegExp(`\\b${flag}\\b`).test(machineText())
    ? `the compiler ${command} does not know ${name}`
    : `this CPU has no ${name}`
}

interface Outcome {
  readonly output: string
  /** What went wrong; null where nothing did. */
  readonly failure: string | null
  /** Whether it did not end by itself. */
  readonly hangs: boolean
}

type Run = (args: readonly string[], input: string) => Outcome

/** Runs a compiler on a text. */
const runner =
  (command: string, patience: number): Run =>
  (args, input) => {
    const { status, signal, stdout, stderr, error } = builtin('node:child_process').spawnSync(command, args, {
      encoding: 'utf8',
      timeout: patience * 1000,
      killSignal: 'SIGKILL',
      maxBuffer: outputBytes,
      input,
    })
    if (status === 0) return { output: stdout, failure: null, hangs: false }
    const end = endOf({ error, signal, status, patience: `${patience} seconds` })
    const hangs = (error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT'
    return { output: '', failure: stderr?.trim().slice(0, 1000) || end, hangs }
  }

/** More than a compiler writes that has something to say. */
export const outputBytes = 16 * 2 ** 20

/** How a process ended that did not do what it was to do. */
export function endOf(of: {
  readonly error?: Error
  readonly signal: string | null
  readonly status: number | null
  readonly patience: string
}): string {
  const code = (of.error as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ETIMEDOUT') return `it did not end within ${of.patience}`
  if (code === 'ENOBUFS') return `it wrote more than ${outputBytes / 2 ** 20} MiB of messages`
  if (of.status !== null) return of.status === 0 ? 'it wrote nothing' : `exit code ${of.status}`
  return of.signal ? `ended by ${of.signal}` : (of.error?.message ?? 'for no known reason')
}

const defines = (macros: string, name: string): boolean => macros.includes(`#define ${name} `)

const isFused = (macros: string): boolean =>
  ['__FMA__', '__AVX512F__', '__ARM_FEATURE_FMA'].some((name) => defines(macros, name))

function widthsOf(macros: string): readonly number[] {
  if (defines(macros, '__AVX512F__') && defines(macros, '__AVX512VL__')) return [16, 4, 1]
  if (defines(macros, '__AVX2__') && defines(macros, '__FMA__')) return [8, 4, 1]
  return [4, 1]
}
