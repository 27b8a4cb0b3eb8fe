// A training step as one program: traced once a shape, then only run.
import type { Binding } from '../compiler/compile.ts'
import type { Program } from '../compiler/ir.ts'
import type { Update } from '../compiler/request.ts'
import type { Device, Executable, Storage } from '../device/device.ts'
import type { Precision } from '../device/precision.ts'
import { EinfoldError, ShapeError } from '../errors.ts'
import { inputNode, parameterVersion, sameShape, storedNode } from '../graph/build.ts'
import { evaluator } from '../graph/evaluator.ts'
import {
  type DataNode,
  type InputNode,
  type Node,
  type ParameterCell,
  type ParameterNode,
  sizeOf,
} from '../graph/node.ts'
import { Tensor } from '../graph/tensor.ts'
import { activeTrace, withTrace } from '../graph/tracing.ts'
import { device } from './devices.ts'
import { loadStep } from './load.ts'
import { precisionOn } from './precision.ts'
import { deviceRef, onDevice } from './storage.ts'

/** What a step may return: a tensor, or tensors in arrays and records. */
// biome-ignore lint/suspicious/noConfusingVoidType: a step that only assigns returns nothing
export type StepResult = Tensor | readonly StepResult[] | { readonly [name: string]: StepResult } | undefined | void

/** A compiled step. Calling it runs one program; the tensors it returns hold their numbers already. */
export interface CompiledStep<Args extends readonly Tensor[], Result> {
  (...args: Args): Result
  /** The programs made so far, one for each combination of shapes (and of modes looked at). */
  readonly programs: readonly CompiledProgram[]
}

export interface CompiledProgram {
  /** The loops. Of a step that was found as an earlier process left it, they are made when they are first asked for. */
  readonly program: Program
  readonly source: string
  /** Milliseconds spent on tracing, compiling and loading. */
  readonly compileMs: number
  /** Whether it was found as an earlier process left it: then it was only traced and loaded. */
  readonly wasFound: boolean
}

interface Traced extends CompiledProgram {
  readonly inputs: readonly Node[]
  readonly observed: readonly { readonly read: () => unknown; readonly value: unknown }[]
  readonly device: Device
  readonly precision: Precision
  readonly executable: Executable
  readonly bindings: readonly Binding[]
  readonly outputs: readonly Node[]
  readonly updates: readonly { readonly cell: ParameterCell; readonly node: ParameterNode }[]
  /** The step's result around the outputs' tensors. */
  readonly rebuild: (outputs: readonly Tensor[]) => unknown
}

/**
 * Compiles a step: `step` is run once for each combination of argument shapes and dtypes, on tensors without numbers, and
 * everything it computes and assigns becomes one program; later calls only run that. Parameters are updated in place.
 *
 * What the step does besides (printing, counting) happens only when it is traced. Throws EinfoldError `read-in-step` when it
 * reads numbers, ShapeError `not-a-tensor` for arguments that are none.
 */
export function compile<Args extends readonly Tensor[], Result extends StepResult>(
  step: (...args: Args) => Result,
): CompiledStep<Args, Result> {
  const programs: Traced[] = []
  const run = (...args: Args): Result => {
    if (activeTrace()) return step(...args)
    args.forEach(checkTensor)
    const leaves = evaluator().realize(args.map((arg) => arg.node))
    let traced = programs.find(
      (known) =>
        isFor(known.inputs, leaves) &&
        known.device === device() &&
        known.precision === precisionOn(known.device) &&
        known.observed.every(({ read, value }) => Object.is(read(), value)),
    )
    if (!traced) {
      traced = trace(step as unknown as (...args: readonly Tensor[]) => StepResult, leaves)
      programs.push(traced)
    }
    return runTraced(traced, leaves as readonly (DataNode | ParameterNode)[]) as Result
  }
  return Object.defineProperty(run, 'programs', { value: programs }) as CompiledStep<Args, Result>
}

function checkTensor(arg: unknown, position: number): void {
  if (arg instanceof Tensor) return
  throw new ShapeError(
    'not-a-tensor',
    `argument ${position} of a compiled step is ${arg === null ? 'null' : typeof arg}; it must be a Tensor (numbers that change from call to call go in as tensors of rank 0)`,
  )
}

