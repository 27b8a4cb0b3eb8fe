// A step that is ready to run: as an earlier process left it, where the device keeps steps, else made from its graph.
import { type Binding, type Compiled, compileGraph } from '../compiler/compile.ts'
import type { Program } from '../compiler/ir.ts'
import type { Request } from '../compiler/request.ts'
import type { Device, Executable } from '../device/device.ts'
import { allowedPrecision } from '../device/precision.ts'
import type { Node } from '../graph/node.ts'
import { signature } from './signature.ts'

export interface Loaded {
  readonly executable: Executable
  readonly bindings: readonly Binding[]
  /** The loops. A step that was found is lowered when somebody asks for them. */
  program(): Program
  /** Whether it was found as an earlier process left it. */
  readonly wasFound: boolean
}

export function loadStep(device: Device, request: Request): Loaded {
  const target = device.targetOf(allowedPrecision())
  let compiled: Compiled | null = null
  const lowered = (): Compiled => {
    compiled ??= compileGraph(request, target)
    return compiled
  }
  const program = (): Program => lowered().program
  const { kept } = device
  if (!kept) {
    const { bindings } = lowered()
    return { executable: device.load(program(), 'step'), bindings, program, wasFound: false }
  }
  const { key, leaves } = signature(request)
  const found = kept.find(key, program)
  if (found) {
    const bindings = (JSON.parse(found.note) as Place[]).map((place) => bindingAt(place, leaves))
    return { executable: found.executable, bindings, program, wasFound: true }
  }
  const { bindings } = lowered()
  const note = JSON.stringify(placesOf(bindings, leaves))
  return { executable: kept.load(key, program(), note), bindings, program, wasFound: false }
}

/** What an external buffer is: a leaf, by its place in the request's signature, or an output. */
export type Place = { readonly leaf: number } | { readonly output: number }

/** The same bindings for any request of this signature. */
export function placesOf(bindings: readonly Binding[], leaves: readonly Node[]): readonly Place[] {
  const places = new Map(leaves.map((leaf, place) => [leaf, place]))
  return bindings.map((binding) =>
    binding.kind === 'output' ? { output: binding.output } : { leaf: places.get(binding.node)! },
  )
}

export const bindingAt = (place: Place, leaves: readonly Node[]): Binding =>
  'output' in place ? { kind: 'output', output: place.output } : { kind: 'leaf', node: leaves[place.leaf] }
