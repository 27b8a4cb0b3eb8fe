// Nodes as formulas, for people.
import type { Expr, Range } from '../expression/tree.ts'
import { binary, call, number, reduce, unary } from '../expression/tree.ts'
import { print } from '../formula/print.ts'
import type { BoundRange, ComprehensionNode, Node, Reduction, ScatterNode } from './node.ts'

/**
 * One line for a node. For a comprehension it is a formula with all its extents, which means the same for the operands of
 * the node: `z[n<64,k<16] = sum(c<3) x[n,c] * w[k,c]`.
 */
export function describeNode(node: Node): string {
  const shape = `[${node.shape.join(',')}]`
  switch (node.kind) {
    case 'comprehension':
      return describeComprehension(node)
    case 'scatter':
      return describeScatter(node)
    case 'reshape':
      return `reshape [${node.of.shape.join(',')}] to ${shape}`
    case 'rule':
      return `${node.rule}: ${describeNode(node.of)}`
    case 'data':
      return `data ${node.dtype}${shape}`
    case 'parameter':
      return `parameter ${node.cell.name} ${node.dtype}${shape}`
    case 'input':
      return `input ${node.position} ${node.dtype}${shape}`
  }
}

function describeComprehension({ axes, reduction, body, operands }: ComprehensionNode): string {
  const value = reduction ? reduce(reduction.op, reduction.ranges.map(toRange), guarded(reduction, body)) : body
  return print({ name: freeName(operands), axes: axes.map(toRange), value })
}

function describeScatter({ shape, ranges, at, value, operands }: ScatterNode): string {
  const place = `${freeName(operands)}[${at.map((index) => print(index)).join(',')}]`
  const over = ranges.map(({ index, extent }) => `${index}<${extent}`).join(', ')
  return `${place} += ${print(value)} for ${over}, into zeros [${shape.join(',')}]`
}

/** The name of the result: z, unless an operand has it. */
function freeName(operands: ReadonlyMap<string, Node>): string {
  let name = 'z'
  while (operands.has(name)) name += "'"
  return name
}

/** Formulas have no conditions on a reduction: what is left out takes the value that changes nothing. */
function guarded({ op, where }: Reduction, body: Expr): Expr {
  if (!where) return body
  if (op === 'any') return binary('and', where, body)
  if (op === 'all') return binary('or', unary('not', where), body)
  const neutral = { sum: 0, prod: 1, max: -Infinity, argmax: -Infinity, min: Infinity, argmin: Infinity }[op]
  return call('where', where, body, number(neutral))
}

function toRange({ index, start, extent }: BoundRange): Range {
  if (start === 0) return { index, bound: { kind: 'extent', extent: number(extent) } }
  return { index, bound: { kind: 'between', start: number(start), last: number(start + extent - 1) } }
}
