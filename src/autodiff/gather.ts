// The adjoint of one read, in gather form: the roles of the two index maps are swapped. The places of the tensor that is
// read become the axes, the indices that are not solved for become the reduction.
import type { Dtype } from '../dtype.ts'
import { condition as constantCondition, truthOf } from '../expression/simplify.ts'
import { isTame } from '../expression/tame.ts'
import { binary, call, type Expr, mapChildren, number, type ReadExpr, read } from '../expression/tree.ts'
import { comprehension, scatterNode } from '../graph/build.ts'
import type { BoundRange, Node, Shape } from '../graph/node.ts'
import { sizeOf } from '../graph/node.ts'
import { affineOf, bounds, type Intervals, intervalsOf, subtract } from '../index/index.ts'
import { sameExprs } from './algebra.ts'
import { conjunction, conjuncts, type Factors, factorsOf, mentions, productOf } from './factors.ts'
import { combinations, freshName, indexNames } from './ranges.ts'
import { type Condition, conditionExpr, type Solution, substituteSolution } from './solution.ts'
import { solveRead } from './solve.ts'

/** What flows back into a tensor from one of its reads. */
export interface Flow {
  /** Everything that runs: axes and ranges of the node that reads. */
  readonly indices: readonly BoundRange[]
  /** Leading axes of the result that the adjoint carries along. */
  readonly batch: readonly BoundRange[]
  /** Combinations of indices where this fails contribute nothing. */
  readonly where: Expr | null
  /** The contribution of a combination of indices: the adjoint times the derivative by the element read. */
  readonly value: Expr
  readonly operands: ReadonlyMap<string, Node>
  /** The read, and shape and dtype of the tensor. */
  readonly read: ReadExpr
  readonly shape: Shape
  readonly dtype: Dtype
}

/** Gathering where a condition picks few of many combinations may cost this many times what scattering them costs. */
const maxGatherCost = 4

/** The sum of the contributions at every place of the tensor that is read; null when there are none. */
export function gather(flow: Flow): Node | null {
  const { batch, indices, shape } = flow
  if ([...batch, ...indices].some(({ extent }) => extent === 0) || sizeOf(shape) === 0) return null
  const solution = solveRead(flow.read.at, indices, shape)
  if (!solution) return null
  if (solution.conditions.some(({ kind }) => kind === 'place')) {
    const gathered = sizeOf(shape) * combinations(solution.remaining)
    if (gathered > maxGatherCost * (combinations(indices) + sizeOf(shape))) return scatter(flow)
  }
  return gatherSolved(flow, solution)
}

function gatherSolved(flow: Flow, solution: Solution): Node | null {
  const { batch, operands, dtype } = flow
  const intervals = new Map([...intervalsOf(batch), ...solution.intervals])
  const finish = (expr: Expr): Expr => guardReads(decideComparisons(expr, intervals), intervals, operands)
  const factors = factorsOf(flow.value, () => false)
  const conditions = [
    ...solution.conditions
      .filter((condition) => !isKeptByRead(condition, factors, flow))
      .flatMap((condition) => conjuncts(conditionExpr(condition, solution))),
    ...conjuncts(flow.where).map((expr) => substituteSolution(expr, solution)),
  ]
  const axes = [...batch, ...solution.targets]
  return reduceProduct(finish(substituteSolution(flow.value, solution)), conditions.map(finish), {
    axes,
    ranges: solution.remaining,
    operands,
    dtype,
  })
}

/**
 * Whether a factor is read at the index itself, so that it is 0 exactly where the index leaves its range. The read may then
 * fall outside, and a product under a sum stays a plain product.
 */
function isKeptByRead(condition: Condition, { numerators, denominators }: Factors, flow: Flow): boolean {
  if (condition.kind !== 'range') return false
  const { index, within } = condition
  const only = new Set([index])
  if (![...numerators, ...denominators].every((factor) => isTame(factor) || !mentions(factor, only))) return false
  if (denominators.some((factor) => mentions(factor, only))) return false
  const intervals = intervalsOf(flow.indices)
  return numerators.some((factor) => {
    if (factor.kind !== 'read') return false
    const { shape } = flow.operands.get(factor.tensor)!
    return factor.at.some((row, dimension) => {
      const affine = affineOf(row, intervals)
      if (affine?.terms.length !== 1) return false
      const [{ atom, coefficient }] = affine.terms
      if (atom.kind !== 'index' || atom.name !== index || Math.abs(coefficient) !== 1) return false
      const { min, max } = bounds(affine, intervals)
      return min === 0 && max === shape[dimension] - 1 && within.min <= within.max
    })
  })
}

/** Comparisons of indices that always or never hold become that. */
function decideComparisons(expr: Expr, intervals: Intervals): Expr {
  if (expr.kind === 'read') return expr
  const decided = mapChildren(expr, (part) => decideComparisons(part, intervals))
  if (decided.kind !== 'binary' || !orders.has(decided.op)) return decided
  const left = exactAffine(decided.left, intervals)
  const right = left && exactAffine(decided.right, intervals)
  if (!left || !right) return decided
  const { min, max } = bounds(subtract(left, right), intervals)
  const outcomes = [min, max].map((difference) => truthOf(binary(decided.op, number(difference), number(0))))
  if (decided.op === '==' || decided.op === '!=') {
    if (min > 0 || max < 0) return constantCondition(decided.op === '!=')
    return min === max ? constantCondition(decided.op === '==') : decided
  }
  return outcomes[0] === outcomes[1] ? constantCondition(outcomes[0]!) : decided
}

