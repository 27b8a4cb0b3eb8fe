// Programs as text, for people: loops by indentation, one statement a line.
import type { Affine, Atom } from '../index/affine.ts'
import type { Buffer, Kernel, Operation, Panel, Program, Statement, Value } from './ir.ts'

/** All kernels of a program, and its buffers. */
export function printProgram(program: Program): string {
  const buffers = [...program.buffers.values()].map(printBuffer)
  const { arenaBytes, unsharedBytes } = program
  const arena = arenaBytes === unsharedBytes ? `${arenaBytes} bytes` : `${arenaBytes} bytes, ${unsharedBytes} unshared`
  return [...program.kernels.map(printKernel), [...buffers, `arena ${arena}`].join('\n')].join('\n\n')
}

function printBuffer({ name, dtype, length, place }: Buffer): string {
  const where = place.kind === 'arena' ? `arena, from byte ${place.byteOffset}` : place.kind
  return `${name}: ${dtype}[${length}]  ${where}`
}

/** The formulas of a kernel, and its loops. */
function printKernel(kernel: Kernel): string {
  const formulas = kernel.formulas.flatMap((formula) => formula.split('\n')).map((line) => `  # ${line}`)
  return [`${kernel.name}:`, ...formulas, ...printBody(kernel.body, '  ')].join('\n')
}

const printBody = (body: readonly Statement[], indent: string): string[] =>
  body.flatMap((statement) => printStatement(statement, indent))

function printStatement(statement: Statement, indent: string): string[] {
  switch (statement.kind) {
    case 'loop': {
      const { index, start, extent, mode, body } = statement
      const kind = mode === 'serial' ? 'for' : `${mode} for`
      return [`${indent}${kind} ${index} in ${start} … ${start + extent - 1}`, ...printBody(body, `${indent}  `)]
    }
    case 'let':
      return [`${indent}let ${statement.name} = ${printValue(statement.value)}`]
    case 'accumulator':
      return [`${indent}accumulator ${statement.name}: ${statement.type} = ${statement.initial}`]
    case 'accumulate':
      return [
        `${indent}${statement.name} ${accumulations[statement.op]} ${printValue(statement.value)}${where(statement)}`,
      ]
    case 'accumulateWinner': {
      const { name, positionName, op, value, position } = statement
      return [
        `${indent}${name}, ${positionName} ${op}= ${printValue(value)}, ${printValue(position)}${where(statement)}`,
      ]
    }
    case 'store': {
      const target = `${statement.buffer}[${printAffine(statement.offset)}]`
      return [`${indent}${target} ${statement.add ? '+=' : '='} ${printValue(statement.value)}`]
    }
    case 'pack':
      return [`${indent}pack ${printPanel(statement.panel)} as ${statement.name} (side ${statement.side})`]
    case 'contraction': {
      const { m, n, k, a, b, c, parallel } = statement
      const product = `${printPanel(c)}[m,n] = sum(k<${k}) ${printPanel(a)}[m,k] * ${printPanel(b)}[k,n]`
      return [`${indent}contraction m<${m}, n<${n}${parallel ? ' (parallel)' : ''}: ${product}`]
    }
  }
}

const accumulations = { sum: '+=', prod: '*=', max: 'max=', min: 'min=', any: 'or=', all: 'and=' } as const

const where = ({ where }: { readonly where: Value | null }): string => (where ? `  where ${printValue(where)}` : '')

function printPanel({ buffer, base, packed }: Panel): string {
  const at = base.terms.length === 0 && base.constant === 0 ? buffer : `${buffer}@${printAffine(base)}`
  return packed ? `${packed} (of ${at})` : at
}

const infix: Partial<Record<Operation, string>> = {
  add: '+', sub: '-', mul: '*', div: '/', lt: '<', le: '<=', eq: '==', ne: '!=', and: 'and', or: 'or',
} // biome-ignore format: a table

function printValue(value: Value): string {
  switch (value.kind) {
    case 'constant':
      if (value.type === 'bool') return value.value === 0 ? 'false' : 'true'
      return String(value.value)
    case 'variable':
      return value.name
    case 'index':
      return printAffine(value.of)
    case 'load': {
      const element = `${value.buffer}[${printAffine(value.offset)}]`
      return value.guard ? `(${printValue(value.guard)} ? ${element} : 0)` : element
    }
    case 'operation': {
      const args = value.args.map(printValue)
      const between = infix[value.op]
      if (between) return `(${args.join(` ${between} `)})`
      return `${value.op === 'cast' ? value.type : value.op}(${args.join(', ')})`
    }
  }
}

/** Index arithmetic: `28*i + j - 58`. */
function printAffine({ constant, terms }: Affine): string {
  const parts = terms.map(({ coefficient, atom }) => {
    const factor = Math.abs(coefficient) === 1 ? '' : `${Math.abs(coefficient)}*`
    return { sign: coefficient < 0 ? '-' : '+', text: `${factor}${printAtom(atom)}` }
  })
  if (constant !== 0 || parts.length === 0)
    parts.push({ sign: constant < 0 ? '-' : '+', text: String(Math.abs(constant)) })
  return parts.reduce((text, { sign, text: part }, at) => {
    if (at === 0) return sign === '-' ? `-${part}` : part
    return `${text} ${sign} ${part}`
  }, '')
}

function printAtom(atom: Atom): string {
  if (atom.kind === 'index') return atom.name
  return `(${printAffine(atom.of)})${atom.kind === 'div' ? '/' : '%'}${atom.by}`
}
