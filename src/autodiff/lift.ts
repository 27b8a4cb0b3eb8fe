// Statements in the form that the gradient of a formula is derived from: what a nonlinear function is applied to is a
// statement of its own where it holds a reduction, so that derivatives can name it instead of repeating it.
import {
  binary,
  call,
  type Expr,
  mapChildren,
  name,
  type Range,
  type ReadExpr,
  type ReduceExpr,
  read,
  type Statement,
  substitute,
  walk,
} from '../expression/tree.ts'
import { sameExpr } from './algebra.ts'
import { visitFree } from './formulaNames.ts'
import { freshName } from './ranges.ts'

/** A statement whose every index name is bound once. */
export function withDistinctIndices(statement: Statement): Statement {
  const taken = new Set(statement.axes.map(({ index }) => index))
  visitFree(statement, (leaf) => taken.add(leaf.kind === 'read' ? leaf.tensor : leaf.name))
  return { ...statement, value: renameBound(statement.value, taken) }
}

/** Gives primes to indices of reductions whose names are taken, and takes the names of all. */
export function renameBound(expr: Expr, taken: Set<string>): Expr {
  if (expr.kind !== 'reduce') return mapChildren(expr, (part) => renameBound(part, taken))
  const renamed = new Map<string, Expr>()
  const ranges = expr.ranges.map((range): Range => {
    const index = freshName(range.index, taken)
    taken.add(index)
    if (index !== range.index) renamed.set(range.index, name(index))
    return { ...range, index }
  })
  const body = renamed.size > 0 ? substitute(expr.body, renamed) : expr.body
  return { ...expr, ranges, body: renameBound(body, taken) }
}

/** Whether an expression reads one of some names. */
export function readsAny(expr: Expr, names: { has(name: string): boolean }): boolean {
  let found = false
  visitFree({ name: '', axes: [], value: expr }, (leaf) => {
    if (names.has(leaf.kind === 'read' ? leaf.tensor : leaf.name)) found = true
  })
  return found
}

export const holdsReduction = (expr: Expr): boolean => {
  if (expr.kind === 'reduce') return true
  let found = false
  mapChildren(expr, (part) => {
    found ||= holdsReduction(part)
    return part
  })
  return found
}

/** The statements that together say the same, the given one last. `taken` are the names in use. */
export function lift(statement: Statement, dependent: { has(name: string): boolean }, taken: Set<string>): Statement[] {
  const lifted: Statement[] = []
  const depends = (expr: Expr): boolean => readsAny(expr, dependent)
  const visit = (expr: Expr, running: readonly Range[], linear: boolean): Expr => {
    if (!holdsReduction(expr) || !depends(expr)) return expr
    if (!linear) {
      const own = toStatement(expr, running)
      if (own) return own
    }
    switch (expr.kind) {
      case 'reduce':
        return visitReduce(expr, running)
      case 'unary':
        return { ...expr, arg: visit(expr.arg, running, true) }
      case 'binary': {
        const sum = expr.op === '+' || expr.op === '-'
        const left = visit(expr.left, running, sum || (factors.has(expr.op) && !depends(expr.right)))
        const right = visit(expr.right, running, sum || (expr.op === '*' && !depends(expr.left)))
        return binary(expr.op, left, right)
      }
      case 'call':
        return call(expr.fn, ...expr.args.map((arg, at) => visit(arg, running, expr.fn === 'where' && at > 0)))
      default:
        return expr
    }
  }
  const visitReduce = (expr: ReduceExpr, running: readonly Range[]): Expr => {
    const separate = expr.op === 'max' || expr.op === 'min'
    if (separate && expr.ranges.length > 1 && !expr.ranges.every(hasExtent)) {
      // The winner of several indices is told by its offset, which needs extents; the winner of one, by its value.
      const [first, ...others] = expr.ranges
      return visitReduce({ ...expr, ranges: [first], body: { ...expr, ranges: others } }, running)
    }
    return { ...expr, body: visit(expr.body, [...running, ...expr.ranges], expr.op !== 'prod') }
  }
  /** A read of a new statement with the value of `expr`; null where its axes would not know how far to run. */
  const toStatement = (expr: Expr, running: readonly Range[]): Expr | null => {
    const free = freeNames(expr)
    const axes = running.filter(({ index }) => free.has(index))
    const known = axes.every(
      ({ index, bound }) =>
        bound.kind === 'extent' || (bound.kind === 'inferred' && bounds(expr, index, statement.value)),
    )
    if (!known) return null
    const own = freshName('h', taken)
    taken.add(own)
    lifted.push(...lift({ name: own, axes, value: expr }, dependent, taken))
    return readOf(own, axes)
  }
  const value = visit(statement.value, statement.axes, true)
  return [...lifted, { ...statement, value }]
}

const factors: ReadonlySet<string> = new Set(['*', '/'])

export const hasExtent = ({ bound }: Range): boolean => bound.kind !== 'inferred'

/** A statement's element at its own axes, or wherever else. */
export const readOf = (tensor: string, axes: readonly { readonly index: string }[], maybe = false): Expr =>
  axes.length === 0
    ? name(tensor)
    : read(
        tensor,
        axes.map(({ index }) => name(index)),
        maybe,
      )

export function freeNames(expr: Expr): Set<string> {
  const free = new Set<string>()
  const collect = (part: Expr): void => {
    if (part.kind === 'name') free.add(part.name)
    else if (part.kind === 'reduce') {
      const inner = freeNames(part.body)
      for (const { index } of part.ranges) inner.delete(index)
      for (const own of inner) free.add(own)
    } else
      mapChildren(part, (child) => {
        collect(child)
        return child
      })
  }
  collect(expr)
  return free
}

/** Whether an index runs as far in `part` alone as it does in `whole`, which holds the part and leaves it to the reads. */
export function bounds(part: Expr, index: string, whole: Expr): boolean {
  const own = readsOf(part).filter((read) => freeNames(read).has(index))
  const all = readsOf(whole).filter((read) => freeNames(read).has(index))
  const plain = all.filter(({ maybe }) => !maybe)
  if (plain.some((read) => usesAlone(read, index))) return own.some((read) => !read.maybe && usesAlone(read, index))
  if (plain.length > 0) return plain.every((read) => own.some((other) => sameExpr(other, read)))
  return own.some((read) => usesAlone(read, index))
}

/** The different reads in an expression. */
export function readsOf(expr: Expr): ReadExpr[] {
  const found: ReadExpr[] = []
  walk(expr, (part) => {
    if (part.kind === 'read' && !found.some((other) => sameExpr(other, part))) found.push(part)
  })
  return found
}

export const usesAlone = (read: ReadExpr, index: string): boolean =>
  read.at.some((at) => at.kind === 'name' && at.name === index)
