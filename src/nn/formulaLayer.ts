import { EinfoldError } from '../errors.ts'
import type { Expr, FormulaTree } from '../expression/tree.ts'
import { children } from '../expression/tree.ts'
import type { OperandRanks } from '../formula/index.ts'
import { parse } from '../formula/index.ts'
import { nearest } from '../formula/nearest.ts'
import { Parameter } from '../graph/parameter.ts'
import { Tensor } from '../graph/tensor.ts'
import { apply } from './apply.ts'
import { fansOf } from './fans.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import { tellFans } from './parameter.ts'

/** What an operand may be; a constant may also be a number. */
type Given<Rank extends number> = Tensor<Rank> | (0 extends Rank ? number : never)

/** All operands of a formula but its input. */
export type LayerOperands<Text extends string> = {
  readonly [Name in keyof OperandRanks<Text>]?: Given<OperandRanks<Text>[Name]>
}

/**
 * A layer of your own: a formula, and what its operands are. Parameters among them are trained; the one operand that is not
 * given is the layer's input.
 *
 *     layer('z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])', {
 *       w: parameter([units], xavierUniform()), c: parameter([units], zeros) })
 *
 * Initializers are told how many terms the formula sums through each parameter. Throws FormulaError for a mistake in the text,
 * EinfoldError `unknown-operand` or `not-one-input` where the operands do not fit it.
 */
export function layer<const Text extends string>(
  text: Text,
  operands: LayerOperands<Text>,
  options: { readonly name?: string } = {},
): Layer {
  const given = operands as Readonly<Record<string, Tensor | number>>
  const tree = parse(text)
  const name = options.name ?? text.trim()
  const input = inputOf(tree, given, name)
  const parameters = Object.fromEntries(Object.entries(given).filter((entry) => entry[1] instanceof Parameter))
  const shapes = new Map<string, readonly number[]>()
  const numbers = new Map<string, number>()
  for (const [operand, value] of Object.entries(given)) {
    if (value instanceof Tensor) shapes.set(operand, value.shape)
    else numbers.set(operand, value)
  }
  for (const [operand, fans] of fansOf(tree, { shapes, numbers })) {
    const value = given[operand]
    if (value instanceof Parameter) tellFans(value, fans)
  }
  return defineLayer({
    name,
    formula: text,
    parameters: parameters as Record<string, Parameter>,
    forward: (x: Tensor) => apply(text, { ...given, [input]: x }),
  })
}

/** The one operand of the formula that is not given. */
function inputOf(tree: FormulaTree, given: Readonly<Record<string, unknown>>, name: string): string {
  const wanted = operandNames(tree)
  for (const operand of Object.keys(given)) {
    if (wanted.has(operand)) continue
    const meant = nearest(operand, [...wanted])
    const fix = meant ? `did you mean ${meant}?` : `its operands are ${[...wanted].join(', ')}`
    throw new EinfoldError('unknown-operand', `layer ${name}: the formula has no operand ${operand}; ${fix}`)
  }
  const left = [...wanted].filter((operand) => !Object.hasOwn(given, operand))
  if (left.length === 1) return left[0]
  throw new EinfoldError(
    'not-one-input',
    left.length === 0
      ? `layer ${name}: all operands are given (${[...wanted].join(', ')}), which leaves none for the input; leave one out`
      : `layer ${name}: ${left.length} operands are not given (${left.join(', ')}); give all but the one that is the input`,
  )
}

/** The tensors and constants that a formula reads and does not define. */
function operandNames(tree: FormulaTree): Set<string> {
  const found = new Set<string>()
  const defined = new Set(tree.statements.map(({ name }) => name))
  const visit = (expr: Expr, indices: ReadonlySet<string>): void => {
    if (expr.kind === 'name' && !indices.has(expr.name) && !defined.has(expr.name)) found.add(expr.name)
    if (expr.kind === 'read' && !defined.has(expr.tensor)) found.add(expr.tensor)
    const ranges = expr.kind === 'reduce' ? expr.ranges : []
    const inner = new Set([...indices, ...ranges.map(({ index }) => index)])
    ranges.forEach(visitBound)
    for (const part of children(expr)) visit(part, inner)
  }
  const none: ReadonlySet<string> = new Set()
  const visitBound = ({ bound }: FormulaTree['statements'][number]['axes'][number]): void => {
    if (bound.kind === 'extent') visit(bound.extent, none)
    if (bound.kind !== 'between') return
    visit(bound.start, none)
    visit(bound.last, none)
  }
  for (const { axes, value } of tree.statements) {
    axes.forEach(visitBound)
    visit(value, new Set(axes.map(({ index }) => index)))
  }
  return found
}
