// The reads of a body through which a derivative can flow.
import { isFloat } from '../dtype.ts'
import { children, type Expr, type ReadExpr } from '../expression/tree.ts'
import type { Node } from '../graph/node.ts'
import { sameExpr } from './algebra.ts'

/**
 * The different reads of float tensors in a body that `wanted` asks for, each once. Reads inside indices do not count: an
 * index has no derivative.
 */
export function occurrencesOf(
  body: Expr,
  operands: ReadonlyMap<string, Node>,
  wanted: (node: Node) => boolean,
): ReadExpr[] {
  const found: ReadExpr[] = []
  const visit = (expr: Expr): void => {
    if (expr.kind !== 'read') {
      for (const part of children(expr)) visit(part)
      return
    }
    const of = operands.get(expr.tensor)!
    if (isFloat(of.dtype) && wanted(of) && !found.some((other) => sameExpr(other, expr))) found.push(expr)
  }
  visit(body)
  return found
}
