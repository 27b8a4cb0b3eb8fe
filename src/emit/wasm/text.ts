// The loops of a program as they become WebAssembly, as text for people.
import type { Kernel, Panel, Program, Statement, Value } from '../../compiler/ir.ts'
import type { Affine, Atom } from '../../index/index.ts'
import { vectorised } from './emit.ts'

/** A kernel a paragraph; a loop that says `lanes` runs four iterations at a time, one that says `parallel` is shared by threads. */
export const programText = (program: Program): string => program.kernels.map(kernelText).join('\n\n')

function kernelText(kernel: Kernel): string {
  const head = kernel.formulas.map((formula) => `;; ${formula.replaceAll('\n', '; ')}`)
  return [...head, `${kernel.name}:`, ...blockText(vectorised(kernel), '  ')].join('\n')
}

const blockText = (body: readonly Statement[], indent: string): string[] =>
  body.flatMap((statement) => statementText(statement).map((line) => indent + line))

function statementText(statement: Statement): string[] {
  switch (statement.kind) {
    case 'loop': {
      const { index, start, extent, mode } = statement
      const how = mode === 'serial' ? '' : ` ${mode}`
      return [`for${how} ${index} = ${start} … ${start + extent - 1}`, ...blockText(statement.body, '  ')]
    }
    case 'let':
      return [`${statement.name} = ${valueText(statement.value)}`]
    case 'accumulator':
      return [`${statement.name}: ${statement.type} = ${statement.initial}`]
    case 'accumulate':
      return [`${statement.name} ${statement.op}= ${valueText(statement.value)}${whereText(statement.where)}`]
    case 'accumulateWinner': {
      const { name, positionName, op, value, position, where } = statement
      return [`${name}, ${positionName} ${op}= ${valueText(value)}, ${valueText(position)}${whereText(where)}`]
    }
    case 'store': {
      const { buffer, offset, value, add } = statement
      return [`${buffer}[${affineText(offset)}] ${add ? '+=' : '='} ${valueText(value)}`]
    }
    case 'contraction': {
      const { m, n, k, a, b, c } = statement
      return [`product ${m}×${n}×${k}: ${panelText(c)} = ${panelText(a)} · ${panelText(b)}`]
    }
    case 'pack':
      return [`${statement.name} = ${panelText(statement.panel)} in order for side ${statement.side}`]
  }
}

const whereText = (where: Value | null): string => (where ? ` where ${valueText(where)}` : '')

const panelText = ({ buffer, base, packed }: Panel): string => packed ?? `${buffer}[${affineText(base)} + …]`

function valueText(value: Value): string {
  switch (value.kind) {
    case 'constant':
      return value.type === 'bool' ? String(value.value !== 0) : String(value.value)
    case 'variable':
      return value.name
    case 'index':
      return affineText(value.of)
    case 'load': {
      const element = `${value.buffer}[${affineText(value.offset)}]`
      return value.guard ? `(${valueText(value.guard)} ? ${element})` : element
    }
    case 'operation': {
      const name = value.op === 'cast' ? value.type : value.op
      return `${name}(${value.args.map(valueText).join(', ')})`
    }
  }
}

function affineText({ constant, terms }: Affine): string {
  const parts = terms.map(({ coefficient, atom }) => {
    const text = atomText(atom)
    if (coefficient === 1) return text
    return coefficient === -1 ? `-${text}` : `${coefficient}*${text}`
  })
  if (constant !== 0 || parts.length === 0) parts.push(String(constant))
  return parts.join(' + ').replaceAll('+ -', '- ')
}

const atomText = (atom: Atom): string =>
  atom.kind === 'index' ? atom.name : `(${affineText(atom.of)}) ${atom.kind} ${atom.by}`
