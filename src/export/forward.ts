// A forward function of one input as a program, and the numbers it is made of.
import { compileGraph } from '../compiler/compile.ts'
import type { Buffer, Program } from '../compiler/ir.ts'
import type { Dtype, TypedArray } from '../dtype.ts'
import { EinfoldError } from '../errors.ts'
import { inputNode } from '../graph/build.ts'
import { evaluator } from '../graph/evaluator.ts'
import type { Shape } from '../graph/node.ts'
import { checkShape } from '../graph/operations/axes.ts'
import { Tensor } from '../graph/tensor.ts'
import { withTrace } from '../graph/tracing.ts'
import type { Module } from '../nn/layer.ts'

/** What is exported: a layer (as in use, not as in training), or any function of one tensor. */
export type Forward = ((x: Tensor) => Tensor) | (((x: Tensor) => Tensor) & Module)

export interface InputOptions {
  /** The shape of the input, its batch axis included. */
  readonly input: Shape
  /** f32 when left out; u8 for images that are given as bytes. */
  readonly dtype?: Dtype
}

/** A buffer of a program, what it holds, and where it comes from. */
export interface ForwardProgram {
  readonly program: Program
  /** One for each external buffer of the program, in order. */
  readonly external: readonly (
    | { readonly kind: 'input' | 'output'; readonly buffer: Buffer }
    | { readonly kind: 'constant'; readonly buffer: Buffer; readonly name: string | null; readonly values: TypedArray }
  )[]
  readonly input: { readonly shape: Shape; readonly dtype: Dtype }
  readonly output: { readonly shape: Shape; readonly dtype: Dtype }
}

/**
 * Runs `forward` once on a tensor without numbers and compiles what it does. Throws EinfoldError `export-assigns` when it
 * gives parameters new values, `export-constant` when its result does not depend on its input, and whatever `forward` throws for an input of that shape.
 */
export async function forwardProgram(
  forward: Forward,
  { input, dtype = 'f32' }: InputOptions,
  contractions: boolean,
): Promise<ForwardProgram> {
  checkShape('export', input)
  const x = inputNode(0, input, dtype)
  const trace = {
    observe: () => undefined,
    assign: () => {
      throw new EinfoldError(
        'export-assigns',
        'export: the function gives a parameter a new value; only what computes its result from its input can be exported',
      )
    },
  }
  const y = asInUse(forward, () => withTrace(trace, () => forward(new Tensor(x))))
  if (!(y instanceof Tensor))
    throw new EinfoldError('not-a-tensor', `export: the function must return one tensor; it returned ${typeof y}`)
  const { program, bindings } = compileGraph({ outputs: [y.node], updates: [] }, { contractions })
  if (!bindings.some((binding) => binding.kind === 'leaf' && binding.node === x))
    throw new EinfoldError(
      'export-constant',
      'export: the result does not depend on the input; there is nothing to predict',
    )
  const external = bindings.map(async (binding, at) => {
    const buffer = program.buffers.get(program.external[at])!
    if (binding.kind === 'output') return { kind: 'output' as const, buffer }
    const { node } = binding
    if (node === x) return { kind: 'input' as const, buffer }
    const [values] = await evaluator().evaluate([node])
    return { kind: 'constant' as const, buffer, name: node.kind === 'parameter' ? node.cell.name : null, values }
  })
  return {
    program,
    external: await Promise.all(external),
    input: { shape: input, dtype },
    output: { shape: y.shape, dtype: y.dtype },
  }
}

/** Runs with every module inside out of training mode, and puts each back into its own. */
function asInUse<T>(forward: Forward, run: () => T): T {
  if (!('children' in forward)) return run()
  const training = modulesIn(forward).filter((module) => module.training)
  forward.eval()
  try {
    return run()
  } finally {
    // From the outside in: train() sets all that is inside too.
    for (const module of training) module.train()
    for (const module of modulesIn(forward)) if (!training.includes(module)) module.eval()
  }
}

const modulesIn = (module: Module): readonly Module[] => [module, ...Object.values(module.children).flatMap(modulesIn)]
