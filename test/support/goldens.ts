// Cases that PyTorch computed (test/goldens/*.json, made by scripts/goldens.py), and the test each of them is.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Dtype } from '../../src/dtype.ts'
import { evaluator } from '../../src/graph/evaluator.ts'
import { grad, Tensor, tensor } from '../../src/index.ts'
import type { Module } from '../../src/nn/index.ts'

interface GoldenTensor {
  readonly dtype: Dtype
  readonly shape: readonly number[]
  readonly values: readonly GoldenNumber[]
}

/** JSON has no infinities. */
type GoldenNumber = number | 'inf' | '-inf' | 'nan'

interface GoldenOutput extends GoldenTensor {
  readonly cotangent?: readonly number[]
}

export interface GoldenCase {
  readonly name: string
  readonly op: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly inputs: Readonly<Record<string, GoldenTensor>>
  readonly outputs: Readonly<Record<string, GoldenOutput>>
  /** Of the sum over the outputs of sum(output * cotangent), by each input that may vary. */
  readonly gradients: Readonly<Record<string, readonly GoldenNumber[]>>
}

/** A way that keeps inputs in parameters puts those in their places: gradients are taken by what is here afterwards. */
export type Inputs = Record<string, Tensor>
export type Outputs = Tensor | Readonly<Record<string, Tensor>>

/** One way to compute an operation. `attributes` are those of the case, in the type the operation declares. */
export type Run = (inputs: Inputs, attributes: never) => Outputs

/** An operation's one way, or several ways by name. */
export type Operations = Readonly<Record<string, Run | Readonly<Record<string, Run>>>>

export interface Tolerance {
  /** Of each element. */
  readonly relative?: number
  /** Of the largest element of the tensor, for elements in which larger ones cancel. */
  readonly cancelled?: number
}

export function readGoldens(topic: string): readonly GoldenCase[] {
  const text = readFileSync(new URL(`../goldens/${topic}.json`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { cases: GoldenCase[] }).cases
}

/** A test for each case of a topic and each way to compute it: values and gradients are PyTorch's. */
export function testGoldens(topic: string, operations: Operations, tolerance: Tolerance = {}): void {
  const cases = readGoldens(topic)
  for (const golden of cases) {
    const ways = operations[golden.op]
    assert(ways, `no operation ${golden.op} for the case ${golden.name}`)
    for (const [way, run] of Object.entries(typeof ways === 'function' ? { '': ways } : ways)) {
      const what = Object.keys(golden.gradients).length > 0 ? 'values and gradients' : 'values'
      test(`${golden.name}${way && ` (${way})`}: ${what} are PyTorch's`, () => checkGolden(golden, run, tolerance))
    }
  }
  for (const op of Object.keys(operations))
    assert(
      cases.some((golden) => golden.op === op),
      `no case of ${op} in ${topic}.json`,
    )
}

/** The layer, its parameters and buffers having taken the values of the inputs of their names. */
export function withParameters<Own extends Module>(layer: Own, inputs: Inputs): Own {
  for (const [name, parameter] of [...layer.namedParameters(), ...layer.namedBuffers()]) {
    assert(inputs[name], `the layer has ${name}, and the case has no such input`)
    parameter.assign(inputs[name])
    inputs[name] = parameter
  }
  return layer
}

async function checkGolden(golden: GoldenCase, run: Run, tolerance: Tolerance): Promise<void> {
  const inputs = inputsOf(golden)
  const result = run(inputs, golden.attributes as never)
  const outputs = result instanceof Tensor ? { [Object.keys(golden.outputs)[0]]: result } : result
  assert.deepEqual(Object.keys(outputs).sort(), Object.keys(golden.outputs).sort(), 'the outputs')
  for (const [name, { dtype, shape }] of Object.entries(golden.outputs)) {
    assert.deepEqual(outputs[name].shape, shape, `the shape of ${name}`)
    assert.equal(outputs[name].dtype, dtype, `the dtype of ${name}`)
  }
  const variables = Object.fromEntries(Object.keys(golden.gradients).map((name) => [name, inputs[name]]))
  const gradients = Object.keys(variables).length > 0 ? grad(lossOf(golden, outputs), variables) : {}
  const expected: Expected[] = []
  for (const [name, output] of Object.entries(golden.outputs))
    expected.push({ what: name, found: outputs[name], values: output.values })
  for (const [name, values] of Object.entries(golden.gradients)) {
    assert.deepEqual(gradients[name].shape, golden.inputs[name].shape, `the shape of the gradient of ${name}`)
    expected.push({ what: `the gradient of ${name}`, found: gradients[name], values })
  }
  const found = await evaluator().evaluate(expected.map((one) => one.found.node))
  for (const [at, { what, values }] of expected.entries()) assertClose(what, found[at], values.map(toNumber), tolerance)
}

interface Expected {
  readonly what: string
  readonly found: Tensor
  readonly values: readonly GoldenNumber[]
}

export const inputsOf = (golden: GoldenCase): Inputs =>
  Object.fromEntries(Object.entries(golden.inputs).map(([name, input]) => [name, tensorOf(input)]))

const tensorOf = ({ dtype, shape, values }: GoldenTensor): Tensor =>
  tensor(Float64Array.from(values, toNumber), { shape, dtype })

const toNumber = (value: GoldenNumber): number =>
  typeof value === 'number' ? value : Number(value.replace('inf', 'Infinity').replace('nan', 'NaN'))

function lossOf(golden: GoldenCase, outputs: Readonly<Record<string, Tensor>>): Tensor {
  const terms = Object.entries(golden.outputs).flatMap(([name, { shape, cotangent }]) =>
    cotangent ? [outputs[name].mul(tensorOf({ dtype: 'f64', shape, values: cotangent })).sum()] : [],
  )
  return terms.reduce((total, term) => total.add(term))
}

/** Fails with the first element that is too far off. The defaults leave a few digits for other orders of addition. */
export function assertClose(
  what: string,
  found: ArrayLike<number>,
  expected: readonly number[],
  { relative = 1e-10, cancelled = 1e-14 }: Tolerance = {},
): void {
  assert.equal(found.length, expected.length, `the length of ${what}`)
  const largest = Math.max(0, ...expected.map(Math.abs).filter(Number.isFinite))
  for (const [at, value] of expected.entries()) {
    const isClose =
      Object.is(found[at], value) || Math.abs(found[at] - value) <= relative * Math.abs(value) + cancelled * largest
    assert(isClose, `${what}, element ${at}: ${found[at]}, and PyTorch has ${value}`)
  }
}
