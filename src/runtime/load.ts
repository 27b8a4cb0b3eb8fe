// From a request to a program that is ready to run.
import { type Compiled, compileGraph } from '../compiler/compile.ts'
import type { Program } from '../compiler/ir.ts'
import type { Request } from '../compiler/request.ts'
import type { Device, Executable } from '../device/device.ts'
import { allowedPrecision } from '../device/precision.ts'
import type { Node } from '../graph/node.ts'
import type { Signature } from './signature.ts'

export interface Loaded {
  readonly executable: Executable
  /** What each external buffer is. */
  readonly bindings: readonly LoadedBinding[]
  /** The loops. A program that was found is lowered when somebody asks for them. */
  program(): Program
  /** Whether it was found as an earlier process left it. */
  readonly wasFound: boolean
}

/** A leaf, by its place in the request's signature, or an output. */
export type LoadedBinding = { readonly leaf: number } | { readonly output: number }

/** Loads what un-compiled code asks for. */
export function loadOnce(device: Device, request: Request, { leaves }: Signature): Loaded {
  const compiled = compileGraph(request, device.targetOf(allowedPrecision()))
  const { program } = compiled
  return {
    executable: device.load(program, 'once'),
    bindings: bindingsOf(compiled, leaves),
    program: () => program,
    wasFound: false,
  }
}

/** Loads a step: as it was kept, where the device keeps steps and has this one. */
export function loadStep(device: Device, request: Request, { key, leaves }: Signature): Loaded {
  const target = device.targetOf(allowedPrecision())
  let compiled: Compiled | null = null
  const lowered = (): Compiled => {
    compiled ??= compileGraph(request, target)
    return compiled
  }
  const program = (): Program => lowered().program
  const { kept } = device
  const found = kept?.find(key, program)
  if (found) {
    const bindings = JSON.parse(found.note) as LoadedBinding[]
    return { executable: found.executable, bindings, program, wasFound: true }
  }
  const bindings = bindingsOf(lowered(), leaves)
  const executable = kept ? kept.load(key, program(), JSON.stringify(bindings)) : device.load(program(), 'step')
  return { executable, bindings, program, wasFound: false }
}

function bindingsOf({ bindings }: Compiled, leaves: readonly Node[]): readonly LoadedBinding[] {
  const places = new Map(leaves.map((leaf, place) => [leaf, place]))
  return bindings.map((binding) =>
    binding.kind === 'output' ? { output: binding.output } : { leaf: places.get(binding.node)! },
  )
}
