// Normal form: every reduction becomes a node of its own, over just the indices its body depends on.
import type { Dtype } from '../../dtype.ts'
import { simplify } from '../../expression/simplify.ts'
import { isTame } from '../../expression/tame.ts'
import type { Expr, ReadExpr, ReduceExpr } from '../../expression/tree.ts'
import { binary, mapChildren, number, read, substitute, unary, walk } from '../../expression/tree.ts'
import type { Interval } from '../../index/index.ts'
import { add, affineOf, constant, exprOf, indexOf } from '../../index/index.ts'
import { comprehension } from '../build.ts'
import type { BoundRange, Node, Reduction } from '../node.ts'
import { dtypeOf, reductionDtype } from '../typing.ts'
import type { Index } from './names.ts'
import type { Condition } from './reads.ts'
import { conditionsOf, valuesOf } from './reads.ts'

interface Context {
  readonly indices: ReadonlyMap<string, Index>
  readonly intervals: ReadonlyMap<string, Interval>
  /** The tensors of the formula, and the reductions made so far. */
  readonly operands: Map<string, Node>
}

/** The node for `[axes] = value`, where all reads are checked and all extents known. */
export function buildStatement(
  axes: readonly Index[],
  value: Expr,
  indices: ReadonlyMap<string, Index>,
  tensors: ReadonlyMap<string, Node>,
): Node {
  const context = { indices, intervals: valuesOf(indices), operands: new Map(tensors) }
  const dtype = valueDtype(value, context)
  const body = liftReductions(value, context)
  return comprehension({ axes: axes.map(rangeOf), body, operands: context.operands, dtype })
}

const valueDtype = (value: Expr, { operands }: Context): Dtype =>
  dtypeOf(value, (tensor) => operands.get(tensor)!.dtype)

const rangeOf = ({ id, start, extent }: Index): BoundRange => ({ index: id, start, extent: extent! })

/** The same value with a read of a new node in the place of each reduction. */
function liftReductions(expr: Expr, context: Context): Expr {
  if (expr.kind !== 'reduce') return mapChildren(expr, (part) => liftReductions(part, context))
  const { op, ranges, body } = mergeNested(expr)
  const lifted = liftReductions(body, context)
  const over = ranges.map(({ index }) => context.indices.get(index)!)
  const absent = conditionsIn(lifted, context)
  if (op === 'sum') return sum(lifted, over, absent, context)
  if (op === 'mean') return binary('/', sum(lifted, over, absent, context), countOf(over, absent, context))
  const reduced = reduceNode(op, over, absent, lifted, undefined, context)
  const winner = op === 'argmax' || op === 'argmin'
  return winner && over.length === 1 && over[0].start !== 0 ? binary('+', reduced, number(over[0].start)) : reduced
}

const mergeable: ReadonlySet<string> = new Set(['sum', 'prod', 'max', 'min', 'any', 'all'])

/** `sum(i) sum(j) f` is `sum(i,j) f`, unless `f` has factors that leave the inner sum. */
function mergeNested(expr: ReduceExpr): ReduceExpr {
  const { op, body } = expr
  if (!mergeable.has(op) || body.kind !== 'reduce' || body.op !== op) return expr
  const inner = mergeNested(body)
  if (op === 'sum' && hasInvariantFactor(inner)) return expr
  return { ...expr, ranges: [...expr.ranges, ...inner.ranges], body: inner.body }
}

function hasInvariantFactor({ ranges, body }: ReduceExpr): boolean {
  const over = new Set(ranges.map(({ index }) => index))
  const { factors, divisors } = productOf(body)
  return [...factors, ...divisors].some((factor) => !belongsIn(factor, over))
}

/**
 * A sum. Factors that do not belong in it are taken out. A combination with an absent read that is a factor
 * adds 0 anyway, so that only the other conditions are kept.
 */
