// JavaScript for a program: a function a kernel, plain loops over typed arrays. Slow, readable, and the oracle for the rest.
import { hoistOffsets } from '../../compiler/hoist.ts'
import type { Kernel, Operation, Panel, Program, ScalarType, Statement, Value } from '../../compiler/ir.ts'
import type { Affine, Atom } from '../../index/index.ts'

/** The text of a function body that, given `helpers`, returns the kernels in order. Arithmetic on f32 is done in f64, rounded when stored. */
export function emitJs(program: Program): string {
  const functions = program.kernels.map((kernel) => emitKernel(kernel, program))
  const names = program.kernels.map((kernel) => kernel.name)
  return `'use strict'\nconst { erf, pow, uniform, floorMod, roundEven, toInt } = helpers\n\n${functions.join('\n\n')}\n\nreturn [${names.join(', ')}]\n`
}

/** The buffers a kernel's function takes, in order. */
export const kernelBuffers = (kernel: Kernel): readonly string[] => [...new Set([...kernel.reads, ...kernel.writes])]

function emitKernel(kernel: Kernel, program: Program): string {
  const lines = [
    ...kernel.formulas.map((formula) => `// ${formula.replaceAll('\n', '; ')}`),
    `function ${kernel.name}(${kernelBuffers(kernel).join(', ')}) {`,
    ...emitBlock(hoistOffsets(kernel.body), program, '  '),
    '}',
  ]
  return lines.join('\n')
}

function emitBlock(body: readonly Statement[], program: Program, indent: string): string[] {
  return body.flatMap((statement) => emitStatement(statement, program, indent))
}

function emitStatement(statement: Statement, program: Program, indent: string): string[] {
  const text = (value: Value) => emitValue(value, program)
  switch (statement.kind) {
    case 'loop': {
      const { index, start, extent } = statement
      return [
        `${indent}for (let ${index} = ${start}; ${index} < ${start + extent}; ${index}++) {`,
        ...emitBlock(statement.body, program, `${indent}  `),
        `${indent}}`,
      ]
    }
    case 'let':
      return [`${indent}const ${statement.name} = ${text(statement.value)}`]
    case 'accumulator':
      return [`${indent}let ${statement.name} = ${constantText(statement.type, statement.initial)}`]
    case 'accumulate': {
      const line = accumulation(statement.op, statement.name, text(statement.value))
      return [`${indent}${statement.where ? `if (${text(statement.where)}) ` : ''}${line}`]
    }
    case 'accumulateWinner': {
      const { name, positionName, op } = statement
      const better = op === 'max' ? '>' : '<'
      const where = statement.where ? `${text(statement.where)} && ` : ''
      // A NaN wins, and the first one stays.
      const won = `(w ${better} ${name} || (w !== w && ${name} === ${name}))`
      return [
        `${indent}{ const w = ${text(statement.value)}; if (${where}${won}) { ${name} = w; ${positionName} = ${text(statement.position)} } }`,
      ]
    }
    case 'pack':
      return []
    case 'contraction':
      return emitContraction(statement, indent)
    case 'store': {
      const { dtype } = program.buffers.get(statement.buffer)!
      const value = text(statement.value)
      const target = `${statement.buffer}[${affineText(statement.offset)}]`
      return [`${indent}${target} ${statement.add ? '+=' : '='} ${dtype === 'bool' ? `${value} ? 1 : 0` : value}`]
    }
  }
}

/** A matrix product as it is defined, over the tables of offsets. */
function emitContraction(statement: Statement & { kind: 'contraction' }, indent: string): string[] {
  const { m, n, k, a, b, c } = statement
  const table = (name: string, offsets: Int32Array) => `${indent}  const ${name} = [${offsets.join(', ')}]`
  const at = (panel: Panel, row: string, column: string) =>
    `${panel.buffer}[${affineText(panel.base)} + ${row} + ${column}]`
  return [
    `${indent}{`,
    table('aRows', a.rows),
    table('aColumns', a.columns),
    table('bRows', b.rows),
    table('bColumns', b.columns),
    table('cRows', c.rows),
    table('cColumns', c.columns),
    `${indent}  for (let m = 0; m < ${m}; m++) for (let n = 0; n < ${n}; n++) {`,
    `${indent}    let sum = 0`,
    `${indent}    for (let k = 0; k < ${k}; k++) sum += ${at(a, 'aRows[m]', 'aColumns[k]')} * ${at(b, 'bRows[k]', 'bColumns[n]')}`,
    `${indent}    ${at(c, 'cRows[m]', 'cColumns[n]')} ${statement.add ? '+=' : '='} sum`,
    `${indent}  }`,
    `${indent}}`,
  ]
}

