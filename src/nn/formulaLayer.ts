import type { AnyOperands, FormulaOperands } from '../autodiff/formula.ts'
import { EinfoldError } from '../errors.ts'
import type { OperandRanks } from '../formula/index.ts'
import { nearest } from '../formula/nearest.ts'
import { Parameter } from '../graph/parameter.ts'
import { Tensor } from '../graph/tensor.ts'
import { apply, formulaOf } from './apply.ts'
import { fansOf } from './fans.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import { tellFans } from './parameter.ts'

/** Some operands of a formula, with the ranks it reads them with; a constant may also be a number. */
export type LayerOperands<Text extends string, Given> = Partial<FormulaOperands<Text, Given>> & {
  readonly [Name in Exclude<keyof Given, keyof OperandRanks<Text>>]: never
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
export function layer<const Text extends string, Given extends AnyOperands>(
  text: Text,
  operands: Given & LayerOperands<Text, Given>,
  options: { readonly name?: string } = {},
): Layer {
  const given: AnyOperands = operands
  const { tree, operands: wanted } = formulaOf(text)
  const name = options.name ?? text.trim()
  const input = inputOf(new Set(wanted.map((operand) => operand.name)), given, name)
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
function inputOf(wanted: ReadonlySet<string>, given: Readonly<Record<string, unknown>>, name: string): string {
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
