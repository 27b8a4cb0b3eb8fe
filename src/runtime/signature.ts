// A text that is equal for requests that compile to the same program.
import type { Request } from '../compiler/request.ts'
import type { Expr } from '../expression/tree.ts'
import { type BoundRange, type Node, operandsOf } from '../graph/node.ts'

export interface Signature {
  readonly key: string
  /** The request's leaves, in the order in which the key names them. */
  readonly leaves: readonly Node[]
}

/** The structure of a request. */
export function signature(request: Request): Signature {
  const numbers = new Map<Node, number>()
  const leaves: Node[] = []
  const parts: string[] = []
  const visit = (root: Node): void => {
    const open: Node[] = [root]
    while (open.length > 0) {
      const node = open[open.length - 1]
      if (numbers.has(node)) {
        open.pop()
        continue
      }
      const operands = operandsOf(node)
      const before = open.length
      for (const operand of operands) if (!numbers.has(operand)) open.push(operand)
      if (open.length > before) continue
      open.pop()
      numbers.set(node, numbers.size)
      if (operands.length === 0 && node.kind !== 'comprehension' && node.kind !== 'scatter') leaves.push(node)
      parts.push(`${structureOf(node)}(${operands.map((operand) => numbers.get(operand))})`)
    }
  }
  for (const output of request.outputs) visit(output)
  for (const { parameter, value } of request.updates) {
    visit(parameter)
    visit(value)
  }
  const outputs = request.outputs.map((output) => numbers.get(output))
  const updates = request.updates.map(({ parameter, value }) => `${numbers.get(parameter)}=${numbers.get(value)}`)
  return { key: `${parts.join(';')}>${outputs}|${updates}`, leaves }
}

const known = new WeakMap<Node, string>()

/** All of a node but which nodes its operands are. */
function structureOf(node: Node): string {
  let text = known.get(node)
  if (text === undefined) {
    text = `${node.kind}:${node.dtype}[${node.shape}]${ownText(node)}`
    known.set(node, text)
  }
  return text
}

function ownText(node: Node): string {
  if (node.kind === 'comprehension') {
    const names = new Map<string, string>()
    number(names, node.operands.keys(), 'o')
    const axes = rangeText(node.axes, names)
    if (!node.reduction) return `${axes}${exprText(node.body, names)}`
    const { op, ranges, where } = node.reduction
    const inner = rangeText(ranges, names)
    return `${axes}${op}${inner}${where ? `${exprText(where, names)}:` : ''}${exprText(node.body, names)}`
  }
  if (node.kind === 'scatter') {
    const names = new Map<string, string>()
    number(names, node.operands.keys(), 'o')
    const ranges = rangeText(node.ranges, names)
    return `${ranges}${node.at.map((part) => exprText(part, names))}=${exprText(node.value, names)}`
  }
  return ''
}

function number(names: Map<string, string>, keys: Iterable<string>, prefix: string): void {
  let at = 0
  for (const key of keys) names.set(`${prefix}.${key}`, `${prefix}${at++}`)
}

function rangeText(ranges: readonly BoundRange[], names: Map<string, string>): string {
  return `{${ranges.map(({ index, start, extent }) => {
    names.set(`i.${index}`, `i${names.size}`)
    return `${start}+${extent}`
  })}}`
}

function exprText(expr: Expr, names: ReadonlyMap<string, string>): string {
  switch (expr.kind) {
    case 'number':
      return Object.is(expr.value, -0) ? '-0' : String(expr.value)
    case 'name':
      return names.get(`i.${expr.name}`)!
    case 'read':
      return `${names.get(`o.${expr.tensor}`)}${expr.maybe ? '?' : ''}[${expr.at.map((part) => exprText(part, names))}]`
    case 'unary':
      return `(${expr.op} ${exprText(expr.arg, names)})`
    case 'binary':
      return `(${exprText(expr.left, names)}${expr.op}${exprText(expr.right, names)})`
    case 'call':
      return `${expr.fn}(${expr.args.map((part) => exprText(part, names))})`
    case 'reduce':
      throw new Error('a reduction inside a body')
  }
}
