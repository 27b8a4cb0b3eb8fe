// A product whose result is only seen under a shape with more axes is made in that shape: what follows then runs in its loops.
import { binary, type Expr, name, number, substitute } from '../../expression/tree.ts'
import { comprehension } from '../../graph/build.ts'
import type { BoundRange, ComprehensionNode, Node, Shape } from '../../graph/node.ts'
import { operandsOf } from '../../graph/node.ts'
import type { Request } from '../request.ts'
import { rewrite } from '../rewrite.ts'
import { matrixProduct } from './roles.ts'

/** The same request with products in the shapes that they are seen under. */
export function unflattenProducts(request: Request): Request {
  const users = usersOf(request)
  const isOnlyUse = (node: Node): boolean => users.get(node) === 1
  return rewrite(request, (node, old) => {
    if (old.kind !== 'reshape' || node.kind !== 'reshape' || !isOnlyUse(old.of)) return node
    const { of } = node
    if (of.kind !== 'comprehension' || !matrixProduct(of)) return node
    return inShape(of, node.shape) ?? node
  })
}

/** How many nodes and wants read each node. */
function usersOf(request: Request): ReadonlyMap<Node, number> {
  const users = new Map<Node, number>()
  const note = (node: Node): void => void users.set(node, (users.get(node) ?? 0) + 1)
  const seen = new Set<Node>()
  const wanted = [...request.outputs, ...request.updates.map(({ value }) => value)]
  wanted.forEach(note)
  const open = [...wanted]
  while (open.length > 0) {
    const node = open.pop()!
    if (seen.has(node)) continue
    seen.add(node)
    for (const operand of new Set(operandsOf(node))) {
      note(operand)
      open.push(operand)
    }
  }
  return users
}

/** The node with each axis as one or more axes of a shape; null where the shape joins axes. */
function inShape(node: ComprehensionNode, shape: Shape): Node | null {
  const axes: BoundRange[] = []
  const values = new Map<string, Expr>()
  let next = 0
  for (const { index, extent } of node.axes) {
    const first = next
    let filled = 1
    while (filled < extent && next < shape.length) filled *= shape[next++]
    // An axis of extent 1 takes one of these where there is one.
    if (next === first && shape[next] === 1) next++
    if (filled !== extent) return null
    const nameOf = (at: number) => (next === first + 1 ? index : `${index}'${at}`)
    const parts = shape.slice(first, next).map((part, at) => ({ index: nameOf(at), start: 0, extent: part }))
    values.set(index, position(parts))
    axes.push(...parts)
  }
  while (next < shape.length && shape[next] === 1) axes.push({ index: `one'${next}`, start: 0, extent: shape[next++] })
  return next < shape.length
    ? null
    : comprehension({ ...node, axes, body: substitute(node.body, values), operands: node.operands })
}

/** The row-major position on axes. */
function position(axes: readonly BoundRange[]): Expr {
  return (
    axes.reduce<Expr | null>((outer, { index, extent }) => {
      if (extent === 1 && axes.length > 1) return outer
      return outer === null ? name(index) : binary('+', binary('*', number(extent), outer), name(index))
    }, null) ?? number(0)
  )
}
