// From a formula and its operands to nodes.
import type { Span } from '../errors.ts'
import type { FormulaTree, Statement } from '../expression/tree.ts'
import { solveExtents } from './elaboration/extents.ts'
import type { Environment } from './elaboration/names.ts'
import { resolveNames } from './elaboration/names.ts'
import { checkReads } from './elaboration/reads.ts'
import { buildStatement } from './elaboration/reductions.ts'
import { fail, list } from './elaboration/source.ts'
import type { Node, Shape } from './node.ts'

/**
 * The node that a formula means for these operands: tensors, and numbers for its constants. Names are resolved, the extents
 * of all indices found, every read checked, and each reduction made a node of its own. `text` is what the tree was parsed
 * from; errors point into it. With `resultShape` the axes of the result have these extents.
 *
 * Throws a FormulaError for a formula that does not fit its operands; test/graph/formula-errors.test.ts shows every kind.
 */
export function elaborate(
  tree: FormulaTree,
  text: string,
  operands: ReadonlyMap<string, Node | number>,
  options: { readonly resultShape?: Shape } = {},
): Node {
  const tensors = new Map<string, Node>()
  const numbers = new Map<string, number>()
  for (const [name, operand] of operands) {
    if (typeof operand === 'number') numbers.set(name, operand)
    else tensors.set(name, operand)
  }
  const used = new Set<string>()
  const result = tree.statements.at(-1)!
  for (const statement of tree.statements) {
    const resultShape = statement === result ? options.resultShape : undefined
    const node = elaborateStatement(statement, text, { tensors, numbers, used }, resultShape)
    checkNewName(statement, text, operands)
    tensors.set(statement.name, node)
  }
  for (const name of operands.keys()) if (!used.has(name)) unusedOperand(name, operands, used, result, text)
  return tensors.get(result.name)!
}

function elaborateStatement(statement: Statement, text: string, environment: Environment, resultShape?: Shape): Node {
  const source = { text, place: placeOf(statement, text) }
  const resolved = resolveNames(statement, environment, source)
  solveExtents(resolved, environment.tensors, source, resultShape)
  const value = checkReads(resolved, environment.tensors, source)
  return buildStatement(resolved.axes, value, resolved.indices, environment.tensors)
}

function placeOf({ name, span }: Statement, text: string): Span {
  return span ? { start: span.start, end: span.start + name.length } : { start: 0, end: text.length }
}

function checkNewName(statement: Statement, text: string, operands: ReadonlyMap<string, unknown>): void {
  const { name } = statement
  if (!operands.has(name)) return
  const message = `The formula computes ${name}, and an operand ${name} was given too. Rename one of them.`
  const place = placeOf(statement, text)
  fail({ text, place }, 'name-clash', message, place)
}

function unusedOperand(
  name: string,
  operands: ReadonlyMap<string, unknown>,
  used: ReadonlySet<string>,
  result: Statement,
  text: string,
): never {
  const place = placeOf(result, text)
  const uses = [...operands.keys()].filter((operand) => used.has(operand))
  const message = `The operand ${name} was given, but the formula uses ${uses.length === 0 ? 'none' : `only ${list(uses)}`}.`
  fail({ text, place }, 'unused-operand', `${message} Leave ${name} out, or use it.`, place)
}
