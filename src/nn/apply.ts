import type { FormulaTree } from '../expression/tree.ts'
import { parse } from '../formula/index.ts'
import { elaborate } from '../graph/elaborate.ts'
import { Tensor } from '../graph/tensor.ts'

/** Trees of the formulas used so far: a layer has one or a few texts, which are parsed once. */
const trees = new Map<string, FormulaTree>()

/** The tensor a formula means for these operands; one that is undefined counts as not given. Throws FormulaError. */
export function apply(text: string, operands: Readonly<Record<string, Tensor | number | undefined>>): Tensor {
  let tree = trees.get(text)
  if (!tree) {
    tree = parse(text)
    trees.set(text, tree)
  }
  const nodes = new Map(
    Object.entries(operands).flatMap(([name, operand]) =>
      operand === undefined ? [] : [[name, operand instanceof Tensor ? operand.node : operand] as const],
    ),
  )
  return new Tensor(elaborate(tree, text, nodes))
}
