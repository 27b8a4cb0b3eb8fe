// A trained network as one C file that depends on nothing.
import type { Dtype, TypedArray } from '../dtype.ts'
import { emitC } from '../emit/c/emit.ts'
import { floatText } from '../emit/c/math.ts'
import { usualCache } from '../emit/c/tiles.ts'
import { EinfoldError } from '../errors.ts'
import type { Shape } from '../graph/node.ts'
import { type Forward, type ForwardProgram, forwardProgram, type InputOptions } from './forward.ts'

export interface ExportCOptions extends InputOptions {
  /** What the C function is called; `predict` when left out. */
  readonly name?: string
  /**
   * Floats in a vector: 4 when left out, which every machine has; 8 for AVX2 and 16 for AVX-512 are faster there, and correct
   * everywhere; 1 for no vectors at all.
   */
  readonly lanes?: 1 | 4 | 8 | 16
}

const cTypes: Readonly<Record<Dtype, string>> = {
  f32: 'float',
  f64: 'double',
  i32: 'int32_t',
  u8: 'uint8_t',
  bool: 'uint8_t',
}

/**
 * The text of a C file (gcc or clang, C99 with their vector types) with a function `void predict(const float *x, float *y)`
 * that computes what `forward` computes for an input of shape `input`, its weights included as constants. It holds its
 * workspace itself, so one thread may call it at a time. Throws what `forward` throws, and EinfoldError `bad-name`.
 */
export async function exportC(forward: Forward, options: ExportCOptions): Promise<string> {
  const { name = 'predict', lanes = 4 } = options
  if (!/^[A-Za-z_]\w*$/.test(name))
    throw new EinfoldError('bad-name', `export: ${JSON.stringify(name)} is no name for a C function`)
  const widths = { 1: [1], 4: [4, 1], 8: [8, 4, 1], 16: [16, 4, 1] }[lanes]
  const traced = await forwardProgram(forward, options, lanes > 1)
  const source = emitC(traced.program, { widths, fused: false, maxThreads: 1, cache: usualCache, bf16: null })
  return [
    heading(name, traced),
    // Nothing of the file is seen from outside but the one function.
    source.replace(/^void run\(/m, 'static void run('),
    ...constants(traced),
    `static char arena[${Math.max(64, traced.program.arenaBytes)}] __attribute__((aligned(64)));`,
    '',
    `void ${name}(const ${cTypes[traced.input.dtype]} *x, ${cTypes[traced.output.dtype]} *y) {`,
    `  void *buffers[] = {${['arena', ...addresses(traced)].join(', ')}};`,
    '  run(buffers, 1);',
    '}',
    '',
  ].join('\n')
}

const described = ({ shape, dtype }: { readonly shape: Shape; readonly dtype: Dtype }): string =>
  `${cTypes[dtype]}[${shape.join(', ')}]`

const heading = (name: string, { input, output }: ForwardProgram): string =>
  [
    `// ${name}: a network written by Einfold. Compile with: cc -O2 -c FILE.c (add -march=native for this machine), link with -lm.`,
    '//',
    `//   void ${name}(const ${cTypes[input.dtype]} *x, ${cTypes[output.dtype]} *y);`,
    '//',
    `// x is ${described(input)} and y is ${described(output)}, both row-major. One thread may call it at a time.`,
    // Sums and products are rounded one by one, as the functions count on.
    '#if defined(__clang__)',
    '#pragma STDC FP_CONTRACT OFF',
    '#elif defined(__GNUC__)',
    '#pragma GCC optimize("fp-contract=off")',
    '#endif',
    // Not every network uses all that a file begins with; vectors are no part of the standard.
    ...['unused-function', 'unused-variable', 'unused-const-variable', 'unused-parameter', 'pedantic', 'psabi'].map(
      (warning) => `#pragma GCC diagnostic ignored "-W${warning}"`,
    ),
    '#include <stdint.h>',
    '#ifdef __cplusplus',
    '#define restrict __restrict',
    'extern "C"',
    '#endif',
    `void ${name}(const ${cTypes[input.dtype]} *x, ${cTypes[output.dtype]} *y);`,
  ].join('\n')

function constants({ external }: ForwardProgram): string[] {
  return external.flatMap((part, at) => {
    if (part.kind !== 'constant') return []
    const { dtype, length } = part.buffer
    const about = part.name === null ? [] : [`// ${part.name.replaceAll('\\', '')}`]
    return [...about, `static const ${cTypes[dtype]} constant${at}[${length}] = {${numbers(part.values, dtype)}};`]
  })
}

const addresses = ({ external }: ForwardProgram): string[] =>
  external.map((part, at) =>
    part.kind === 'constant' ? `(void *)constant${at}` : part.kind === 'input' ? '(void *)x' : 'y',
  )

/** The numbers with as few digits as give the same bits again, in lines. */
function numbers(values: TypedArray, dtype: Dtype): string {
  const text = dtype === 'f32' ? shortFloat : dtype === 'f64' ? doubleText : String
  const lines: string[] = []
  for (let at = 0; at < values.length; at += 12) lines.push(Array.from(values.subarray(at, at + 12), text).join(','))
  return lines.join(',\n')
}

function shortFloat(value: number): string {
  if (!Number.isFinite(value) || value === 0) return floatText(value)
  const digits = [6, 7, 8, 9].find((count) => Math.fround(Number(value.toPrecision(count))) === value)
  const text = String(Number(value.toPrecision(digits)))
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return '__builtin_nan("")'
  if (!Number.isFinite(value)) return value > 0 ? '__builtin_inf()' : '-__builtin_inf()'
  return Object.is(value, -0) ? '-0.0' : /[.e]/.test(String(value)) ? String(value) : `${value}.0`
}