function sum(body: Expr, over: readonly Index[], absent: readonly Condition[], context: Context): Expr {
  const product = productOf(body)
  const vanishing = conditionsOfAll(product.factors.filter(isMaybeRead), context)
  // Unless what it is multiplied with may be infinite there: 0 / 0 and 0 · log(0) are no 0.
  const wild = namesIn([...product.divisors, ...product.factors.filter((factor) => !isTame(factor))])
  const isWild = ({ holds }: Condition): boolean => [...namesIn([holds])].some((name) => wild.has(name))
  const where = absent.filter((condition) => !vanishing.has(condition.key) || isWild(condition))
  const ids = new Set(over.map(({ id }) => id))
  const [inner, outer] = splitProduct(product, ids)
  const isWhole = outer.factors.length + outer.divisors.length === 0
  const dtype = reductionDtype('sum', valueDtype(body, context))
  if (isWhole) return reduceNode('sum', over, where, body, dtype, context)
  const rest =
    inner.factors.length + inner.divisors.length === 0
      ? countOf(over, where, context)
      : reduceNode('sum', over, where, exprOfProduct(inner), dtype, context)
  // The sum of products is rounded often: that a constant is divided by exactly counts for nothing beside.
  const taken = inner.factors.length > 1 ? multiplied(outer) : outer
  return exprOfProduct({ ...taken, factors: [...taken.factors, rest] })
}

interface Product {
  readonly negative: boolean
  readonly factors: readonly Expr[]
  readonly divisors: readonly Expr[]
}

/** What is multiplied, looking through `*`, `/` and the sign. */
function productOf(expr: Expr): Product {
  if (expr.kind === 'unary' && expr.op === '-') {
    const product = productOf(expr.arg)
    return { ...product, negative: !product.negative }
  }
  if (expr.kind === 'binary' && expr.op === '*') {
    const [left, right] = [productOf(expr.left), productOf(expr.right)]
    return {
      negative: left.negative !== right.negative,
      factors: [...left.factors, ...right.factors],
      divisors: [...left.divisors, ...right.divisors],
    }
  }
  if (expr.kind === 'binary' && expr.op === '/') {
    const left = productOf(expr.left)
    return { ...left, divisors: [...left.divisors, expr.right] }
  }
  return { negative: false, factors: [expr], divisors: [] }
}

function exprOfProduct({ negative, factors, divisors }: Product): Expr {
  const [first = number(1), ...others] = factors
  const multiplied = others.reduce((product, factor) => binary('*', product, factor), first)
  const divided = divisors.reduce((product, divisor) => binary('/', product, divisor), multiplied)
  return negative ? unary('-', divided) : divided
}

/** Divisors that are numbers as factors, which cost less. */
function multiplied({ negative, factors, divisors }: Product): Product {
  const reciprocals: Expr[] = []
  const left: Expr[] = []
  for (const divisor of divisors.map(simplify)) {
    if (divisor.kind === 'number' && divisor.value !== 0) reciprocals.push(number(1 / divisor.value))
    else left.push(divisor)
  }
  return { negative, factors: [...reciprocals, ...factors], divisors: left }
}

/** The part of a product that stays in a sum over the given indices, and the part that leaves it. */
function splitProduct({ negative, factors, divisors }: Product, ids: ReadonlySet<string>): [Product, Product] {
  const isInner = (factor: Expr): boolean => belongsIn(factor, ids)
  const isOuter = (factor: Expr): boolean => !isInner(factor)
  return [
    { negative: false, factors: factors.filter(isInner), divisors: divisors.filter(isInner) },
    { negative, factors: factors.filter(isOuter), divisors: divisors.filter(isOuter) },
  ]
}

/** How many combinations of the ranges satisfy the conditions. */
function countOf(over: readonly Index[], where: readonly Condition[], context: Context): Expr {
  const inConditions = namesIn(where.map(({ holds }) => holds))
  const counted = where.length > 0 ? over.filter(({ id }) => inConditions.has(id)) : []
  const free = over.filter((index) => !counted.includes(index)).reduce((product, { extent }) => product * extent!, 1)
  if (where.length === 0) return number(free)
  const satisfied = reduceNode('sum', counted, where, number(1), undefined, context)
  return free === 1 ? satisfied : binary('*', number(free), satisfied)
}

