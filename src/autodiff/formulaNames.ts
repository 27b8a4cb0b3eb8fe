// Which names a formula reads, and which it makes.
import { type Expr, type FormulaTree, mapChildren, type Range, type Statement } from '../expression/tree.ts'

/** What a formula computes with: a tensor and its rank; 0 also for a number. */
export interface OperandName {
  readonly name: string
  readonly rank: number
}

/** The operands of a formula in order of first use. */
export function operandsOfFormula(tree: FormulaTree): OperandName[] {
  const found = new Map<string, number>()
  const defined = new Set<string>()
  for (const statement of tree.statements) {
    visitFree(statement, (leaf) => {
      const name = leaf.kind === 'read' ? leaf.tensor : leaf.name
      if (!defined.has(name) && !found.has(name)) found.set(name, leaf.kind === 'read' ? leaf.at.length : 0)
    })
    defined.add(statement.name)
  }
  return [...found].map(([name, rank]) => ({ name, rank }))
}

type Leaf = Extract<Expr, { kind: 'read' | 'name' }>

/** Calls `visit` on every read, and on every name that is no index where it stands; bounds of ranges included. */
export function visitFree({ axes, value }: Statement, visit: (leaf: Leaf) => void): void {
  const visitExpr = (expr: Expr, running: ReadonlySet<string>): void => {
    if (expr.kind === 'name' && !running.has(expr.name)) visit(expr)
    if (expr.kind === 'read') visit(expr)
    const inner = expr.kind === 'reduce' ? visitRanges(expr.ranges, running) : running
    mapChildren(expr, (part) => {
      visitExpr(part, inner)
      return part
    })
  }
  const visitRanges = (ranges: readonly Range[], running: ReadonlySet<string>): Set<string> => {
    for (const { bound } of ranges) {
      if (bound.kind === 'extent') visitExpr(bound.extent, running)
      if (bound.kind === 'between') {
        visitExpr(bound.start, running)
        visitExpr(bound.last, running)
      }
    }
    return new Set([...running, ...ranges.map(({ index }) => index)])
  }
  visitExpr(value, visitRanges(axes, new Set()))
}

/** Every name of a formula, whatever it stands for. */
export function allNames(tree: FormulaTree): Set<string> {
  const names = new Set<string>()
  for (const statement of tree.statements) {
    names.add(statement.name)
    for (const { index } of statement.axes) names.add(index)
    visitFree(statement, (leaf) => names.add(leaf.kind === 'read' ? leaf.tensor : leaf.name))
    const addRanges = (expr: Expr): Expr => {
      if (expr.kind === 'reduce') for (const { index } of expr.ranges) names.add(index)
      return mapChildren(expr, addRanges)
    }
    addRanges(statement.value)
  }
  return names
}
