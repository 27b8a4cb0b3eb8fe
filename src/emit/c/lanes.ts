// How a value is written: as a scalar, or as a vector of lanes.

import type { Program, ScalarType, Value } from '../../compiler/ir.ts'
import { lanePattern } from '../../compiler/lanePattern.ts'
import { type Affine, type Atom, namesIn } from '../../index/index.ts'
import { floatText, isMathName } from './math.ts'
import { spreadLoad } from './spread.ts'

/** Where a value is emitted: in a loop that runs `width` lanes of `index`, or (width 1) in plain code. */
export interface Place {
  readonly program: Program
  readonly width: number
  readonly index: string | null
  /** Where the loop's vectors begin. */
  readonly start: number
  /** The mask of the lanes that there are, in a vector that is not full; null in others. */
  readonly tail: string | null
  /** Names that hold one value a lane. */
  readonly inLanes: ReadonlySet<string>
  /** Notes that a helper function is needed at a width. */
  use(fn: string, width: number): void
}

export interface Text {
  readonly text: string
  /** Whether it is a vector, one value a lane. */
  readonly lanes: boolean
}

export function valueText(value: Value, place: Place): Text {
  switch (value.kind) {
    case 'constant':
      return { text: constantText(value.type, value.value), lanes: false }
    case 'variable':
      return { text: variableName(value.name, place), lanes: place.inLanes.has(value.name) }
    case 'index':
      return indexText(value.of, place)
    case 'load':
      return loadText(value, place)
    case 'operation':
      return operationText(value, place)
  }
}

export const variableName = (name: string, place: Place): string =>
  place.inLanes.has(name) ? `${name}_${place.width}` : name

/** The value as a vector, repeated in all lanes where it is a scalar; at width 1 as it is. */
export function asLanes(text: Text, type: ScalarType, width: number): string {
  if (text.lanes || width === 1) return text.text
  return type === 'f32' ? `splatf_${width}(${text.text})` : `splati_${width}(${text.text})`
}

export function constantText(type: ScalarType, value: number): string {
  switch (type) {
    case 'f32':
      return floatText(value)
    case 'f64':
      if (Number.isNaN(value)) return '__builtin_nan("")'
      if (!Number.isFinite(value)) return value > 0 ? '__builtin_inf()' : '(-__builtin_inf())'
      return `(${Object.is(value, -0) ? '-0.0' : /[.e]/.test(String(value)) ? value : `${value}.0`})`
    case 'i32':
      return value === -2147483648 ? 'INT32_MIN' : `(${value})`
    case 'bool':
      return value !== 0 ? '(-1)' : '0'
  }
}

/** An index expression: one integer, or where it depends on the lane a vector of them. */
export function indexText(affine: Affine, place: Place): Text {
  const pattern = patternOf(affine, place)
  if (pattern) {
    const lane0 = scalarIndex(affine)
    if (pattern.every((ahead) => ahead === 0)) return { text: lane0, lanes: false }
    return {
      text: `iadd_${place.width}(splati_${place.width}(${lane0}), (I${place.width}){${pattern.join(', ')}})`,
      lanes: true,
    }
  }
  const varying = affine.terms.filter((term) => variesByLane({ constant: 0, terms: [term] }, place))
  const fixed: Affine = { constant: affine.constant, terms: affine.terms.filter((term) => !varying.includes(term)) }
  if (varying.length === 0) return { text: scalarIndex(fixed), lanes: false }
  const w = place.width
  let text = `splati_${w}(${scalarIndex(fixed)})`
  for (const { coefficient, atom } of varying) {
    const part = laneAtom(atom, place)
    text = `iadd_${w}(${text}, ${coefficient === 1 ? part : `imul_${w}(${part}, splati_${w}(${coefficient}))`})`
  }
  return { text, lanes: true }
}

/** What each lane adds to the value of lane 0, where that is known here. */
export function patternOf(affine: Affine, { index, start, width, inLanes }: Place): readonly number[] | null {
  if (index === null) return [0]
  for (const name of namesIn(affine)) if (inLanes.has(name)) return null
  return lanePattern(affine, { index, start, width })
}

function variesByLane(affine: Affine, place: Place): boolean {
  return affine.terms.some(({ atom }) =>
    atom.kind === 'index' ? atom.name === place.index || place.inLanes.has(atom.name) : variesByLane(atom.of, place),
  )
}

