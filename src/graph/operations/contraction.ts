// Products of tensors summed over the indices they share.
import { ShapeError } from '../../errors.ts'
import type { Expr } from '../../expression/tree.ts'
import { binary, name, number, read } from '../../expression/tree.ts'
import { comprehension } from '../build.ts'
import type { Node, Shape } from '../node.ts'
import { axisName, broadcastShapes, rangeOf, rangesOf, readBroadcast, shapeText } from './axes.ts'
import { nameOperands } from './pointwise.ts'

/**
 * The matrix product over the last two axes, the others broadcast; of a vector on the left, a row times the matrix; of one
 * on the right, the matrix times a column; of two, the inner product. Throws ShapeError `shape-mismatch`.
 */
export function matmul(x: Node, y: Node): Node {
  checkInner(x.shape, y.shape)
  const rows = x.shape.slice(-2, -1)
  const columns = y.shape.length > 1 ? y.shape.slice(-1) : []
  const batch = broadcastShapes('matmul', [x.shape.slice(0, -2), y.shape.slice(0, -2)])
  const shape = [...batch, ...rows, ...columns]
  const batchAt = batch.map((_, axis) => name(axisName(axis)))
  const row = rows.map(() => name(axisName(batch.length)))
  const column = columns.map(() => name(axisName(shape.length - 1)))
  const inner = axisName(shape.length)
  const { operands, nameOf } = nameOperands([x, y])
  const element = (operand: Node, own: readonly Expr[]) => {
    const outer = readBroadcast('', operand.shape.slice(0, -2), batch, batchAt)
    return read(nameOf(operand), [...(outer.kind === 'read' ? outer.at : []), ...own])
  }
  return comprehension({
    axes: rangesOf(shape),
    reduction: { op: 'sum', ranges: [rangeOf(inner, x.shape[x.shape.length - 1])], where: null },
    body: binary('*', element(x, [...row, name(inner)]), element(y, [name(inner), ...column])),
    operands,
  })
}

function checkInner(x: Shape, y: Shape): void {
  if (x.length === 0 || y.length === 0)
    throw new ShapeError(
      'shape-mismatch',
      `matmul: ${shapeText(x)} by ${shapeText(y)}; both need an axis to sum over (mul multiplies by a number)`,
    )
  const left = x[x.length - 1]
  const right = y[Math.max(0, y.length - 2)]
  if (left !== right)
    throw new ShapeError(
      'shape-mismatch',
      `matmul: inner extents differ: ${shapeText(x)} by ${shapeText(y)}; the ${left} and the ${right} must be equal`,
    )
}

/** Operands of an einsum: one label for each axis. */
interface Labelled {
  readonly node: Node
  readonly labels: readonly string[]
}

/**
 * NumPy's einsum: `einsum('ij,jk->ik', x, y)` sums the product over every label that is not in the output. Without `->`
 * the output has the labels that occur once, in alphabetical order; `...` stands for leading axes, which broadcast.
 * Operands are multiplied two at a time, from the left. Throws ShapeError `bad-einsum` or `shape-mismatch`.
 */
export function einsum(equation: string, nodes: readonly Node[]): Node {
  const { operands, output } = parseEinsum(equation, nodes)
  let result = operands[0]
  if (operands.length === 1) result = contract([result], output)
  for (let next = 1; next < operands.length; next++) {
    const later = operands.slice(next + 1).flatMap(({ labels }) => labels)
    const pair = [result, operands[next]]
    const present = [...new Set(pair.flatMap(({ labels }) => labels))]
    const isLast = next === operands.length - 1
    result = contract(
      pair,
      isLast ? output : present.filter((label) => output.includes(label) || later.includes(label)),
    )
  }
  return result.node
}

