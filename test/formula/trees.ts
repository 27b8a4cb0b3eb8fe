// What the tests of the formula language share: trees without spans, and random trees.
import fc from 'fast-check'
import { scalarFunctions } from '../../src/expression/functions.ts'
import {
  type BinaryOperator,
  binary,
  call,
  type Expr,
  type FormulaTree,
  mapChildren,
  name,
  number,
  type Range,
  read,
  reduce,
  type Statement,
  unary,
} from '../../src/expression/tree.ts'
import { binaryLevel, reductionNames } from '../../src/formula/precedence.ts'

export function withoutSpans<Tree extends FormulaTree | Statement | Expr>(tree: Tree): Tree {
  return JSON.parse(
    JSON.stringify(tree, (key, value) => {
      if (key === 'span') return undefined
      return typeof value === 'number' ? (Object.is(value, -0) ? '-0' : String(value)) : value
    }),
  )
}

const constantNames = ['a', 'b', "k'", 'α', 'lr_2']
const tensorNames = ['x', 'w', 'max', "h'"]

const anyNumber = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 2, 0.5, 1e-7, 1e21, Math.PI, -Math.PI, Number.NaN, Infinity, -Infinity),
  fc.double(),
)

/** Any expression; its names and indices need not make sense. */
export const anyExpr: fc.Arbitrary<Expr> = fc.letrec<{ expr: Expr; range: Range }>((tie) => ({
  range: fc.record({
    index: fc.constantFrom('i', 'j', "i'"),
    bound: fc.oneof(
      fc.constant({ kind: 'inferred' as const }),
      fc.record({ kind: fc.constant('extent' as const), extent: tie('expr') }),
      fc.record({ kind: fc.constant('between' as const), start: tie('expr'), last: tie('expr') }),
    ),
  }),
  expr: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    anyNumber.map(number),
    fc.constantFrom(...constantNames, 'i', 'j').map(name),
    fc
      .tuple(fc.constantFrom(...tensorNames), fc.array(tie('expr'), { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([tensor, at, maybe]) => read(tensor, at, maybe)),
    fc.tuple(fc.constantFrom('-' as const, 'not' as const), tie('expr')).map(([op, arg]) => unary(op, arg)),
    fc
      .tuple(fc.constantFrom(...(Object.keys(binaryLevel) as BinaryOperator[])), tie('expr'), tie('expr'))
      .map(([op, left, right]) => binary(op, left, right)),
    fc.constantFrom<keyof typeof scalarFunctions>('exp', 'max', 'min', 'max', 'where', 'uniform').chain((fn) => {
      const { arity } = scalarFunctions[fn]
      return fc.array(tie('expr'), { minLength: arity, maxLength: arity }).map((args) => call(fn, ...args))
    }),
    fc
      .tuple(fc.constantFrom(...reductionNames), fc.array(tie('range'), { minLength: 1, maxLength: 3 }), tie('expr'))
      .map(([op, ranges, body]) => reduce(op, ranges, body)),
  ),
})).expr

/** A formula whose names and indices mean something. */
export const anyFormula: fc.Arbitrary<FormulaTree> = fc
  .array(fc.tuple(anyExpr, fc.integer({ min: 0, max: 3 })), { minLength: 1, maxLength: 3 })
  .map((parts) => ({
    statements: parts.map(([value, rank], at) => ({
      name: `z${at}`,
      axes: Array.from({ length: rank }, (_, axis): Range => {
        return { index: `n${axis}`, bound: axis === 1 ? { kind: 'extent', extent: name('a') } : { kind: 'inferred' } }
      }),
      value: sensible(value, { next: 0 }),
    })),
  }))

/** Gives every reduction indices of its own, and makes indices of the tensors, and bounds, whole numbers. */
function sensible(expr: Expr, names: { next: number }): Expr {
  if (expr.kind === 'name') return constantNames.includes(expr.name) ? expr : name('a')
  if (expr.kind === 'read') return { ...expr, at: expr.at.map((_, axis) => binary('+', name('b'), number(axis + 1))) }
  if (expr.kind !== 'reduce') return mapChildren(expr, (part) => sensible(part, names))
  const ranges = expr.ranges.map(({ bound }): Range => {
    const index = `q${names.next++}`
    if (bound.kind === 'extent') return { index, bound: { kind: 'extent', extent: number(3) } }
    if (bound.kind === 'between') return { index, bound: { kind: 'between', start: number(-1), last: name('b') } }
    return { index, bound }
  })
  return { ...expr, ranges, body: sensible(expr.body, names) }
}