function laneAtom(atom: Atom, place: Place): string {
  const w = place.width
  if (atom.kind === 'index') {
    return atom.name === place.index
      ? `iadd_${w}(splati_${w}(${atom.name}), iota_${w})`
      : variableName(atom.name, place)
  }
  const of = indexText(atom.of, place).text
  if (isPowerOfTwo(atom.by)) return byShift(atom.kind, of, atom.by)
  return atom.kind === 'div' ? `divi_${w}(${of}, splati_${w}(${atom.by}))` : `modi_${w}(${of}, splati_${w}(${atom.by}))`
}

export function scalarIndex(affine: Affine): string {
  const parts = affine.terms.map(({ coefficient, atom }) => {
    const text = scalarAtom(atom)
    return coefficient === 1 ? text : `${coefficient} * ${text}`
  })
  if (affine.constant !== 0 || parts.length === 0) parts.push(String(affine.constant))
  return parts.length === 1 ? parts[0] : `(${parts.join(' + ')})`
}

function scalarAtom(atom: Atom): string {
  if (atom.kind === 'index') return atom.name
  const of = scalarIndex(atom.of)
  if (isPowerOfTwo(atom.by)) return byShift(atom.kind, of, atom.by)
  return atom.kind === 'div' ? `divi_1(${of}, ${atom.by})` : `modi_1(${of}, ${atom.by})`
}

const isPowerOfTwo = (n: number): boolean => Number.isInteger(Math.log2(n))

/** Floor division and remainder by a power of two: shifts and masks take the floor, as divisions in C do not. */
const byShift = (kind: 'div' | 'mod', of: string, by: number): string =>
  kind === 'div' ? `(${of} >> ${Math.log2(by)})` : `(${of} & ${by - 1})`

/** How far apart the elements of neighbouring lanes are; null where that differs, 0 where it is one element. */
export function strideOf(offset: Affine, place: Place): number | null {
  const pattern = patternOf(offset, place)
  if (!pattern || pattern.length === 1) return pattern && 0
  return pattern.every((ahead, lane) => ahead === lane * pattern[1]) ? pattern[1] : null
}

/** The letter of the load and store helpers for a buffer. */
export function elementLetter(place: Place, buffer: string): 'f' | 'i' | 'b' | 'd' {
  const { dtype } = place.program.buffers.get(buffer)!
  if (dtype === 'f32') return 'f'
  if (dtype === 'f64') return 'd'
  return dtype === 'i32' ? 'i' : 'b'
}

function loadText(value: Value & { kind: 'load' }, place: Place): Text {
  const { buffer, offset, guard } = value
  const w = place.width
  const letter = elementLetter(place, buffer)
  const asMask = (text: string, lanes: boolean): Text =>
    place.program.buffers.get(buffer)!.dtype === 'bool'
      ? { text: lanes ? `-${text}` : `-(I1)${text}`, lanes }
      : { text, lanes }
  const stride = strideOf(offset, place)
  const condition = guard ? valueText(guard, place) : null
  if (stride === 0 && !condition?.lanes) {
    const element = `${buffer}[${scalarIndex(offset)}]`
    return asMask(condition ? `(${condition.text} ? ${element} : 0)` : element, false)
  }
  const zero = letter === 'f' ? `(F${w}){}` : `(I${w}){}`
  const mask = maskOf(condition, place)
  if (mask !== null) {
    const element = stride === 1 ? `${buffer} + ${scalarIndex(offset)}` : buffer
    const at = stride === 1 ? '' : `, ${asLanes(indexText(offset, place), 'i32', w)}`
    const loaded = `${stride === 1 ? 'loadMasked' : 'gatherMasked'}${letter}_${w}(${element}${at}, ${mask})`
    return asMask(condition && !condition.lanes ? `(${condition.text} ? ${loaded} : ${zero})` : loaded, true)
  }
  const pattern = letter === 'd' ? null : patternOf(offset, place)
  const loaded =
    stride === 1
      ? `load${letter}_${w}(${buffer} + ${scalarIndex(offset)})`
      : pattern && letter !== 'd'
        ? spreadLoad(letter, `${buffer} + ${scalarIndex(offset)}`, pattern)
        : `gather${letter}_${w}(${buffer}, ${indexText(offset, place).text})`
  return asMask(condition ? `(${condition.text} ? ${loaded} : ${zero})` : loaded, true)
}

/** The mask of the lanes in which memory is touched; null where that is all. */
function maskOf(condition: Text | null, { tail, width }: Place): string | null {
  const mask = condition?.lanes ? `maskOf_${width}(${condition.text})` : null
  return mask && tail ? `(${mask} & ${tail})` : (mask ?? tail)
}

const suffix = (type: ScalarType): string => (type === 'f32' ? 'f' : 'i')

