// Formulas as functions of tensors.
import { EinfoldError, ShapeError } from '../errors.ts'
import { type Expr, type FormulaTree, number, read, type Statement, substitute } from '../expression/tree.ts'
import { latex, mathml, type OperandRanks, parse, print, type ResultRank } from '../formula/index.ts'
import { nearest } from '../formula/nearest.ts'
import { comprehension } from '../graph/build.ts'
import { elaborate } from '../graph/elaborate.ts'
import type { Node, Shape } from '../graph/node.ts'
import { Tensor } from '../graph/tensor.ts'
import { affineOf, isConstant } from '../index/index.ts'
import { gradientTree } from './formulaGradient.ts'
import { type OperandName, operandsOfFormula } from './formulaNames.ts'
import { axesOf, indexNames } from './ranges.ts'

/** Operands by name: tensors, and numbers for constants. */
export type AnyOperands = Readonly<Record<string, Tensor | number>>

/**
 * What is required of operands of the types `Given`: each name of the formula with its rank. A tensor whose rank TypeScript
 * does not know is accepted, and checked when the formula is called.
 */
export type FormulaOperands<Text extends string, Given = unknown> = {
  readonly [Name in keyof OperandRanks<Text>]: Name extends keyof Given
    ? Accepted<OperandRanks<Text>[Name], Given[Name]>
    : OfRank<OperandRanks<Text>[Name]>
}

type OfRank<Rank> = number extends Rank
  ? Tensor | number
  : Rank extends 0
    ? Tensor<0> | number
    : Rank extends number
      ? Tensor<Rank>
      : never

type Accepted<Rank, Given> =
  Given extends Tensor<infer Own> ? (number extends Own ? Given : OfRank<Rank>) : OfRank<Rank>

/** Names that the formula does not read are refused. */
type NoOthers<Text extends string, Given> = {
  readonly [Name in Exclude<keyof Given & string, keyof OperandRanks<Text>>]: never
}

/** A formula: call it with its operands to get the tensor that it computes. `String(f)` is its canonical text. */
export interface Formula<Text extends string = string> {
  /**
   * The tensor that the formula means for these operands. Ranges are found and every read is checked now; numbers are
   * computed when they are asked for. Throws a FormulaError that points into the text.
   */
  <Given extends AnyOperands>(
    operands: Given & FormulaOperands<Text, Given> & NoOthers<Text, Given>,
  ): Tensor<ResultRank<Text>>
  /** The text as it was written. */
  readonly text: string
  readonly tree: FormulaTree
  /** The names it reads, with the rank of each; 0 for constants. */
  readonly operands: readonly OperandName[]
  /**
   * The gradient by an operand, as a formula: of the operands of this one, of `d` and the result's name (the gradient by
   * the result), and of the operand itself, from which it takes its shape.
   * Throws EinfoldError `unknown-operand`.
   */
  gradient(operand: keyof OperandRanks<Text> & string): Formula
  latex(): string
  mathml(): string
  toString(): string
}

/**
 * Makes a formula from its text; see the language in the README. TypeScript finds names and ranks of the operands when the
 * text is a literal. Throws a FormulaError for text that is no formula.
 *
 * @example
 * const conv = formula('z[n,k,i,j] = t[k] + sum(c,u,v) x[n,c,s*i+u,s*j+v] * w[k,c,u,v]')
 * const z = conv({ x, w, t, s: 2 })
 * String(conv.gradient('w')) // dw[k,c,u,v] = sum(n,i,j) dz[n,k,i,j] * x[n,c,s*i+u,s*j+v]
 */
export function formula<const Text extends string>(text: Text): Formula<Text> {
  return makeFormula(text, parse(text), null) as Formula<Text>
}

/** `shapeOf` is an operand whose shape the result has. */
function makeFormula(text: string, tree: FormulaTree, shapeOf: string | null): Formula {
  const own = operandsOfFormula(tree)
  const names = new Set(own.map(({ name }) => name))
  const result = tree.statements.at(-1)!
  const operands = shapeOf && !names.has(shapeOf) ? [...own, { name: shapeOf, rank: result.axes.length }] : own
  const apply = (given: AnyOperands): Tensor => {
    const nodes = new Map<string, Node | number>()
    for (const [name, operand] of Object.entries(given)) {
      if (typeof operand !== 'number' && !(operand instanceof Tensor)) notAnOperand(name, operand, text)
      // A gradient is given all operands of its formula, whichever it needs.
      if (shapeOf === null || names.has(name)) nodes.set(name, typeof operand === 'number' ? operand : operand.node)
    }
    const like = shapeOf === null ? undefined : given[shapeOf]
    if (like === undefined) return new Tensor(elaborate(tree, text, nodes))
    const shape = typeof like === 'number' ? [] : like.shape
    return new Tensor(
      zerosAround(elaborate(tree, text, nodes, { resultShape: statedShape(result, nodes, shape) }), shape),
    )
  }
  const gradient = (operand: string): Formula => {
    if (!operands.some(({ name }) => name === operand)) unknownOperand(operand, operands, text)
    const derived = print(gradientTree(tree, operand))
    return makeFormula(derived, parse(derived), operand)
  }
  const canonical = (): string => print(tree)
  return Object.assign(apply, {
    text,
    tree,
    operands,
    gradient,
    latex: () => latex(tree),
    mathml: () => mathml(tree),
    toString: canonical,
    [Symbol.for('nodejs.util.inspect.custom')]: canonical,
  }) as Formula
}

/** The shape, but for axes of stated extent: of a tensor that is read only up to there, the gradient is 0 beyond. */
function statedShape({ axes }: Statement, nodes: ReadonlyMap<string, Node | number>, shape: Shape): Shape {
  const numbers = new Map<string, Expr>()
  for (const [name, operand] of nodes) if (typeof operand === 'number') numbers.set(name, number(operand))
  return shape.map((extent, axis) => {
    const bound = axes[axis]?.bound
    const stated = bound?.kind === 'extent' ? affineOf(substitute(bound.extent, numbers), new Map()) : null
    return stated && isConstant(stated) ? stated.constant : extent
  })
}

function zerosAround(node: Node, shape: Shape): Node {
  if (node.shape.every((extent, axis) => extent === shape[axis])) return node
  const axes = axesOf(shape)
  return comprehension({ axes, body: read('x', indexNames(axes), true), operands: { x: node }, dtype: node.dtype })
}

function notAnOperand(name: string, operand: unknown, text: string): never {
  const kind = operand === null ? 'null' : Array.isArray(operand) ? 'an array' : `a ${typeof operand}`
  throw new ShapeError(
    'not-a-tensor',
    `The operand ${name} of ${text} is ${kind}; it must be a tensor, or a number for a constant. Make one with tensor(…).`,
  )
}

function unknownOperand(operand: string, operands: readonly OperandName[], text: string): never {
  const names = operands.map(({ name }) => name)
  const meant = nearest(operand, names)
  throw new EinfoldError(
    'unknown-operand',
    `gradient: ${operand} is not an operand of ${text}; ${meant ? `did you mean ${meant}?` : `its operands are ${names.join(', ')}`}`,
  )
}
