// The one interface between Einfold and a machine.
import type { Target } from '../compiler/compile.ts'
import type { Program } from '../compiler/ir.ts'
import type { Dtype, TypedArray } from '../dtype.ts'
import type { Precision, UsedPrecision } from './precision.ts'

export type DeviceName = 'js' | 'wasm' | 'native' | 'webgpu'

/** Memory of a device holding `length` elements. Freed by the device when nothing refers to it any more. */
export interface Storage {
  readonly dtype: Dtype
  readonly length: number
}

/** A loaded program: runs on its external buffers, in the order of `Program.external`. */
export interface Executable {
  run(external: readonly Storage[]): void
  /** The code that runs, for people. */
  readonly source: string
}

/** Steps that earlier processes loaded, found by what they compute: a warm start skips lowering and emission. */
export interface KeptSteps {
  /**
   * The step kept under a key, for the precision that is allowed now, with the note that came with it; null where there is
   * none. `program` is called when somebody asks for its code.
   */
  find(key: string, program: () => Program): { readonly executable: Executable; readonly note: string } | null
  /** Loads a step, and keeps it. */
  load(key: string, program: Program, note: string): Executable
}

export interface Device {
  readonly name: DeviceName
  /** What its emitter can do where `allowed` is; the compiler asks before it lowers. */
  targetOf(allowed: Precision): Target
  /** What its matrix products are computed in where `allowed` is. */
  precision(allowed: Precision): UsedPrecision
  /** Whether the garbage collector frees storage that nothing refers to; else the runtime calls `free` for it. */
  readonly collected: boolean
  allocate(dtype: Dtype, length: number): Storage
  write(storage: Storage, values: TypedArray): void
  /** A copy of the numbers, once all runs so far are done. */
  read(storage: Storage): TypedArray | Promise<TypedArray>
  /** Gives memory back at once; the storage is not used afterwards. */
  free(storage: Storage): void
  /** Products are computed at the precision that is allowed when it is called. `once`: the program belongs to un-compiled code and may not run again; a device may then save on compiling it. */
  load(program: Program, use?: 'step' | 'once'): Executable
  /** Left out where steps are loaded anew by each process. */
  readonly kept?: KeptSteps
}
