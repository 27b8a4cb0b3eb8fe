// Sines and cosines of the same angle are computed together, where the angle is at hand.
import { children, type Expr, mapChildren, name, read, walk } from '../expression/tree.ts'
import { comprehension } from '../graph/build.ts'
import type { ComprehensionNode, Node } from '../graph/node.ts'
import { dependsOn, isLeaf, resolve } from './reads.ts'
import type { Request } from './request.ts'
import { rewrite } from './rewrite.ts'

type Turn = 'sin' | 'cos'

const other: Readonly<Record<Turn, Turn>> = { sin: 'cos', cos: 'sin' }

/**
 * The same request with the cosine of an angle as a node of its own where its sine was computed long before (and the other
 * way round), as in the derivative of a layer of sines: stored in place of the angle, it costs hardly more than the sine
 * alone.
 */
export function pairAngles(request: Request): Request {
  const first = new Map<string, ComprehensionNode>()
  const changed = (node: Node): Node => {
    if (node.kind !== 'comprehension' || node.reduction || node.dtype !== 'f32') return node
    const operands = new Map(node.operands)
    const replaced = (expr: Expr): Expr => {
      if (!isTurn(expr)) return mapChildren(expr, replaced)
      const maker = first.get(angleKey(node, other[expr.fn], expr.args[0]))
      if (!maker || !isSum(node, expr.args[0]) || !dependsOn(node, maker)) return mapChildren(expr, replaced)
      const turned = comprehension({ axes: node.axes, body: expr, operands: operandsIn(expr, node), dtype: node.dtype })
      const operand = `${expr.fn} ${operands.size}`
      operands.set(operand, turned)
      return read(
        operand,
        node.axes.map(({ index }) => name(index)),
      )
    }
    const body = replaced(node.body)
    if (operands.size > node.operands.size) return comprehension({ ...node, body, operands })
    for (const call of turnsIn(node.body)) {
      const key = angleKey(node, call.fn, call.args[0])
      if (!first.has(key)) first.set(key, node)
    }
    return node
  }
  return rewrite(request, changed)
}

/** The nodes that are a sine or a cosine, and stand in a graph with the other of the same angle. */
export function pairedAngles(nodes: readonly Node[]): ReadonlySet<Node> {
  const keys = new Set<string>()
  const alone: { readonly node: ComprehensionNode; readonly partner: string }[] = []
  for (const node of nodes) {
    if (node.kind !== 'comprehension' || node.reduction) continue
    for (const call of turnsIn(node.body)) keys.add(angleKey(node, call.fn, call.args[0]))
    const { body } = node
    if (isTurn(body)) alone.push({ node, partner: angleKey(node, other[body.fn], body.args[0]) })
  }
  return new Set(alone.filter(({ partner }) => keys.has(partner)).map(({ node }) => node))
}

type TurnCall = Expr & { readonly kind: 'call'; readonly fn: Turn }

const isTurn = (expr: Expr): expr is TurnCall => expr.kind === 'call' && (expr.fn === 'sin' || expr.fn === 'cos')

function turnsIn(expr: Expr): readonly TurnCall[] {
  const inside = children(expr).flatMap(turnsIn)
  return isTurn(expr) ? [expr, ...inside] : inside
}

function operandsIn(expr: Expr, { operands }: ComprehensionNode): ReadonlyMap<string, Node> {
  const found = new Map<string, Node>()
  walk(expr, (part) => {
    if (part.kind === 'read') found.set(part.tensor, operands.get(part.tensor)!)
  })
  return found
}

/** Whether an angle is what is added to one sum or product, which a kernel has at hand only while it makes it. */
function isSum(node: ComprehensionNode, angle: Expr): boolean {
  const computed = [...operandsIn(angle, node).values()].map(resolve).filter((operand) => !isLeaf(operand))
  const [only] = computed
  return computed.length === 1 && only.kind === 'comprehension' && only.reduction !== null
}

/** Equal for the same function of the same angle over the same axes, whatever their names. */
function angleKey(node: ComprehensionNode, fn: Turn, angle: Expr): string {
  const axes = new Map(node.axes.map(({ index }, at) => [index, `#${at}`]))
  const key = (expr: Expr): string => {
    const parts = children(expr).map(key).join()
    switch (expr.kind) {
      case 'number':
        return String(expr.value)
      case 'name':
        return axes.get(expr.name) ?? expr.name
      case 'read':
        return `${resolve(node.operands.get(expr.tensor)!).id}${expr.maybe ? '?' : ''}[${parts}]`
      case 'call':
        return `${expr.fn}(${parts})`
      case 'unary':
      case 'binary':
        return `${expr.op}(${parts})`
      case 'reduce':
        throw new Error('a reduction inside a body')
    }
  }
  return `${node.shape}|${fn}(${key(angle)})`
}
