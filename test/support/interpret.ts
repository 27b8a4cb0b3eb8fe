// What nodes mean, by nested loops in f64 straight from the definitions in src/graph/node.ts: the oracle of the tests.
import assert from 'node:assert/strict'
import type { Dtype } from '../../src/dtype.ts'
import type { Expr, ReadExpr } from '../../src/expression/tree.ts'
import type { BoundRange, ComprehensionNode, Node, ScatterNode, Shape } from '../../src/graph/node.ts'
import { sizeOf } from '../../src/graph/node.ts'
import { applyBinary, applyFunction, applyReduction, applyUnary } from './scalars.ts'

type Values = ReadonlyMap<string, number>

/** Elements of nodes that are known: those of inputs, given by the caller, and those computed so far. */
type Known = Map<Node, ArrayLike<number>>

/** The elements of a node, row-major. Inputs of a step are looked up in `inputs`. Throws when a plain read falls outside. */
export function interpret(node: Node, inputs: ReadonlyMap<Node, ArrayLike<number>> = new Map()): Float64Array {
  return Float64Array.from(elementsOf(node, new Map(inputs)))
}

function elementsOf(node: Node, known: Known): ArrayLike<number> {
  const elements = known.get(node) ?? compute(node, known)
  known.set(node, elements)
  return elements
}

function compute(node: Node, known: Known): ArrayLike<number> {
  switch (node.kind) {
    case 'data':
    case 'parameter':
      assert(node.storage?.host, 'the numbers are not on the host')
      return node.storage.host
    case 'input':
      throw new Error(`input ${node.position} was given no values`)
    case 'reshape':
    case 'rule':
      return elementsOf(node.of, known)
    case 'comprehension':
      return computeComprehension(node, known)
    case 'scatter':
      return computeScatter(node, known)
  }
}

function computeComprehension(node: ComprehensionNode, known: Known): Float64Array {
  const { axes, reduction, body, operands, dtype } = node
  const elements = new Float64Array(sizeOf(node.shape))
  let element = 0
  forEach(axes, new Map(), (at) => {
    if (!reduction) {
      elements[element++] = cast(evaluate(body, at, operands, known), dtype)
      return
    }
    const kept: { value: number; position: number }[] = []
    let position = 0
    forEach(reduction.ranges, at, (inner) => {
      const holds = !reduction.where || evaluate(reduction.where, inner, operands, known) !== 0
      if (holds) kept.push({ value: evaluate(body, inner, operands, known), position })
      position++
    })
    elements[element++] = cast(applyReduction(reduction.op, kept), dtype)
  })
  return elements
}

function computeScatter({ shape, ranges, at, value, operands, dtype }: ScatterNode, known: Known): Float64Array {
  const elements = new Float64Array(sizeOf(shape))
  forEach(ranges, new Map(), (indices) => {
    const position = at.map((index, axis) =>
      Math.min(Math.max(evaluateIndex(index, indices, operands, known), 0), shape[axis] - 1),
    )
    elements[offsetOf(position, shape)] += evaluate(value, indices, operands, known)
  })
  return elements.map((element) => cast(element, dtype))
}

/** All combinations of the ranges, the last one running fastest. */
function forEach(ranges: readonly BoundRange[], outer: Values, visit: (at: Values) => void): void {
  const [first, ...others] = ranges
  if (!first) {
    visit(outer)
    return
  }
  for (let value = first.start; value < first.start + first.extent; value++) {
    forEach(others, new Map(outer).set(first.index, value), visit)
  }
}

function evaluate(expr: Expr, at: Values, operands: ReadonlyMap<string, Node>, known: Known): number {
  const value = (part: Expr): number => evaluate(part, at, operands, known)
  switch (expr.kind) {
    case 'number':
      return expr.value
    case 'name':
      return valueOfIndex(expr.name, at)
    case 'read':
      return readElement(expr, at, operands, known)
    case 'unary':
      return applyUnary(expr.op, value(expr.arg))
    case 'binary':
      return applyBinary(expr.op, value(expr.left), value(expr.right))
    case 'call':
      if (expr.fn === 'where') return value(expr.args[0]) !== 0 ? value(expr.args[1]) : value(expr.args[2])
      return applyFunction(expr.fn, expr.args.map(value))
    case 'reduce':
      throw new Error('a reduction inside a body')
  }
}

function valueOfIndex(name: string, at: Values): number {
  const value = at.get(name)
  assert(value !== undefined, `${name} is not an index here`)
  return value
}

function readElement(expr: ReadExpr, at: Values, operands: ReadonlyMap<string, Node>, known: Known): number {
  const of = operands.get(expr.tensor)
  assert(of && of.shape.length === expr.at.length, `${expr.tensor} is read with ${expr.at.length} indices`)
  const position = expr.at.map((index, axis) => {
    const value = evaluateIndex(index, at, operands, known)
    // Positions that come from data are trusted: what lies outside is clamped.
    return index.kind === 'read' && !expr.maybe ? Math.min(Math.max(value, 0), of.shape[axis] - 1) : value
  })
  if (isInside(position, of.shape)) return elementsOf(of, known)[offsetOf(position, of.shape)]
  assert(expr.maybe, `a plain read of ${expr.tensor} at [${position}], shape [${of.shape}]`)
  return 0
}

/** Inside indices `/` rounds down. */
function evaluateIndex(expr: Expr, at: Values, operands: ReadonlyMap<string, Node>, known: Known): number {
  switch (expr.kind) {
    case 'number':
      return expr.value
    case 'name':
      return valueOfIndex(expr.name, at)
    case 'read':
      return readElement(expr, at, operands, known)
    case 'unary':
      return -evaluateIndex(expr.arg, at, operands, known)
    case 'binary': {
      const left = evaluateIndex(expr.left, at, operands, known)
      const right = evaluateIndex(expr.right, at, operands, known)
      return expr.op === '/' ? Math.floor(left / right) : applyBinary(expr.op, left, right)
    }
    default:
      throw new Error(`a ${expr.kind} inside an index`)
  }
}

const isInside = (position: readonly number[], shape: Shape): boolean =>
  position.every((value, axis) => value >= 0 && value < shape[axis])

const offsetOf = (position: readonly number[], shape: Shape): number =>
  position.reduce((offset, value, axis) => offset * shape[axis] + value, 0)

/** f32 is not rounded, so that f64 and f32 nodes have one meaning. */
function cast(value: number, dtype: Dtype): number {
  if (dtype === 'bool') return Number(value !== 0)
  if (dtype === 'i32') return toInt(value)
  if (dtype === 'u8') return toInt(value) & 255
  return value
}

function toInt(value: number): number {
  if (Number.isNaN(value)) return 0
  return Math.trunc(Math.min(2147483647, Math.max(-2147483648, value)))
}
