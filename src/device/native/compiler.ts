// The system's C compiler: found, and asked once what it can do here.
import type { Bf16 } from '../../emit/c/bf16Plan.ts'
import { usualCache } from '../../emit/c/tiles.ts'
import { builtin, environment } from '../../platform.ts'
import { cacheFolder, readEntry, writeEntry } from './cache.ts'

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
  /** Whether it has OpenMP, so that a program can run on several threads. */
  readonly threads: boolean
  /** For each kind of instruction that multiplies bfloat16: null where it is there, else why it is not. */
  readonly bf16: Readonly<Record<Bf16['unit'], string | null>>
  /** The instructions it compiles for: what was compiled elsewhere may not run here. */
  readonly machine: string
}

const candidates = ['cc', 'gcc', 'clang']

const found = new Map<string | undefined, CCompiler | null>()

/**
 * The compiler that `EINFOLD_CC` names (empty: none), else the first of cc, gcc and clang that works; null where there is
 * none. What a compiler can do is kept on disk until the compiler or the machine changes.
 */
export function findCompiler(): CCompiler | null {
  const named = environment('EINFOLD_CC')
  const known = found.get(named)
  if (known !== undefined) return known
  const compiler = firstThatWorks(named === undefined ? candidates : [named])
  found.set(named, compiler)
  return compiler
}

function firstThatWorks(commands: readonly string[]): CCompiler | null {
  for (const command of commands) {
    const path = pathOf(command)
    const compiler = path === null ? null : (remembered(path) ?? asked(path))
    if (compiler) return compiler
  }
  return null
}

/** Where a command is, as a shell would look for it, without one; null where it is not. */
function pathOf(command: string): string | null {
  const { join, delimiter, sep, resolve } = builtin('node:path')
  if (command === '') return null
  if (command.includes(sep)) return isFile(command) ? resolve(command) : null
  const folders = (environment('PATH') ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, command)).find(isFile) ?? null
}

const isFile = (path: string): boolean =>
  builtin('node:fs').statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

/** What was found out about a compiler before; null where it, or the machine, is another now. */
function remembered(path: string): CCompiler | null {
  const entry = readEntry(cacheFolder(), answerName(path))
  if (entry === null) return null
  try {
    const { of, compiler } = JSON.parse(entry) as { of: unknown; compiler: CCompiler }
    return of === identityOf(path) && compiler.widths.length > 0 && compiler.flags.length > 0 ? compiler : null
  } catch {
    return null
  }
}

function asked(path: string): CCompiler | null {
  const compiler = ask(path)
  const entry = JSON.stringify({ of: identityOf(path), compiler })
  if (compiler) writeEntry(cacheFolder(), answerName(path), entry)
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

/** A program that needs what generated ones do. */
const trial = `#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
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

/** Finds by trial what the compiler compiles and links; null where nothing works. */
function ask(command: string): CCompiler | null {
  for (const machine of machineFlags) {
    for (const threads of [true, false]) {
      const flags = [...baseFlags, ...machine, ...(threads ? ['-fopenmp'] : [])]
      if (run(command, [...flags, '-x', 'c', '-', '-o', '/dev/null', '-lm'], trial) === null) continue
      const macros = run(command, [...flags, '-dM', '-E', '-x', 'c', '-'], '')
      if (macros === null) continue
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
          avx512: bf16Absence('AVX512-BF16', { command, flags, macros }),
          amx: bf16Absence('AMX', { command, flags, macros }),
        },
        machine: hash(macros),
      }
    }
  }
  return null
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
  { command, flags, macros }: { command: string; flags: readonly string[]; macros: string },
): string | null {
  const { macros: wanted, flag, trial } = bf16Instructions[name]
  const text = `void run(void) { __asm__ volatile("${trial}"); }`
  const isKnown = wanted.every((macro) => defines(macros, macro))
  if (isKnown && run(command, [...flags, '-x', 'c', '-', '-o', '/dev/null'], text) !== null) return null
  return new RegExp(`\\b${flag}\\b`).test(machineText())
    ? `the compiler ${command} does not know ${name}`
    : `this CPU has no ${name}`
}

function run(command: string, args: readonly string[], input: string): string | null {
  const { status, stdout } = builtin('node:child_process').spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 20_000,
    input,
  })
  return status === 0 ? stdout : null
}

const defines = (macros: string, name: string): boolean => macros.includes(`#define ${name} `)

const isFused = (macros: string): boolean =>
  ['__FMA__', '__AVX512F__', '__ARM_FEATURE_FMA'].some((name) => defines(macros, name))

function widthsOf(macros: string): readonly number[] {
  if (defines(macros, '__AVX512F__') && defines(macros, '__AVX512VL__')) return [16, 4, 1]
  if (defines(macros, '__AVX2__') && defines(macros, '__FMA__')) return [8, 4, 1]
  return [4, 1]
}
