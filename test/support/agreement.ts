// Whether a device computes what the interpreter of nodes computes, up to rounding.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Device, DeviceName } from '../../src/device/device.ts'
import type { TypedArray } from '../../src/dtype.ts'
import { children, type Expr } from '../../src/expression/tree.ts'
import { evaluator } from '../../src/graph/evaluator.ts'
import { type Node, operandsOf } from '../../src/graph/node.ts'
import { dtypeOf } from '../../src/graph/typing.ts'
import { compile, setDevice, setThreads, type Tensor } from '../../src/index.ts'
import { interpret } from './interpret.ts'
import type { RandomProgram } from './programs.ts'
import { programOf, recipes } from './programs.ts'
import { runOn } from './runOn.ts'

/** The distance from 1 to the next number. */
const units = { f64: 2 ** -52, f32: 2 ** -23 }

export interface AgreementOptions {
  /** So many programs make one step: where compiling takes long. */
  readonly together?: number
  /** The step runs once with each of these numbers of threads, and must give the same bits. */
  readonly threads?: readonly number[]
}

/** Fails with the smallest program found on which the device differs, and the seed that finds it again. */
export async function assertAgreement(
  device: DeviceName,
  dtype: 'f64' | 'f32',
  numRuns: number,
  { together = 1, threads = [] }: AgreementOptions = {},
): Promise<void> {
  setDevice(device)
  await fc.assert(
    fc.asyncProperty(fc.array(recipes(), { minLength: 1, maxLength: together, size: 'max' }), async (recipes) => {
      const programs = recipes.map((recipe) => programOf(recipe, dtype))
      // A compiled step, for a device may run other code in another way.
      const step = compile(() => programs.map(({ outputs }) => outputs.map(({ tensor }) => tensor)))
      const found = await numbersOf(step())
      for (const [at, program] of programs.entries()) {
        const wrong = firstDisagreement(program, await expectedOf(program), found[at], unitOf(program))
        assert(wrong === null, `${program.lines.join('\n')}\n${wrong}`)
      }
      for (const count of threads) {
        setThreads(count)
        const lines = programs.flatMap((program) => program.lines).join('\n')
        assert.deepEqual(await numbersOf(step()), found, `other bits with ${count} threads:\n${lines}`)
      }
    }),
    { numRuns, includeErrorInReport: true },
  )
}

/** The same of a device made for the test, whose programs run once, `together` of them as one. */
export async function assertDeviceAgreement(
  device: Device,
  dtype: 'f64' | 'f32',
  numRuns: number,
  { together = 1 }: Pick<AgreementOptions, 'together'> = {},
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(recipes(), { minLength: 1, maxLength: together, size: 'max' }), async (recipes) => {
      const programs = recipes.map((recipe) => programOf(recipe, dtype))
      const outputs = programs.flatMap((program) => program.outputs.map(({ tensor }) => tensor))
      const found = runOn(device, outputs)
      for (const program of programs) {
        const own = found.splice(0, program.outputs.length)
        const wrong = firstDisagreement(program, await expectedOf(program), own, unitOf(program))
        assert(wrong === null, `${program.lines.join('\n')}\n${wrong}`)
      }
    }),
    { numRuns, includeErrorInReport: true },
  )
}

const numbersOf = (results: readonly (readonly Tensor[])[]): Promise<readonly (readonly TypedArray[])[]> =>
  Promise.all(results.map((tensors) => Promise.all(tensors.map((tensor) => tensor.data()))))

/** The rounding unit of the least exact float in a program: whole numbers divided give f32 also among f64. */
function unitOf(program: RandomProgram): number {
  const seen = new Set<Node>()
  const open = [...program.values, ...program.outputs.map(({ tensor }) => tensor)].map(({ node }) => node)
  while (open.length > 0) {
    const node = open.pop()!
    if (seen.has(node)) continue
    seen.add(node)
    if (node.dtype === 'f32' || dividesWholeNumbers(node)) return units.f32
    open.push(...operandsOf(node))
  }
  return units.f64
}

/** Whether a formula divides one whole number by another, outside of the brackets where that rounds down. */
function dividesWholeNumbers(node: Node): boolean {
  if (node.kind !== 'comprehension' && node.kind !== 'scatter') return false
  const { operands } = node
  const dtype = (expr: Expr) =>
    dtypeOf(
      expr,
      (name) => operands.get(name)!.dtype,
      (name) => !operands.has(name),
    )
  const divides = (expr: Expr): boolean =>
    expr.kind !== 'read' &&
    ((expr.kind === 'binary' && expr.op === '/' && dtype(expr) === 'f32') || children(expr).some(divides))
  return divides(node.kind === 'scatter' ? node.value : node.body)
}

interface Expected {
  /** The elements of each output. */
  readonly outputs: readonly Float64Array[]
  /** The largest number anywhere in the program, at least 1: what rounding errors are measured by. */
  readonly scale: number
}

/** The outputs of a program as the interpreter computes them. */
async function expectedOf(program: RandomProgram): Promise<Expected> {
  const known = await numbersBehind([...program.values, ...program.outputs.map(({ tensor }) => tensor)])
  let scale = 1
  const elementsOf = ({ node }: RandomProgram['values'][number]): Float64Array => {
    const elements = interpret(node, known)
    known.set(node, elements)
    for (const element of elements) if (Math.abs(element) < Infinity) scale = Math.max(scale, Math.abs(element))
    return elements
  }
  for (const value of program.values) elementsOf(value)
  const outputs = program.outputs.map(({ tensor }) => elementsOf(tensor))
  return { outputs, scale }
}

/** The numbers of all data that the tensors are computed from: a device may hold them. */
async function numbersBehind(tensors: readonly { readonly node: Node }[]): Promise<Map<Node, ArrayLike<number>>> {
  const found = new Set<Node>()
  const open = tensors.map(({ node }) => node)
  while (open.length > 0) {
    const node = open.pop()!
    if (found.has(node)) continue
    found.add(node)
    open.push(...operandsOf(node))
  }
  const data = [...found].filter(({ kind }) => kind === 'data')
  const numbers = await evaluator().evaluate(data)
  return new Map(data.map((node, at) => [node, numbers[at]]))
}

/**
 * The first element that is too far off, in words, or null. The error allowed is that of the longest sum of the program's
 * largest numbers: `unit` is the distance from 1 to the next number.
 */
function firstDisagreement(
  program: RandomProgram,
  expected: Expected,
  found: readonly ArrayLike<number>[],
  unit: number,
): string | null {
  const allowed = unit * (100 + 20 * program.terms) * expected.scale
  for (const [at, { name, tensor }] of program.outputs.entries()) {
    if (found[at].length !== expected.outputs[at].length) return `${name} has ${found[at].length} elements`
    for (const [element, value] of expected.outputs[at].entries()) {
      const own = found[at][element]
      if (Object.is(own, value) || Math.abs(own - value) <= allowed) continue
      return `${name} [${tensor.shape}], element ${element}: ${own}, and the interpreter gives ${value} (allowed ${allowed})`
    }
  }
  return null
}
