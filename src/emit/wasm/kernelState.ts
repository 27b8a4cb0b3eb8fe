// What the code of one function of a kernel is written with: where buffers are, what names are bound to.
import type { ContractionStatement, Program, ScalarType } from '../../compiler/ir.ts'
import type { Dtype } from '../../dtype.ts'
import type { Interval } from '../../index/index.ts'
import type { FunctionBuilder, Local, ValueType } from './encoder.ts'
import type { ModuleParts } from './moduleParts.ts'

/** How many lanes a vector has. */
export const width = 4

/** A name of the loop IR in a local: one value, or in a lanes loop one for each lane. */
export type Binding =
  /** Lane k holds the value plus k · stride. */
  | { readonly kind: 'scalar'; readonly type: ScalarType; readonly local: Local; readonly stride: number }
  /** One vector for each copy of the loop's body. */
  | { readonly kind: 'vector'; readonly type: ScalarType; readonly locals: readonly Local[] }

/** The loop that runs in vectors, while its body is written. */
export interface Lanes {
  readonly index: string
  /** Where the loop's turns begin. */
  readonly start: number
  /** How many neighbouring vectors one turn handles. */
  readonly copies: number
  /** By how much each name grows from lane to lane; null for names that differ in no such way, 0 for names left out. */
  readonly strides: ReadonlyMap<string, number | null>
}

/** Memory of each thread's own in which a kernel puts the operands of its matrix products in order. */
export interface Workspace {
  /** Its next bytes: a place counted from its start. */
  take(bytes: number): number
  /** Where pack statements put operands. */
  readonly packed: Map<string, number>
  /** The contractions that read what pack statements make, by its name. */
  readonly users: ReadonlyMap<string, ContractionStatement>
}

export interface KernelState {
  readonly f: FunctionBuilder
  readonly program: Program
  readonly parts: ModuleParts
  /** Addresses of the buffers. */
  readonly bases: ReadonlyMap<string, Local>
  /** Address of the program's tables. */
  readonly constants: Local
  /** Address of the workspace. */
  readonly workspaceBase: Local
  readonly workspace: Workspace
  readonly bindings: Map<string, Binding>
  /** What is known of indices and of integers made of them. */
  readonly intervals: Map<string, Interval>
  /** How many loops are around the place a name is bound at. */
  readonly depths: Map<string, number>
  depth: number
  lanes: Lanes | null
  /** Accumulators of blocks around a lanes loop, in vectors that are added up after the outermost loop. */
  readonly partials: Map<string, readonly Local[]>
  readonly free: Map<ValueType, Local[]>
}

/** A local that nothing else uses until it is given back. */
export const takeLocal = (k: KernelState, type: ValueType): Local => k.free.get(type)?.pop() ?? k.f.local(type)

export function giveBack(k: KernelState, locals: readonly Local[]): void {
  for (const local of locals) {
    const free = k.free.get(local.type)
    if (free) free.push(local)
    else k.free.set(local.type, [local])
  }
}

/** Lends a local while `use` writes code. */
export function withTemporary(k: KernelState, type: ValueType, use: (local: Local) => void): void {
  const local = takeLocal(k, type)
  use(local)
  giveBack(k, [local])
}

export const localType = (type: ScalarType): 'i32' | 'f32' | 'f64' => (type === 'bool' ? 'i32' : type)

export const scalarTypeOf = (dtype: Dtype): ScalarType => (dtype === 'u8' ? 'i32' : dtype)

/** log2 of the bytes of an element. */
export const shiftOf = (dtype: Dtype): number => ({ f32: 2, f64: 3, i32: 2, u8: 0, bool: 0 })[dtype]
