// The oracle: programs as JavaScript over typed arrays.
import type { Target } from '../../compiler/compile.ts'
import type { Program } from '../../compiler/ir.ts'
import { type Dtype, type TypedArray, typedArray } from '../../dtype.ts'
import { emitJs, kernelBuffers } from '../../emit/js/emit.ts'
import { helpers } from '../../emit/js/helpers.ts'
import type { Device, Executable, Storage } from '../device.ts'
import { floatPrecision } from '../precision.ts'

/** Numbers in a typed array. */
export interface JsStorage extends Storage {
  array: TypedArray
}

type KernelFunction = (...buffers: TypedArray[]) => void

/** A device whose memory is typed arrays; freed storage is left to the garbage collector. */
export function jsDevice(target: Target = { contractions: false }): Device {
  return {
    name: 'js',
    targetOf: () => target,
    precision: floatPrecision,
    collected: true,
    allocate: (dtype: Dtype, length: number): JsStorage => ({ dtype, length, array: typedArray(dtype, length) }),
    write: (storage, values) => {
      ;(storage as JsStorage).array.set(values)
    },
    read: (storage) => (storage as JsStorage).array.slice(),
    free: (storage) => {
      ;(storage as JsStorage).array = typedArray(storage.dtype, 0)
    },
    load: jsLoader(),
  }
}

/** Loads programs as JavaScript that runs on any storages that hold typed arrays. */
export function jsLoader(): (program: Program) => Executable {
  // One arena for all programs: they run one after another and leave nothing in it.
  let arena = new ArrayBuffer(0)
  return (program) => {
    const source = emitJs(program)
    const kernels = new Function('helpers', source)(helpers) as KernelFunction[]
    if (program.arenaBytes > arena.byteLength) arena = new ArrayBuffer(program.arenaBytes)
    let views = arenaViews(program, arena)
    let viewed = arena
    return {
      source,
      run: (external) => {
        if (viewed !== arena) {
          views = arenaViews(program, arena)
          viewed = arena
        }
        const buffers = new Map(views)
        for (const [at, name] of program.external.entries()) buffers.set(name, (external[at] as JsStorage).array)
        program.kernels.forEach((kernel, at) => {
          kernels[at](...kernelBuffers(kernel).map((name) => buffers.get(name)!))
        })
      },
    }
  }
}

function arenaViews(program: Program, arena: ArrayBuffer): ReadonlyMap<string, TypedArray> {
  const views = new Map<string, TypedArray>()
  for (const { name, dtype, length, place } of program.buffers.values()) {
    if (place.kind === 'arena') views.set(name, typedArray(dtype, length, arena, place.byteOffset))
    if (place.kind === 'scratch') views.set(name, typedArray(dtype, length))
  }
  return views
}
