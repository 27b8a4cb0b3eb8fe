// The shared polynomials as C functions on vectors of a given width (1: plain scalars).
import { type BinaryProgramName, binaryPrograms, type UnaryProgramName, unaryPrograms } from '../math/functions.ts'
import { type Reduced, roundingShift, type VectorMath } from '../math/vectorMath.ts'

export type MathName = UnaryProgramName | BinaryProgramName

export const isMathName = (name: string): name is MathName =>
  Object.hasOwn(unaryPrograms, name) || Object.hasOwn(binaryPrograms, name)

/** What the machine can do. */
export interface MathForm {
  /** Multiply and add with one rounding. */
  readonly fused: boolean
  /** Multiply by a power of two in one instruction. */
  readonly scales: boolean
}

/**
 * The C text of a function: `exp_16(F16)`. Narrow ones serve the ends of loops; kept out of line they cost little there and
 * save the compiler much.
 */
export function mathFunction(
  name: MathName,
  width: number,
  { widest, ...form }: MathForm & { readonly widest: boolean },
): string {
  const kind = widest ? 'static inline' : 'static __attribute__((noinline))'
  const lines: string[] = []
  const isUnary = Object.hasOwn(unaryPrograms, name)
  const rare: RarePart = { of: isUnary ? ['x'] : ['x', 'y'], text: [] }
  const b = textMath(width, form, lines, rare)
  const result = isUnary
    ? unaryPrograms[name as UnaryProgramName](b, 'x')
    : binaryPrograms[name as BinaryProgramName](b, 'x', 'y')
  return [
    ...rare.text,
    `${kind} F${width} ${name}_${width}(${parametersOf(rare, width)}) {`,
    ...lines,
    `  return ${result};`,
    '}',
  ].join('\n')
}

/**
 * What a function hardly ever needs is apart from it, in functions of the same arguments: the rest is short enough to be
 * inlined. They are named by what they do, so that sine and cosine of one angle share them, and with them all that follows.
 */
interface RarePart {
  readonly of: readonly string[]
  readonly text: string[]
}

const parametersOf = ({ of }: RarePart, width: number): string => of.map((name) => `F${width} ${name}`).join(', ')

/** A function that computes some lines and returns one of their names, written once however often it is asked for. */
function rareFunction(rare: RarePart, type: string, width: number, lines: readonly string[], result: string): string {
  const text = `(${parametersOf(rare, width)}) {\n${lines.join('\n')}\n  return ${result};\n}`
  const name = `rare${width}_${hashOf(text)}`
  const head = `static __attribute__((noinline, cold, const)) ${type}${width} ${name}`
  rare.text.push(`#ifndef ${name.toUpperCase()}`, `#define ${name.toUpperCase()}`, `${head}${text}`, '#endif')
  return name
}

/** 32 bits of FNV-1a. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(16)
}

export const floatText = (value: number): string => {
  if (Number.isNaN(value)) return '__builtin_nanf("")'
  if (value === Number.POSITIVE_INFINITY) return '__builtin_inff()'
  if (value === Number.NEGATIVE_INFINITY) return '(-__builtin_inff())'
  const text = String(Math.fround(value))
  const float = /[.e]/.test(text) ? `${text}f` : `${text}.0f`
  return value < 0 || Object.is(value, -0) ? `(${Object.is(value, -0) ? '-0.0f' : float})` : float
}

/** Every operation a line `const F16 t3 = …;`, so that the compiler sees what is shared. */
function textMath(
  width: number,
  { fused, scales }: MathForm,
  lines: string[],
  rarePart: RarePart,
): VectorMath<string, string, string> {
  const w = width
  let names = 0
  const bind = (type: string, text: string): string => {
    const name = `t${names++}`
    lines.push(`  const ${type}${w} ${name} = ${text};`)
    return name
  }
  const f = (text: string) => bind('F', text)
  const i = (text: string) => bind('I', text)
  const m = (text: string) => bind('M', text)
  const fn = (name: string, ...args: string[]) => `${name}_${w}(${args.join(', ')})`
  const b: VectorMath<string, string, string> = {
    fused,
    float: (value) => fn('splatf', floatText(value)),
    int: (value) => fn('splati', `${value | 0}`),
    add: (x, y) => f(`${x} + ${y}`),
    sub: (x, y) => f(`${x} - ${y}`),
    mul: (x, y) => f(`${x} * ${y}`),
    div: (x, y) => f(`${x} / ${y}`),
    fma: (x, y, z) => f(fn('fma', x, y, z)),
    fnma: (x, y, z) => f(fn('fma', x, `-${y}`, z)),
    min: (x, y) => f(fn('lower', x, y)),
    max: (x, y) => f(fn('higher', x, y)),
    abs: (x) => f(fn('absf', x)),
    neg: (x) => f(`-${x}`),
    floor: (x) => f(fn('floorf', x)),
    lt: (x, y) => m(fn('ltm', x, y)),
    eq: (x, y) => m(fn('eqm', x, y)),
    and: (x, y) => m(`${x} & ${y}`),
    select: (mask, x, y) => f(fn('pickf', mask, x, y)),
    selectInt: (mask, x, y) => i(fn('picki', mask, x, y)),
    testBit: (x, bit) => m(fn('bitm', x, String((1 << bit) | 0))),
    bits: (x) => i(fn('bits', x)),
    fromBits: (x) => f(fn('fromBits', x)),
    toInt: (x) => i(fn('toInt', x)),
    toFloat: (x) => f(fn('toFloat', x)),
    iadd: (x, y) => i(fn('iadd', x, y)),
    isub: (x, y) => i(fn('isub', x, y)),
    imul: (x, y) => i(fn('imul', x, y)),
    iand: (x, y) => i(`${x} & ${y}`),
    ior: (x, y) => i(`${x} | ${y}`),
    ixor: (x, y) => i(`${x} ^ ${y}`),
    shl: (x, count) => i(fn('shl', x, String(count))),
    shrUnsigned: (x, count) => i(fn('shr', x, String(count))),
    shrSigned: (x, count) => i(`${x} >> ${count}`),
    scale: scales ? (x, n) => f(fn('scale', x, n)) : null,
    roundProduct: (x, factor) => {
      const shifted = f(fn('fma', x, fn('splatf', floatText(factor)), fn('splatf', floatText(roundingShift))))
      return { whole: f(`${shifted} - ${fn('splatf', floatText(roundingShift))}`), low: i(fn('bits', shifted)) }
    },
    rarely: (mask, common, rare): Reduced<string, string> => {
      const before = lines.splice(0)
      const found = rare()
      const rareLines = lines.splice(0)
      const call = (type: string, result: string) =>
        `${rareFunction(rarePart, type, w, rareLines, result)}(${rarePart.of.join(', ')})`
      const angle = common.angle.map(() => `t${names++}`)
      const quarters = `t${names++}`
      lines.push(...before)
      for (const [at, name] of angle.entries()) lines.push(`  F${w} ${name} = ${common.angle[at]};`)
      lines.push(`  I${w} ${quarters} = ${common.quarters};`, `  if (__builtin_expect(${fn('anym', mask)}, 0)) {`)
      for (const [at, name] of angle.entries())
        lines.push(`    ${name} = ${fn('pickf', mask, call('F', found.angle[at]), name)};`)
      lines.push(`    ${quarters} = ${fn('picki', mask, call('I', found.quarters), quarters)};`, '  }')
      return { angle, quarters }
    },
  }
  return b
}