const orders: ReadonlySet<string> = new Set(['<', '<=', '>', '>=', '==', '!='])

/** A value that is affine in indices; one with `/`, which does not round here, is none. */
const exactAffine = (expr: Expr, intervals: Intervals) => (hasDivision(expr) ? null : affineOf(expr, intervals))

const hasDivision = (expr: Expr): boolean =>
  (expr.kind === 'binary' && (expr.op === '/' || hasDivision(expr.left) || hasDivision(expr.right))) ||
  (expr.kind === 'unary' && hasDivision(expr.arg))

/** Marks the reads that may fall outside, and only those. */
function guardReads(expr: Expr, intervals: Intervals, operands: ReadonlyMap<string, Node>): Expr {
  const guarded = mapChildren(expr, (part) => guardReads(part, intervals, operands))
  if (guarded.kind !== 'read') return guarded
  const { shape } = operands.get(guarded.tensor)!
  const rows = guarded.at.map((row) => affineOf(row, intervals))
  const leaves = rows.some((row, dimension) => {
    if (!row) return false
    const { min, max } = bounds(row, intervals)
    return min < 0 || max >= shape[dimension]
  })
  const maybe = leaves || (guarded.maybe && rows.includes(null))
  return maybe === guarded.maybe ? guarded : { ...guarded, maybe }
}

interface Place {
  readonly axes: readonly BoundRange[]
  readonly ranges: readonly BoundRange[]
  readonly operands: ReadonlyMap<string, Node>
  readonly dtype: Dtype
}

/**
 * `Σ value` over the ranges, where the conditions hold. What does not depend on the ranges stands outside the sum, in a
 * node of its own, so that the sum is a plain contraction wherever there is one inside.
 */
export function reduceProduct(value: Expr, given: readonly Expr[], place: Place): Node | null {
  const conditions = given.filter((condition) => truthOf(condition) !== true)
  if (conditions.some((condition) => truthOf(condition) === false)) return null
  const used = place.ranges.filter(({ index }) =>
    [value, ...conditions].some((expr) => mentions(expr, new Set([index]))),
  )
  const repeated = combinations(place.ranges) / combinations(used)
  const running = new Set(used.map(({ index }) => index))
  const runs = (expr: Expr): boolean => mentions(expr, running)
  const all = factorsOf(value, (condition) => !runs(condition))
  const outerConditions = [...conditions, ...all.conditions].filter((condition) => !runs(condition))
  const innerConditions = conditions.filter(runs)
  let outer: Omit<Factors, 'conditions'> = {
    coefficient: all.coefficient * repeated,
    numerators: all.numerators.filter((factor) => !runs(factor)),
    denominators: all.denominators.filter((factor) => !runs(factor)),
  }
  let inner: Omit<Factors, 'conditions'> = {
    coefficient: 1,
    numerators: all.numerators.filter(runs),
    denominators: all.denominators.filter(runs),
  }
  if (used.length === 0) return pointwise(outer, outerConditions, place)
  // Left out by the condition is not the same as zero when a factor outside may be infinite.
  if (innerConditions.length > 0 && (outer.denominators.length > 0 || !outer.numerators.every(isTame))) {
    inner = {
      coefficient: 1,
      numerators: [...outer.numerators, ...inner.numerators],
      denominators: [...outer.denominators, ...inner.denominators],
    }
    outer = { coefficient: outer.coefficient, numerators: [], denominators: [] }
  }
  const parts = [...inner.numerators, ...inner.denominators, ...innerConditions]
  const axes = place.axes.filter(({ index }) => parts.some((part) => mentions(part, new Set([index]))))
  const sum = comprehension({
    axes,
    reduction: { op: 'sum', ranges: used, where: conjunction(innerConditions) },
    body: productOf(inner),
    operands: place.operands,
    dtype: place.dtype,
  })
  const name = freshName('sum', place.operands)
  const numerators = [...outer.numerators, read(name, indexNames(axes))]
  return pointwise({ ...outer, numerators }, outerConditions, {
    ...place,
    operands: new Map([...place.operands, [name, sum]]),
  })
}

function pointwise(factors: Omit<Factors, 'conditions'>, conditions: readonly Expr[], place: Place): Node | null {
  if (factors.coefficient === 0) return null
  const { axes, operands, dtype } = place
  const product = productOf(factors)
  const where = conjunction(conditions)
  const body = where ? call('where', where, product, number(0)) : product
  if (body.kind === 'read' && !body.maybe && sameExprs(body.at, indexNames(axes))) {
    const whole = operands.get(body.tensor)!
    if (whole.dtype === dtype && whole.shape.every((extent, axis) => extent === axes[axis].extent)) return whole
  }
  return comprehension({ axes, body, operands, dtype })
}

/** For reads at data-dependent places when there are many: add each contribution where it belongs. */
function scatter(flow: Flow): Node {
  const { batch, indices, shape, operands, dtype } = flow
  const inside = flow.read.maybe
    ? flow.read.at.flatMap((row, dimension) => [
        binary('>=', row, number(0)),
        binary('<', row, number(shape[dimension])),
      ])
    : []
  const where = conjunction([...conjuncts(flow.where), ...inside])
  return scatterNode({
    shape: [...batch.map(({ extent }) => extent), ...shape],
    ranges: [...batch, ...indices],
    at: [...indexNames(batch), ...flow.read.at],
    value: where ? call('where', where, flow.value, number(0)) : flow.value,
    operands,
    dtype,
  })
}
