import type { Formula } from '../autodiff/formula.ts'
import { formula } from '../autodiff/formula.ts'
import type { Tensor } from '../graph/tensor.ts'

/** The formulas of all layers so far, of which there are few: texts are parsed once. */
const formulas = new Map<string, Formula>()

/** The formula of a text. Throws FormulaError. */
export function formulaOf(text: string): Formula {
  let known = formulas.get(text)
  if (!known) {
    known = formula(text)
    formulas.set(text, known)
  }
  return known
}

/** The tensor a formula means for these operands; one that is undefined counts as not given. Throws FormulaError. */
export function apply(text: string, operands: Readonly<Record<string, Tensor | number | undefined>>): Tensor {
  const given = Object.entries(operands).filter((entry): entry is [string, Tensor | number] => entry[1] !== undefined)
  return formulaOf(text)(Object.fromEntries(given) as never)
}
