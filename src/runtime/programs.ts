// Programs ready to run, found again by what they compute.

import { compileGraph } from '../compiler/compile.ts'
import type { Request } from '../compiler/request.ts'
import type { Device, Executable, Storage } from '../device/device.ts'
import { allowedPrecision } from '../device/precision.ts'
import { EinfoldError } from '../errors.ts'
import { type DataNode, type Node, type ParameterNode, type StorageRef, sizeOf } from '../graph/node.ts'
import { type Place, placesOf } from './load.ts'
import { precisionOn } from './precision.ts'
import { signature } from './signature.ts'
import { deviceRef, onDevice } from './storage.ts'

/** How many programs of un-compiled code are kept; the one unused for longest goes first. */
const capacity = 512

interface Entry {
  readonly executable: Executable
  readonly bindings: readonly Place[]
}

const caches = new WeakMap<Device, Map<string, Entry>>()

/** Runs a request on a device: the numbers of its outputs. Parameters are not touched. */
export function runRequest(device: Device, outputs: readonly Node[]): readonly StorageRef[] {
  const request: Request = { outputs, updates: [] }
  const structure = signature(request)
  const key = `${precisionOn(device)} ${structure.key}`
  let cache = caches.get(device)
  if (!cache) {
    cache = new Map()
    caches.set(device, cache)
  }
  let entry = cache.get(key)
  if (entry) cache.delete(key)
  else {
    const { program, bindings } = compileGraph(request, device.targetOf(allowedPrecision()))
    entry = { executable: device.load(program, 'once'), bindings: placesOf(bindings, structure.leaves) }
  }
  cache.set(key, entry)
  if (cache.size > capacity) cache.delete(cache.keys().next().value!)

  const made = outputs.map((node) => device.allocate(node.dtype, sizeOf(node.shape)))
  const external = entry.bindings.map((binding): Storage => {
    if ('output' in binding) return made[binding.output]
    return storageOf(device, structure.leaves[binding.leaf])
  })
  entry.executable.run(external)
  return made.map((storage) => deviceRef(device, storage))
}

function storageOf(device: Device, node: Node): Storage {
  if (node.kind === 'data' || node.kind === 'parameter') return onDevice(device, node as DataNode | ParameterNode)
  throw new EinfoldError(
    'input-outside-step',
    'this tensor stands for an argument of a compiled step; its numbers exist only while the step runs, so return it from the step',
  )
}
