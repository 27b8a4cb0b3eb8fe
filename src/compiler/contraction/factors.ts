// The two operands of a contraction: its body as a product of two factors over different indices.
import { type Expr, walk } from '../../expression/tree.ts'
import type { ComprehensionNode } from '../../graph/node.ts'

/** A sum of products: `left` and `right` are expressions over the index sets given. */
export interface TwoFactors {
  readonly left: Factor
  readonly right: Factor
}

export interface Factor {
  readonly expr: Expr
  readonly indices: ReadonlySet<string>
}

/**
 * The body of a sum as two factors, each over fewer indices than the whole; null when it is none. Factors over a part of
 * another's indices go with that one.
 */
export function twoFactors(node: ComprehensionNode): TwoFactors | null {
  if (node.reduction?.op !== 'sum' || node.reduction.where) return null
  const bound = new Set([...node.axes, ...node.reduction.ranges].map((range) => range.index))
  const factors: Factor[] = []
  collect(node.body, bound, factors)
  const groups: Factor[] = []
  for (const factor of factors.sort((a, b) => b.indices.size - a.indices.size)) {
    const at = groups.findIndex((group) => [...factor.indices].every((index) => group.indices.has(index)))
    if (at < 0) groups.push(factor)
    else groups[at] = { expr: times(groups[at].expr, factor.expr), indices: groups[at].indices }
  }
  if (groups.length !== 2) return null
  const [left, right] = groups
  const used = new Set([...left.indices, ...right.indices])
  // Every axis must come from an operand; every sum must run over both.
  if (node.axes.some((axis) => !used.has(axis.index) && axis.extent > 1)) return null
  return { left, right }
}

const times = (left: Expr, right: Expr): Expr => ({ kind: 'binary', op: '*', left, right })

function collect(expr: Expr, bound: ReadonlySet<string>, factors: Factor[]): void {
  if (expr.kind === 'binary' && expr.op === '*') {
    collect(expr.left, bound, factors)
    collect(expr.right, bound, factors)
    return
  }
  const indices = new Set<string>()
  walk(expr, (part) => {
    if (part.kind === 'name' && bound.has(part.name)) indices.add(part.name)
  })
  factors.push({ expr, indices })
}
