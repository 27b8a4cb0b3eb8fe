import temml from 'temml'
import type { Expr, FormulaTree, Statement } from '../expression/tree.ts'
import { latex } from './latex.ts'

/** The MathML of a formula, of one of its statements, or of an expression: a `<math>` element in display style. */
export function mathml(tree: FormulaTree | Statement | Expr): string {
  return temml.renderToString(latex(tree), { displayMode: true, throwOnError: true })
}