function accumulation(op: string, name: string, value: string): string {
  switch (op) {
    case 'sum':
      return `${name} += ${value}`
    case 'prod':
      return `${name} *= ${value}`
    case 'any':
      return `${name} = ${name} || ${value}`
    case 'all':
      return `${name} = ${name} && ${value}`
    default:
      return `${name} = Math.${op}(${name}, ${value})`
  }
}

function emitValue(value: Value, program: Program): string {
  switch (value.kind) {
    case 'constant':
      return constantText(value.type, value.value)
    case 'variable':
      return value.name
    case 'index':
      return affineText(value.of)
    case 'load': {
      const element = `${value.buffer}[${affineText(value.offset)}]`
      const isBool = program.buffers.get(value.buffer)!.dtype === 'bool'
      const loaded = isBool ? `${element} !== 0` : element
      if (!value.guard) return isBool ? `(${loaded})` : loaded
      return `(${emitValue(value.guard, program)} ? ${loaded} : ${isBool ? 'false' : '0'})`
    }
    case 'operation':
      return operationText(
        value.op,
        value.type,
        value.args,
        value.args.map((arg) => emitValue(arg, program)),
      )
  }
}

const infix: Partial<Record<Operation, string>> = {
  add: '+', sub: '-', mul: '*', div: '/', lt: '<', le: '<=', eq: '===', ne: '!==', and: '&&', or: '||',
} // biome-ignore format: a table

const mathFunctions: Partial<Record<Operation, string>> = {
  abs: 'Math.abs', min: 'Math.min', max: 'Math.max', sqrt: 'Math.sqrt', floor: 'Math.floor', ceil: 'Math.ceil', round: 'roundEven',
  exp: 'Math.exp', expm1: 'Math.expm1', log: 'Math.log', log1p: 'Math.log1p', sin: 'Math.sin', cos: 'Math.cos', tan: 'Math.tan',
  tanh: 'Math.tanh', erf: 'erf', pow: 'pow', atan2: 'Math.atan2', uniform: 'uniform', mod: 'floorMod',
} // biome-ignore format: a table

function operationText(op: Operation, type: ScalarType, args: readonly Value[], texts: readonly string[]): string {
  if (type === 'i32' && op === 'mul') return `Math.imul(${texts.join(', ')})`
  const between = infix[op]
  if (between) return type === 'i32' ? `(${texts.join(` ${between} `)} | 0)` : `(${texts.join(` ${between} `)})`
  const fn = mathFunctions[op]
  if (fn) return `${fn}(${texts.join(', ')})`
  switch (op) {
    case 'neg':
      return `(-${texts[0]})`
    case 'not':
      return `(!${texts[0]})`
    case 'sigmoid':
      return `(1 / (1 + Math.exp(-${texts[0]})))`
    case 'select':
      return `(${texts[0]} ? ${texts[1]} : ${texts[2]})`
    case 'cast':
      return castText(args[0].type, type, texts[0])
    default:
      throw new Error(`no JavaScript for the operation ${op}`)
  }
}

function castText(from: ScalarType, to: ScalarType, text: string): string {
  if (from === 'bool') return `(${text} ? 1 : 0)`
  if (to === 'bool') return `(${text} !== 0)`
  if (to === 'i32') return `toInt(${text})`
  return from === 'f64' && to === 'f32' ? `Math.fround(${text})` : text
}

function constantText(type: ScalarType, value: number): string {
  if (type === 'bool') return value !== 0 ? 'true' : 'false'
  if (value < 0 || Object.is(value, -0)) return `(-${constantText(type, -value)})`
  return value === Number.POSITIVE_INFINITY ? 'Infinity' : String(value)
}

/** An index expression as an integer expression. */
function affineText(affine: Affine): string {
  const parts = affine.terms.map(({ coefficient, atom }) => {
    const text = atomText(atom)
    return {
      negative: coefficient < 0,
      text: Math.abs(coefficient) === 1 ? text : `${Math.abs(coefficient)} * ${text}`,
    }
  })
  if (affine.constant !== 0 || parts.length === 0) {
    parts.push({ negative: affine.constant < 0, text: String(Math.abs(affine.constant)) })
  }
  const [first, ...rest] = parts
  const sum = rest.reduce(
    (text, part) => `${text} ${part.negative ? '-' : '+'} ${part.text}`,
    first.negative ? `-${first.text}` : first.text,
  )
  return rest.length > 0 || first.negative ? `(${sum})` : sum
}

function atomText(atom: Atom): string {
  if (atom.kind === 'index') return atom.name
  const of = affineText(atom.of)
  const isPowerOfTwo = (atom.by & (atom.by - 1)) === 0
  if (atom.kind === 'div') return isPowerOfTwo ? `(${of} >> ${Math.log2(atom.by)})` : `Math.floor(${of} / ${atom.by})`
  return isPowerOfTwo ? `(${of} & ${atom.by - 1})` : `floorMod(${of}, ${atom.by})`
}
