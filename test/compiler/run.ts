// Compiles graphs and runs the programs as JavaScript, as they are or changed by a pass.
import { type Compiled, compileGraph } from '../../src/compiler/compile.ts'
import type { Program, Statement } from '../../src/compiler/ir.ts'
import type { Request } from '../../src/compiler/request.ts'
import { type JsStorage, jsLoader } from '../../src/device/js/device.ts'
import { type TypedArray, typedArray } from '../../src/dtype.ts'
import { evaluator } from '../../src/graph/evaluator.ts'
import type { Node } from '../../src/graph/node.ts'
import { type Tensor, tensor } from '../../src/index.ts'

export type Pass = (body: readonly Statement[]) => readonly Statement[]

export const withPass = (program: Program, pass: Pass): Program => ({
  ...program,
  kernels: program.kernels.map((kernel) => ({ ...kernel, body: pass(kernel.body) })),
})

/** A tensor of numbers between -1 and 1 that all differ from their neighbours. */
export const numbers = (...shape: number[]): Tensor => {
  const size = shape.reduce((product, extent) => product * extent, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, at) => ((at * 37) % 41) / 20 - 1),
    { shape },
  )
}

export const outputsOf = (tensors: readonly Tensor[], contractions = false): Compiled =>
  compileGraph({ outputs: tensors.map(({ node }) => node), updates: [] }, { contractions })

const load = jsLoader()

export interface Ran {
  readonly outputs: readonly TypedArray[]
  /** What leaves hold after the run: parameters may be written. */
  readonly leaves: ReadonlyMap<Node, TypedArray>
}

/** Runs a compiled graph on the numbers of its leaves. */
export async function run({ program, bindings }: Compiled, pass: Pass = (body) => body): Promise<Ran> {
  const storages = bindings.map(async (binding, at): Promise<JsStorage> => {
    const { dtype, length } = program.buffers.get(program.external[at])!
    const array =
      binding.kind === 'output' ? typedArray(dtype, length) : (await evaluator().evaluate([binding.node]))[0]
    return { dtype, length, array }
  })
  const external = await Promise.all(storages)
  load(withPass(program, pass)).run(external)
  const outputs: TypedArray[] = []
  const leaves = new Map<Node, TypedArray>()
  for (const [at, binding] of bindings.entries()) {
    if (binding.kind === 'output') outputs[binding.output] = external[at].array
    else leaves.set(binding.node, external[at].array)
  }
  return { outputs, leaves }
}

/** All statements of a body, those inside loops too. */
export const statementsOf = (body: readonly Statement[]): readonly Statement[] =>
  body.flatMap((statement) => (statement.kind === 'loop' ? [statement, ...statementsOf(statement.body)] : [statement]))

export type { Request }