/** Makes the node of a reduction and gives back a read of it. */
function reduceNode(
  op: Reduction['op'],
  over: readonly Index[],
  conditions: readonly Condition[],
  body: Expr,
  dtype: Dtype | undefined,
  context: Context,
): Expr {
  const where =
    conditions.length === 0 ? null : conditions.map(({ holds }) => holds).reduce((a, b) => binary('and', a, b))
  const ids = new Set(over.map(({ id }) => id))
  const names = namesIn(where ? [body, where] : [body])
  const axes = [...context.indices.values()].filter(({ id }) => names.has(id) && !ids.has(id))
  const shift = startingAtZero(axes, context)
  const node = comprehension({
    axes: axes.map((index) => ({ ...rangeOf(index), start: 0 })),
    reduction: { op, ranges: over.map(rangeOf), where: where && shift(where) },
    body: shift(body),
    operands: context.operands,
    dtype,
  })
  return read(
    addOperand(op, node, context),
    axes.map(({ id, start }) => shiftedIndex(id, -start)),
  )
}

/** Axes of nodes start at 0: rewrites a body for indices that did not. */
function startingAtZero(axes: readonly Index[], { intervals }: Context): (expr: Expr) => Expr {
  const moved = axes.filter(({ start }) => start !== 0)
  if (moved.length === 0) return (expr) => expr
  const values = new Map(moved.map(({ id, start }): [string, Expr] => [id, shiftedIndex(id, start)]))
  const from = new Map(intervals)
  for (const { id, extent } of moved) from.set(id, { min: 0, max: extent! - 1 })
  const tidy = (expr: Expr): Expr => {
    const parts = mapChildren(expr, tidy)
    if (parts.kind !== 'read') return parts
    return mapChildren(parts, (at) => {
      const affine = affineOf(at, from)
      return affine ? exprOf(affine) : at
    })
  }
  return (expr) => tidy(substitute(expr, values))
}

const shiftedIndex = (id: string, by: number): Expr => exprOf(add(indexOf(id), constant(by)))

/** Puts a node among the operands under a name that is free, the same name for the same node. */
function addOperand(op: string, node: Node, { operands }: Context): string {
  for (const [known, other] of operands) if (other === node) return known
  let suffix = 1
  while (operands.has(`${op}_${suffix}`)) suffix++
  operands.set(`${op}_${suffix}`, node)
  return `${op}_${suffix}`
}

function conditionsIn(body: Expr, context: Context): Condition[] {
  const reads: ReadExpr[] = []
  walk(body, (part) => {
    if (isMaybeRead(part)) reads.push(part)
  })
  return [...conditionsOfAll(reads, context).values()]
}

function conditionsOfAll(reads: readonly ReadExpr[], { operands, intervals }: Context): Map<string, Condition> {
  const found = new Map<string, Condition>()
  for (const one of reads) {
    for (const condition of conditionsOf(one, operands.get(one.tensor)!.shape, intervals)) {
      found.set(condition.key, condition)
    }
  }
  return found
}

const isMaybeRead = (expr: Expr): expr is ReadExpr => expr.kind === 'read' && expr.maybe

/**
 * Whether a factor depends on the indices of a sum, or holds a read that may be absent: outside of the sum such a read
 * would make the next reduction leave out its combination.
 */
function belongsIn(factor: Expr, ids: ReadonlySet<string>): boolean {
  let belongs = false
  walk(factor, (part) => {
    if (part.kind === 'name' && ids.has(part.name)) belongs = true
    if (isMaybeRead(part)) belongs = true
  })
  return belongs
}

/** The indices that occur in expressions, those of reductions inside included. */
function namesIn(exprs: readonly Expr[]): Set<string> {
  const names = new Set<string>()
  for (const expr of exprs) {
    walk(expr, (part) => {
      if (part.kind === 'name') names.add(part.name)
    })
  }
  return names
}