function operationText(value: Value & { kind: 'operation' }, place: Place): Text {
  const texts = value.args.map((arg) => valueText(arg, place))
  if (value.type === 'f64' || value.args.some((arg) => arg.type === 'f64')) {
    return {
      text: doubleText(
        value,
        texts.map((text) => text.text),
      ),
      lanes: false,
    }
  }
  const lanes = texts.some((text) => text.lanes)
  const w = lanes ? place.width : 1
  const args = texts.map((text, at) => (lanes ? asLanes(text, value.args[at].type, w) : text.text))
  return { text: vectorOperation(value, args, w, place), lanes }
}

function vectorOperation(
  value: Value & { kind: 'operation' },
  args: readonly string[],
  w: number,
  place: Place,
): string {
  const { op, type } = value
  const operandType = value.args[0].type
  const fn = (name: string) => `${name}_${w}(${args.join(', ')})`
  if (isMathName(op)) {
    place.use(op, w)
    return fn(op)
  }
  const [a, b] = args
  switch (op) {
    case 'add':
      return type === 'i32' ? fn('iadd') : `(${a} + ${b})`
    case 'sub':
      return type === 'i32' ? fn('isub') : `(${a} - ${b})`
    case 'mul':
      return type === 'i32' ? fn('imul') : `(${a} * ${b})`
    case 'div':
      return `(${a} / ${b})`
    case 'neg':
      return type === 'i32' ? `isub_${w}(splati_${w}(0), ${a})` : `(-${a})`
    case 'mod':
    case 'min':
    case 'max':
    case 'abs':
      return fn(`${op}${suffix(type)}`)
    case 'sqrt':
    case 'floor':
    case 'ceil':
    case 'round':
      return fn(`${op}f`)
    case 'lt':
    case 'le':
    case 'eq':
    case 'ne':
      return fn(`${op}${suffix(operandType)}`)
    case 'and':
      return `(${a} & ${b})`
    case 'or':
      return `(${a} | ${b})`
    case 'not':
      return `(~${a})`
    case 'select':
      return fn(`select${suffix(type)}`)
    case 'uniform':
      place.use('uniform', w)
      return fn('uniform')
    case 'cast':
      return castText(operandType, type, a, w)
    default:
      throw new Error(`no C for the operation ${op}`)
  }
}

function castText(from: ScalarType, to: ScalarType, text: string, w: number): string {
  const whole = from === 'bool' ? `(${text} & splati_${w}(1))` : text
  if (to === 'f32') return from === 'f32' ? text : `toFloat_${w}(${whole})`
  if (from === 'f32') return `cut_${w}(${text})`
  return whole
}

const doubleFunctions: Readonly<Record<string, string>> = {
  abs: 'fabs', sqrt: 'sqrt', floor: 'floor', ceil: 'ceil', round: 'rint', exp: 'exp', expm1: 'expm1', log: 'log', log1p: 'log1p',
  sin: 'sin', cos: 'cos', tan: 'tan', tanh: 'tanh', erf: 'erf', pow: 'pow', atan2: 'atan2', min: 'mind', max: 'maxd', mod: 'modd',
  sigmoid: 'sigmoidd',
} // biome-ignore format: a table

const infix: Readonly<Record<string, string>> = { add: '+', sub: '-', mul: '*', div: '/' }
const comparisons: Readonly<Record<string, string>> = { lt: '<', le: '<=', eq: '==', ne: '!=' }

/** f64 is for checks: scalars, and the C library's functions. */
function doubleText(value: Value & { kind: 'operation' }, args: readonly string[]): string {
  const { op, type } = value
  if (Object.hasOwn(infix, op)) return `(${args.join(` ${infix[op]} `)})`
  if (Object.hasOwn(comparisons, op)) return `(-(${args.join(` ${comparisons[op]} `)}))`
  if (Object.hasOwn(doubleFunctions, op)) return `${doubleFunctions[op]}(${args.join(', ')})`
  if (op === 'neg') return `(-${args[0]})`
  if (op === 'select') return `(${args[0]} ? ${args[1]} : ${args[2]})`
  if (op === 'cast') {
    const whole = value.args[0].type === 'bool' ? `(${args[0]} & 1)` : args[0]
    return type === 'f64'
      ? `(double)${whole}`
      : type === 'f32'
        ? `(float)${whole}`
        : value.args[0].type === 'f64'
          ? `cutd(${whole})`
          : `(I1)${whole}`
  }
  throw new Error(`no C for the operation ${op} on f64`)
}
