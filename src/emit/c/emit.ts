// One C file for a program: a function a kernel, and one that runs them all.

import type { Program, Statement } from '../../compiler/ir.ts'
import { mapStatements } from '../../compiler/mapStatements.ts'
import { rebase } from '../../compiler/rebase.ts'
import { type ScratchPlaces, scratchPlaces } from '../../compiler/scratch.ts'
import { eachStatement } from '../../compiler/tidy.ts'
import { addInProducts } from './addends.ts'
import type { Bf16 } from './bf16Plan.ts'
import { bf16Functions } from './bf16Preamble.ts'
import { keepPacks } from './keptPacks.ts'
import { kernelText } from './kernel.ts'
import { isMathName, mathFunction } from './math.ts'
import { header, uniformFunction, vectorTypes } from './preamble.ts'
import { offsetTables } from './tables.ts'

export interface CTarget {
  /** Vector widths in f32 lanes, widest first; the last is 1. */
  readonly widths: readonly number[]
  /** Whether the machine multiplies and adds with one rounding; the text is right either way only without. */
  readonly fused: boolean
  /** For how many threads there is workspace. */
  readonly maxThreads: number
  /** Bytes of a core's second cache. */
  readonly cache: number
  /** How products of f32 may be computed less exactly; null: they may not. */
  readonly bf16: Bf16 | null
}

/**
 * The text of a C file whose function `run` takes the arena's address and the addresses of the external buffers, in the order
 * of `Program.external`.
 */
export function emitC(program: Program, target: CTarget): string {
  const tables = offsetTables()
  const used = new Map<string, { fn: string; width: number }>()
  const functions: string[] = []
  const workspaces: string[] = []
  const defined = new Map<string, string>()
  let names = 0
  const define = (prefix: string, make: (name: string) => string): string => {
    const nameless = make('@')
    const known = defined.get(nameless)
    if (known) return known
    const name = `${prefix}${names++}`
    defined.set(nameless, name)
    functions.push(nameless.replaceAll('@', name))
    return name
  }
  const sharedSpace = (length: number): string => {
    const name = `space${names++}`
    workspaces.push(`static float ${name}[${Math.ceil(length / 16) * 16}] __attribute__((aligned(64)));`)
    return name
  }
  let blockLength = 0
  const blockSpace = (length: number): string => {
    blockLength = Math.max(blockLength, length)
    return 'blockSpace[thread]'
  }
  // Tiles in bfloat16 add nothing.
  const kernels = target.bf16 ? program.kernels : addInProducts(program)
  const scratch = scratchPlaces({ ...program, kernels })
  if (scratch.bytes > 0) {
    workspaces.push(`static float scratch[${target.maxThreads}][${scratch.bytes / 4}] __attribute__((aligned(64)));`)
  }
  let usesBf16 = false
  let wasAlone = true
  const [widest] = target.widths
  const packed = keepPacks(kernels, { width: widest, cache: target.cache, bf16: target.bf16 })
  const kept = new Map<string, string | null>(packed.names.map((name) => [name, null]))
  const written = textOfEach()
  const calls = packed.kernels.map((kernel) => {
    const names = [...new Set([...kernel.reads, ...kernel.writes])]
    // Kernels that differ only in what they run on are one function: of buffers by their place, each from where it begins.
    const { body: moved, origins } = rebase(kernel.body)
    const placeOf = new Map(names.map((name, at) => [name, `q${at}`]))
    const placed = mapStatements(moved, { buffer: (name) => placeOf.get(name)! })
    const buffers = new Map(names.map((name) => [placeOf.get(name)!, program.buffers.get(name)!]))
    const isDouble = [...buffers.values()].some(({ dtype }) => dtype === 'f64')
    const context = {
      buffers,
      tables,
      // Kernels in f64 are for checks and run without vectors.
      widths: isDouble ? [1] : target.widths,
      define,
      sharedSpace,
      blockSpace,
      cache: target.cache,
      bf16: target.bf16,
      kept,
      useBf16: () => {
        usesBf16 = true
      },
      use: (fn: string, width: number) => used.set(`${fn}_${width}`, { fn, width }),
    }
    const { lines, alone } = written(placed, context)
    const parameters = [...buffers].map(([place, { dtype }]) => `${cTypes[dtype]} *restrict ${place}`)
    const fn = define('kernel', (name) =>
      [
        `static __attribute__((noinline)) void ${name}(${[...parameters, 'int thread', 'int threads'].join(', ')}) {`,
        ...lines,
        '}',
      ].join('\n'),
    )
    const formulas = kernel.formulas.map((formula) => `  // ${formula.replaceAll('\n', '; ').replaceAll('\\', '')}`)
    // Threads meet where one may need what another has made; what one thread does in a row needs no meeting.
    const meeting = wasAlone && alone ? [] : ['  meet(threads);']
    wasAlone = alone
    return [
      ...meeting,
      ...formulas,
      `  ${fn}(${[...names.map((name) => argument(name, origins.get(name) ?? 0, program, scratch)), 'thread', 'threads'].join(', ')});`,
    ].join('\n')
  })
  const bf16 = usesBf16 ? target.bf16 : null
  if (bf16?.unit === 'amx') {
    calls.unshift('  startTiles();')
    calls.push('  endTiles();')
  }
  return [
    header,
    ...[...target.widths].reverse().map(vectorTypes),
    ...(bf16 ? [bf16Functions(bf16)] : []),
    ...[...used.values()].map(({ fn, width }) =>
      isMathName(fn)
        ? mathFunction(fn, width, { widest: width === widest, fused: target.fused, scales: widest === avx512 })
        : uniformFunction(width),
    ),
    tables.text(),
    ...workspaces,
    `static float blockSpace[${target.maxThreads}][${Math.ceil(blockLength / 16) * 16 + 16}] __attribute__((aligned(64)));`,
    ...functions,
    `static void program(void **buffers, int thread, int threads) {\n${calls.join('\n')}\n}\n`,
    runFunction(tables.filler, target.maxThreads > 1),
  ].join('\n')
}

