// The shared polynomials as C functions on vectors of a given width (1: plain scalars).
import { type BinaryProgramName, binaryPrograms, type UnaryProgramName, unaryPrograms } from '../math/functions.ts'
import { type Reduced, roundingShift, type VectorMath } from '../math/vectorMath.ts'

export type MathName = UnaryProgramName | BinaryProgramName

export const isMathName = (name: string): name is MathName =>
  Object.hasOwn(unaryPrograms, name) || Object.hasOwn(binaryPrograms, name)

/**
 * The C text of a function: `exp_16(F16)`. Narrow ones serve the ends of loops; kept out of line they cost little there and
 * save the compiler much.
 */
export function mathFunction(
  name: MathName,
  width: number,
  { widest, fused }: { widest: boolean; fused: boolean },
): string {
  const kind = widest ? 'static inline' : 'static __attribute__((noinline))'
  const lines: string[] = []
  const isUnary = Object.hasOwn(unaryPrograms, name)
  const rare: RarePart = { name: `${name}_rare_${width}`, of: isUnary ? ['x'] : ['x', 'y'], text: [] }
  const b = textMath(width, fused, lines, rare)
  const result = isUnary
    ? unaryPrograms[name as UnaryProgramName](b, 'x')
    : binaryPrograms[name as BinaryProgramName](b, 'x', 'y')
  const parameters = isUnary ? `F${width} x` : `F${width} x, F${width} y`
  return [
    ...rare.text,
    `${kind} F${width} ${name}_${width}(${parameters}) {`,
    ...lines,
    `  return ${result};`,
    '}',
  ].join('\n')
}

/** What a function hardly ever needs is a function of its own, of the same arguments: without it the rest is short enough to be inlined. */
interface RarePart {
  readonly name: string
  readonly of: readonly string[]
  readonly text: string[]
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
  fused: boolean,
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
  const m = (text: string) => bind('I', text)
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
    min: (x, y) => f(fn('selectf', fn('ltf', y, x), y, x)),
    max: (x, y) => f(fn('selectf', fn('ltf', x, y), y, x)),
    abs: (x) => f(fn('absf', x)),
    neg: (x) => f(`-${x}`),
    floor: (x) => f(fn('floorf', x)),
    lt: (x, y) => m(fn('ltf', x, y)),
    eq: (x, y) => m(fn('eqf', x, y)),
    and: (x, y) => m(`${x} & ${y}`),
    select: (mask, x, y) => f(fn('selectf', mask, x, y)),
    selectInt: (mask, x, y) => i(fn('selecti', mask, x, y)),
    testBit: (x, bit) => m(fn('nei', `(${x} & ${fn('splati', String((1 << bit) | 0))})`, fn('splati', '0'))),
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
    roundProduct: (x, factor) => {
      const shifted = f(fn('fma', x, fn('splatf', floatText(factor)), fn('splatf', floatText(roundingShift))))
      return { whole: f(`${shifted} - ${fn('splatf', floatText(roundingShift))}`), low: i(fn('bits', shifted)) }
    },
    rarely: (mask, common, rare): Reduced<string, string> => {
      const before = lines.splice(0)
      const found = rare()
      const type = `struct ${rarePart.name}`
      rarePart.text.push(
        `${type} { F${w} ${found.angle.map((_, at) => `angle${at}`).join(', ')}; I${w} quarters; };`,
        `static __attribute__((noinline, cold)) ${type} ${rarePart.name}(${rarePart.of.map((name) => `F${w} ${name}`).join(', ')}) {`,
        ...lines.splice(0),
        `  return (${type}){${[...found.angle, found.quarters].join(', ')}};`,
        '}',
      )
      const angle = common.angle.map(() => `t${names++}`)
      const quarters = `t${names++}`
      lines.push(...before)
      for (const [at, name] of angle.entries()) lines.push(`  F${w} ${name} = ${common.angle[at]};`)
      lines.push(`  I${w} ${quarters} = ${common.quarters};`, `  if (__builtin_expect(${fn('any', mask)}, 0)) {`)
      lines.push(`    const ${type} rare = ${rarePart.name}(${rarePart.of.join(', ')});`)
      for (const [at, name] of angle.entries()) {
        lines.push(`    ${name} = ${fn('selectf', mask, `rare.angle${at}`, name)};`)
      }
      lines.push(`    ${quarters} = ${fn('selecti', mask, 'rare.quarters', quarters)};`, '  }')
      return { angle, quarters }
    },
  }
  return b
}