/** Whether what was traced for some inputs is so for others. */
const isFor = (inputs: readonly Node[], others: readonly Node[]): boolean =>
  inputs.length === others.length &&
  inputs.every(({ dtype, shape }, at) => dtype === others[at].dtype && sameShape(shape, others[at].shape))

function trace(step: (...args: readonly Tensor[]) => StepResult, leaves: readonly Node[]): Traced {
  const began = performance.now()
  const observed: { read: () => unknown; value: unknown }[] = []
  const before = new Map<ParameterCell, ParameterNode>()
  const inputs = leaves.map((leaf, position) => inputNode(position, leaf.shape, leaf.dtype))
  let outputs: readonly Node[] = []
  let rebuild: Traced['rebuild'] = () => undefined
  const updates: (Update & { readonly cell: ParameterCell })[] = []
  try {
    const result = withTrace(
      {
        observe: (read, value) => observed.push({ read, value }),
        assign: (cell, value) => {
          if (!before.has(cell)) before.set(cell, cell.current as ParameterNode)
          cell.current = value
        },
      },
      () => step(...inputs.map((input) => new Tensor(input))),
    )
    const shape = resultShape(result)
    outputs = shape.tensors.map((tensor) => tensor.node)
    rebuild = shape.rebuild
    for (const [cell, parameter] of before) updates.push({ cell, parameter, value: cell.current })
  } finally {
    for (const [cell, parameter] of before) cell.current = parameter
  }
  const chosen = device()
  const { executable, bindings, program, wasFound } = loadStep(chosen, { outputs, updates })
  return {
    inputs,
    observed,
    device: chosen,
    precision: precisionOn(chosen),
    executable,
    wasFound,
    get program() {
      return program()
    },
    get source() {
      return executable.source
    },
    bindings,
    outputs,
    updates: updates.map(({ cell, parameter }) => ({ cell, node: parameter })),
    rebuild,
    compileMs: performance.now() - began,
  }
}

/** The tensors in a step's result, and how to put others in their places. */
function resultShape(result: StepResult): {
  readonly tensors: readonly Tensor[]
  readonly rebuild: (outputs: readonly Tensor[]) => unknown
} {
  const tensors: Tensor[] = []
  const build = (part: StepResult): ((outputs: readonly Tensor[]) => unknown) => {
    if (part === undefined) return () => undefined
    if (part instanceof Tensor) {
      const at = tensors.push(part) - 1
      return (outputs) => outputs[at]
    }
    if (Array.isArray(part)) {
      const parts = part.map(build)
      return (outputs) => parts.map((make) => make(outputs))
    }
    if (typeof part === 'object' && part !== null) {
      const entries = Object.entries(part).map(([name, value]) => [name, build(value)] as const)
      return (outputs) => Object.fromEntries(entries.map(([name, make]) => [name, make(outputs)]))
    }
    throw new EinfoldError(
      'not-a-tensor',
      `a compiled step returned a ${typeof part}; it may return tensors, and arrays and records of tensors`,
    )
  }
  const rebuild = build(result)
  return { tensors, rebuild }
}

function runTraced(traced: Traced, leaves: readonly (DataNode | ParameterNode)[]): unknown {
  const { device: chosen, outputs } = traced
  const made = outputs.map((node) => chosen.allocate(node.dtype, sizeOf(node.shape)))
  const external = traced.bindings.map((binding): Storage => {
    if (binding.kind === 'output') return made[binding.output]
    return onDevice(chosen, liveLeaf(binding.node as DataNode | ParameterNode | InputNode, leaves))
  })
  traced.executable.run(external)
  for (const { cell } of traced.updates) {
    const old = cell.current as ParameterNode
    cell.current = parameterVersion(cell, old.storage!, old.shape, old.dtype)
    // What was built from the old numbers must not be computed from the new ones.
    old.storage = null
  }
  return traced.rebuild(
    made.map((storage, at) => {
      const { shape, dtype } = outputs[at]
      return new Tensor(storedNode(deviceRef(chosen, storage), shape, dtype))
    }),
  )
}

/** What a leaf of the traced graph is at this call. */
function liveLeaf(node: DataNode | ParameterNode | InputNode, leaves: readonly (DataNode | ParameterNode)[]) {
  if (node.kind === 'input') return leaves[node.position]
  return node.kind === 'parameter' ? (node.cell.current as ParameterNode) : node
}
