// The numbers of a layer in a file.
import { readFile } from 'node:fs/promises'
import { writeAtomically } from '../data/cache.ts'
import { DataError } from '../errors.ts'
import { nearest } from '../formula/nearest.ts'
import { fromArray } from '../graph/creation.ts'
import type { Parameter } from '../graph/parameter.ts'
import type { Module } from '../nn/layer.ts'
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.ts'

/** Parameters, and buffers such as running statistics, under the names of `namedParameters()` and `namedBuffers()`. */
const stateOf = (layer: Module): ReadonlyMap<string, Parameter> =>
  new Map([...layer.namedParameters(), ...layer.namedBuffers()])

/** Writes a layer's parameters and buffers to a safetensors file. The file is never half written. */
export async function saveParameters(
  layer: Module,
  path: string,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const tensors = new Map<string, StoredTensor>()
  for (const [name, parameter] of stateOf(layer)) {
    const { dtype, shape } = parameter
    tensors.set(name, { dtype, shape, values: await parameter.data() })
  }
  await writeAtomically(path, encodeSafetensors(tensors, metadata))
}

/**
 * Gives a layer the parameters and buffers that `saveParameters` wrote; their dtypes are cast. All are checked before the
 * first is changed: throws DataError `wrong-parameters` when names or shapes are not the layer's, `bad-safetensors` for a
 * file that is none.
 */
export async function loadParameters(layer: Module, path: string): Promise<void> {
  const { tensors } = decodeSafetensors(await readFile(path))
  const state = stateOf(layer)
  const wrong = (what: string) =>
    new DataError('wrong-parameters', `${path} does not fit the layer ${layer.name}: ${what}`)
  for (const name of tensors.keys()) {
    if (state.has(name)) continue
    const meant = nearest(name, [...state.keys()])
    throw wrong(`it holds ${name}, which the layer does not have${meant ? `; the layer has ${meant}` : ''}`)
  }
  for (const [name, parameter] of state) {
    const stored = tensors.get(name)
    if (!stored) throw wrong(`${name} is missing`)
    if (stored.shape.join() !== parameter.shape.join())
      throw wrong(`${name} has the shape [${stored.shape}] there, and [${parameter.shape}] in the layer`)
  }
  for (const [name, { values, shape, dtype }] of tensors) state.get(name)!.assign(fromArray(values, shape, dtype))
}