/** The product of the operands, summed over all labels but `output`. */
function contract(parts: readonly Labelled[], output: readonly string[]): Labelled {
  const extents = extentsOf(parts)
  const range = (label: string) => rangeOf(label, extents.get(label) as number)
  const summed = [...extents.keys()].filter((label) => !output.includes(label))
  const { operands, nameOf } = nameOperands(parts.map(({ node }) => node))
  const elements = parts.map(({ node, labels }) =>
    read(
      nameOf(node),
      labels.map((label, axis) => (node.shape[axis] === extents.get(label) ? name(label) : number(0))),
    ),
  )
  const node = comprehension({
    axes: output.map(range),
    reduction: summed.length > 0 ? { op: 'sum', ranges: summed.map(range), where: null } : null,
    body: elements.reduce((product, element) => binary('*', product, element)),
    operands,
  })
  return { node, labels: output }
}

/** The extent of each label; 1 only if it is so everywhere. */
function extentsOf(parts: readonly Labelled[]): Map<string, number> {
  const extents = new Map<string, number>()
  for (const { node, labels } of parts)
    for (const [axis, label] of labels.entries()) {
      const own = node.shape[axis]
      if (own !== 1 || !extents.has(label)) extents.set(label, own)
    }
  return extents
}

function parseEinsum(equation: string, nodes: readonly Node[]): { operands: Labelled[]; output: string[] } {
  const bad = (what: string) => new ShapeError('bad-einsum', `einsum '${equation}': ${what}`)
  const [inputs, result, ...rest] = equation.replaceAll(/\s/g, '').split('->')
  if (rest.length > 0) throw bad('there is more than one ->')
  const terms = inputs.split(',')
  if (terms.length !== nodes.length)
    throw bad(`${terms.length} operands are written and ${nodes.length} given; write one list of labels a tensor`)
  const wide = nodes.map((node, position) => node.shape.length - lettersOf(terms[position]).length)
  const dots = Math.max(0, ...terms.map((term, position) => (term.includes('...') ? wide[position] : 0)))
  const operands = nodes.map((node, position) => {
    const labels = labelsOf(terms[position], wide[position], dots, bad)
    if (labels.length !== node.shape.length)
      throw bad(
        `'${terms[position]}' has ${lettersOf(terms[position]).length} labels, and tensor ${position} has ` +
          `${node.shape.length} axes: ${shapeText(node.shape)}`,
      )
    return { node, labels }
  })
  checkExtents(operands, bad)
  const implicit = dots > 0 || inputs.includes('...') ? `...${once(inputs)}` : once(inputs)
  const output = labelsOf(result ?? implicit, dots, dots, bad)
  const unknown = output.find((label) => !operands.some(({ labels }) => labels.includes(label)))
  if (unknown !== undefined) throw bad(`the output label ${unknown} occurs in no operand`)
  if (new Set(output).size < output.length) throw bad('the output names a label twice; name each once')
  return { operands, output }
}

const lettersOf = (term: string): string => term.replace('...', '')

/** The labels that occur once, in alphabetical order. */
const once = (inputs: string): string =>
  [...inputs.replaceAll(/[.,]/g, '')]
    .filter((label, _, all) => all.indexOf(label) === all.lastIndexOf(label))
    .sort()
    .join('')

/** One label an axis; `...` is the last `count` of `dots` labels d0, d1, … */
function labelsOf(term: string, count: number, dots: number, bad: (what: string) => ShapeError): string[] {
  const stray = /[^A-Za-z]/.exec(lettersOf(term))
  if (stray) throw bad(`'${stray[0]}' is no label; labels are single letters, and ... stands for leading axes`)
  const [before, after] = term.split('...')
  if (after === undefined) return [...before]
  const middle = Array.from({ length: Math.max(0, count) }, (_, axis) => `d${dots - Math.max(0, count) + axis}`)
  return [...before, ...middle, ...after]
}

/** Throws ShapeError `shape-mismatch` where one label has two extents; those of `...` may also be 1. */
function checkExtents(operands: readonly Labelled[], bad: (what: string) => ShapeError): void {
  const seen = new Map<string, number>()
  for (const { node, labels } of operands)
    for (const [axis, label] of labels.entries()) {
      const own = node.shape[axis]
      const known = seen.get(label) ?? own
      const broadcasts = label.length > 1 && (own === 1 || known === 1)
      if (known !== own && !broadcasts) throw bad(`${label} has extent ${known} in one operand and ${own} in another`)
      seen.set(label, broadcasts ? Math.max(known, own) : own)
    }
}
