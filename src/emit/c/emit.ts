// One C file for a program: a function a kernel, and one that runs them all.
import type { Kernel, Program } from '../../compiler/ir.ts'
import { kernelText } from './kernel.ts'
import { isMathName, mathFunction } from './math.ts'
import { header, uniformFunction, vectorTypes } from './preamble.ts'
import { offsetTables } from './tables.ts'

export interface CTarget {
  /** Vector widths in f32 lanes, widest first; the last is 1. */
  readonly widths: readonly number[]
  /** For how many threads there is workspace. */
  readonly maxThreads: number
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
    const known = defined.get(make('@'))
    if (known) return known
    const name = `${prefix}${names++}`
    defined.set(make('@'), name)
    functions.push(make(name))
    return name
  }
  const workspace = (length: number): string => {
    const name = `space${names++}`
    workspaces.push(
      `static float ${name}[${target.maxThreads}][${Math.ceil(length / 16) * 16}] __attribute__((aligned(64)));`,
    )
    return `${name}[thread]`
  }
  let blockLength = 0
  const blockSpace = (length: number): string => {
    blockLength = Math.max(blockLength, length)
    return 'blockSpace[thread]'
  }
  for (const { name, length, place } of program.buffers.values()) {
    if (place.kind === 'scratch')
      workspaces.push(
        `static float ${name}_[${target.maxThreads}][${Math.ceil(length / 16) * 16}] __attribute__((aligned(64)));`,
      )
  }
  const calls = program.kernels.map((kernel) => {
    const context = {
      program,
      tables,
      widths: isDouble(kernel, program) ? [1] : target.widths,
      define,
      workspace,
      blockSpace,
      use: (fn: string, width: number) => used.set(`${fn}_${width}`, { fn, width }),
    }
    const names = [...new Set([...kernel.reads, ...kernel.writes])]
    const place = new Map(names.map((name, at) => [name, `q${at}`]))
    // Kernels that differ only in what they run on are one function.
    const body = kernelText(kernel, context).map((line) =>
      line.replace(/\b[a-z]\d+\b/g, (word) => place.get(word) ?? word),
    )
    const parameters = names.map((name) => `${cTypes[program.buffers.get(name)!.dtype]} *restrict ${place.get(name)}`)
    const fn = define('kernel', (name) =>
      [`static void ${name}(${[...parameters, 'int thread'].join(', ')}) {`, ...body, '}'].join('\n'),
    )
    const formulas = kernel.formulas.map((formula) => `  // ${formula.replaceAll('\n', '; ').replaceAll('\\', '')}`)
    return [...formulas, `  ${fn}(${[...names.map((name) => argument(name, program)), 'thread'].join(', ')});`].join(
      '\n',
    )
  })
  return [
    header,
    ...[...target.widths].reverse().map(vectorTypes),
    ...[...used.values()].map(({ fn, width }) => (isMathName(fn) ? mathFunction(fn, width) : uniformFunction(width))),
    tables.text(),
    ...workspaces,
    `static float blockSpace[${target.maxThreads}][${Math.ceil(blockLength / 16) * 16 + 16}] __attribute__((aligned(64)));`,
    ...functions,
    `void run(void **buffers) {\n  const int thread = 0;\n${calls.join('\n')}\n}\n`,
  ].join('\n')
}

/** Whether a kernel computes in f64: such kernels are for checks and run without vectors. */
const isDouble = (kernel: Kernel, program: Program): boolean =>
  [...kernel.reads, ...kernel.writes].some((name) => program.buffers.get(name)!.dtype === 'f64')

const cTypes = { f32: 'float', f64: 'double', i32: 'int32_t', u8: 'u8', bool: 'u8' } as const

function argument(name: string, program: Program): string {
  const { dtype, place } = program.buffers.get(name)!
  if (place.kind === 'scratch') return `${name}_[thread]`
  if (place.kind === 'arena') return `(${cTypes[dtype]} *)((char *)buffers[0] + ${place.byteOffset})`
  return `(${cTypes[dtype]} *)buffers[${program.external.indexOf(name) + 1}]`
}