/** The width of AVX-512, which multiplies by powers of two. */
const avx512 = 16

/** One region for the whole program: threads start once, and meet at barriers. */
const runFunction = (filler: string | null, shared: boolean): string => `${shared ? oneCaller : ''}
void run(void **buffers, int threads) {
${shared ? '  pthread_mutex_lock(&isRunning);\n' : ''}${filler ? `  static int filled = 0;\n  if (!filled) { ${filler}(); filled = 1; }\n` : ''}#if defined(_OPENMP)
  if (threads > 1) {
    #pragma omp parallel num_threads(threads)
    program(buffers, omp_get_thread_num(), omp_get_num_threads());
  } else
#elif defined(THREAD_POOL)
  if (threads > 1) pool->share(program, buffers, threads);
  else
#endif
  program(buffers, 0, 1);
${shared ? '  pthread_mutex_unlock(&isRunning);\n' : ''}}
`

/** Workspace belongs to the program, which several workers of a process may run. */
const oneCaller = `#include <pthread.h>
static pthread_mutex_t isRunning = PTHREAD_MUTEX_INITIALIZER;`

/** Writes kernels, those that are the same only once: a deep network has many. */
function textOfEach(): typeof kernelText {
  const known = new Map<string, ReturnType<typeof kernelText>>()
  return (body, context) => {
    // Products have workspaces and tables, and each its own.
    if (hasProduct(body)) return kernelText(body, context)
    const key = JSON.stringify([body, [...context.buffers].map(([, { dtype }]) => dtype)], toldApart)
    let text = known.get(key)
    if (!text) {
      text = kernelText(body, context)
      known.set(key, text)
    }
    return text
  }
}

/** Numbers that JSON does not tell apart. */
const toldApart = (_: string, value: unknown): unknown =>
  typeof value === 'number' && (value === 0 || !Number.isFinite(value)) ? `${1 / value}|${value}` : value

function hasProduct(body: readonly Statement[]): boolean {
  let has = false
  eachStatement(body, ({ kind }) => {
    has ||= kind === 'contraction' || kind === 'pack'
  })
  return has
}

const cTypes = { f32: 'float', f64: 'double', i32: 'int32_t', u8: 'u8', bool: 'u8' } as const

function argument(name: string, origin: number, program: Program, scratch: ScratchPlaces): string {
  const place = placeText(name, program, scratch)
  return origin === 0 ? place : `${place} + ${origin}`
}

function placeText(name: string, program: Program, scratch: ScratchPlaces): string {
  const { dtype, place } = program.buffers.get(name)!
  if (place.kind === 'scratch') return `scratch[thread] + ${scratch.places.get(name)! / 4}`
  if (place.kind === 'arena') return `(${cTypes[dtype]} *)((char *)buffers[0] + ${place.byteOffset})`
  return `(${cTypes[dtype]} *)buffers[${program.external.indexOf(name) + 1}]`
}
