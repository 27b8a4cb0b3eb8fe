// Derivatives of formulas against central differences, all in f64 and computed by the interpreter of nodes.
import assert from 'node:assert/strict'
import { filled } from '../../src/autodiff/derivatives.ts'
import { tangents } from '../../src/autodiff/forward.ts'
import { adjoints } from '../../src/autodiff/reverse.ts'
import { binary, name, read } from '../../src/expression/tree.ts'
import { parse } from '../../src/formula/index.ts'
import { comprehension, dataNode } from '../../src/graph/build.ts'
import { elaborate } from '../../src/graph/elaborate.ts'
import type { Node, Shape } from '../../src/graph/node.ts'
import { sizeOf } from '../../src/graph/node.ts'
import { interpret } from '../support/interpret.ts'

/** Numbers between -1 and 1 that no two draws share, the same for the same seed. */
export function randomNumbers(count: number, seed: number): Float64Array {
  let state = (seed * 2654435761 + 12345) >>> 0
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state / 2 ** 32) * 2 - 1
  })
}

export type Values = Readonly<Record<string, Node | number>>

/** An f64 tensor of random numbers between -1 and 1, `scale` and `shift` applied. */
export function random(shape: Shape, seed: number, scale = 1, shift = 0): Node {
  const numbers = randomNumbers(sizeOf(shape), seed).map((value) => value * scale + shift)
  return dataNode(numbers, shape, 'f64')
}

export const integers = (values: readonly number[], shape: Shape = [values.length]): Node =>
  dataNode(Int32Array.from(values), shape, 'i32')

export const build = (text: string, operands: Values): Node =>
  elaborate(parse(text), text, new Map(Object.entries(operands)))

/** The sum of a node's elements, each times a number of its own. */
export function mixed(node: Node, seed = 99): Node {
  const ranges = node.shape.map((extent, axis) => ({ index: `m${axis}`, start: 0, extent }))
  const at = ranges.map(({ index }) => name(index))
  return comprehension({
    axes: [],
    reduction: { op: 'sum', ranges, where: null },
    body: binary('*', read('of', at), read('weights', at)),
    operands: { of: node, weights: random(node.shape, seed) },
    dtype: 'f64',
  })
}

/** The elements of a tensor made of other operands, as changed by `change`. */
function central(make: (operands: Values) => Node, operands: Values, of: string, at: number, step: number): number {
  const node = operands[of] as Node & { kind: 'data' }
  const value = (offset: number): number => {
    const moved = Float64Array.from(node.storage.host!)
    moved[at] += offset
    return interpret(make({ ...operands, [of]: dataNode(moved, node.shape, 'f64') }))[0]
  }
  return (value(step) - value(-step)) / (2 * step)
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string): void {
  assert.equal(actual.length, expected.length, what)
  for (let at = 0; at < actual.length; at++) {
    const difference = Math.abs(actual[at] - expected[at])
    assert.ok(
      difference <= tolerance * (1 + Math.abs(expected[at])),
      `${what}, element ${at}: ${actual[at]}, and ${expected[at]} by differences`,
    )
  }
}

const isFloatData = (operand: Node | number): operand is Node =>
  typeof operand !== 'number' && (operand.dtype === 'f64' || operand.dtype === 'f32')

/**
 * Checks reverse mode, forward mode and, with `second`, the derivative of the gradient of `make` against differences, by
 * every operand of floats.
 */
export function expectDerivatives(
  make: (operands: Values) => Node,
  operands: Values,
  { second = true, what = 'the gradient' }: { second?: boolean; what?: string } = {},
): void {
  const names = Object.keys(operands).filter((key) => isFloatData(operands[key]))
  const loss = (given: Values): Node => mixed(make(given))
  const gradientsOf = (given: Values): (Node | null)[] => {
    const value = loss(given)
    return adjoints(
      [[value, filled(value, 1)]],
      names.map((key) => given[key] as Node),
    )
  }
  const gradients = gradientsOf(operands)
  names.forEach((of, position) => {
    const { shape } = operands[of] as Node
    const gradient = gradients[position]
    const numeric = Float64Array.from({ length: sizeOf(shape) }, (_, at) => central(loss, operands, of, at, 1e-5))
    const analytic = gradient ? interpret(gradient) : new Float64Array(sizeOf(shape))
    if (gradient) assert.deepEqual(gradient.shape, shape, `${what} by ${of}`)
    expectClose(analytic, numeric, 1e-6, `${what} by ${of}`)
    // Forward mode: one direction.
    const direction = random(shape, 7)
    const [tangent] = tangents([[operands[of] as Node, direction]], [loss(operands)])
    const along = numeric.reduce((sum, slope, at) => sum + slope * interpret(direction)[at], 0)
    expectClose(tangent ? interpret(tangent) : [0], [along], 1e-6, `${what} along ${of}`)
    if (second && gradient) {
      expectDerivatives((given) => gradientsOf(given)[position] ?? filled(gradient, 0), operands, {
        second: false,
        what: `the derivative of ${what} by ${of}`,
      })
    }
  })
}

export function expectFormula(text: string, operands: Values, second = true): void {
  expectDerivatives((given) => build(text, given), operands, { second, what: `the gradient of "${text}"` })
}
