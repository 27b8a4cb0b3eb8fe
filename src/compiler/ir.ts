// The loop IR: what the compiler hands to emitters. Buffers, kernels, loops, and about thirty scalar operations.
import type { Dtype } from '../dtype.ts'
import type { Affine } from '../index/affine.ts'

/** The type of a value in flight. u8 and bool elements are loaded as i32 and bool. */
export type ScalarType = 'f32' | 'f64' | 'i32' | 'bool'

/** The bounds of i32. */
export const smallest = -2147483648
export const largest = 2147483647

export type Operation =
  // arithmetic on f32, f64 and, up to `max`, i32; `mod` has the sign of the divisor
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'mod'
  | 'neg'
  | 'abs'
  | 'min'
  | 'max'
  | 'sqrt'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'tanh'
  | 'sigmoid'
  | 'erf'
  | 'pow'
  | 'atan2'
  // conditions
  | 'lt'
  | 'le'
  | 'eq'
  | 'ne'
  | 'and'
  | 'or'
  | 'not'
  /** select(condition, a, b): both sides may be evaluated; loads that could fall outside carry their own guard */
  | 'select'
  /** to the operation's `type`; float to i32 truncates, gives the nearest bound for what lies beyond, and 0 for NaN */
  | 'cast'
  /** uniform(seed, stream, step, i): f32 in [0, 1), Threefry-2x32-20 */
  | 'uniform'

export type Value =
  | { readonly kind: 'constant'; readonly type: ScalarType; readonly value: number }
  /** a `let` or an accumulator in scope */
  | { readonly kind: 'variable'; readonly type: ScalarType; readonly name: string }
  /** an integer of the loop indices and i32 lets in scope */
  | { readonly kind: 'index'; readonly type: 'i32'; readonly of: Affine }
  /** an element; where `guard` is given and false, 0, and memory is not touched */
  | {
      readonly kind: 'load'
      readonly type: ScalarType
      readonly buffer: string
      readonly offset: Affine
      readonly guard: Value | null
    }
  | { readonly kind: 'operation'; readonly type: ScalarType; readonly op: Operation; readonly args: readonly Value[] }

export type AccumulateOperator = 'sum' | 'prod' | 'max' | 'min' | 'any' | 'all'

export type Statement =
  | LoopStatement
  | ContractionStatement
  | PackStatement
  | { readonly kind: 'let'; readonly name: string; readonly value: Value }
  /** A mutable scalar, starting at `initial`. */
  | { readonly kind: 'accumulator'; readonly name: string; readonly type: ScalarType; readonly initial: number }
  /** `name = name op value`, left out where `where` is given and false. */
  | {
      readonly kind: 'accumulate'
      readonly name: string
      readonly op: AccumulateOperator
      readonly value: Value
      readonly where: Value | null
    }
  /** Keeps the first best value in `name` and its `position` in `positionName` (both accumulators). NaN wins over all, as in PyTorch. */
  | {
      readonly kind: 'accumulateWinner'
      readonly op: 'max' | 'min'
      readonly name: string
      readonly positionName: string
      readonly value: Value
      readonly position: Value
      readonly where: Value | null
    }
  /** `buffer[offset] = value`, or `+= value` with `add`. */
  | {
      readonly kind: 'store'
      readonly buffer: string
      readonly offset: Affine
      readonly value: Value
      readonly add: boolean
    }

/**
 * A matrix whose element (row, column) is at `base + rows[row] + columns[column]` of a buffer. Two vectors of offsets make
 * any product of affine accesses a matrix: strided, dilated and overlapping windows need no copy.
 */
export interface Panel {
  readonly buffer: string
  readonly base: Affine
  readonly rows: Int32Array
  readonly columns: Int32Array
  /** The scratch that a `pack` statement before this one has filled with this matrix; null when it is read as it lies. */
  readonly packed: string | null
}

/**
 * `c[m,n] = Σ_k a[m,k] · b[k,n]` in f32, or `+=` with `add`; sums in a fixed order whatever the number of threads. The columns of `c` lie next to
 * each other in memory wherever that could be arranged: they are the lanes of vectors.
 */
export interface ContractionStatement {
  readonly kind: 'contraction'
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: Panel
  readonly b: Panel
  readonly c: Panel
  readonly add: boolean
  /** A matrix of the form of c to which the sums are added. */
  readonly plus?: Panel
  /** Whether its blocks may be shared among threads: it stands in no parallel loop. */
  readonly parallel: boolean
}

/** Puts an operand of the contractions that follow into the order in which their micro-kernels read it. */
export interface PackStatement {
  readonly kind: 'pack'
  readonly name: string
  readonly side: 'a' | 'b'
  readonly panel: Panel
}

/**
 * How a loop may run. `serial`: in order. `parallel`: iterations are independent and may be shared among threads.
 * `lanes`: iterations are independent (or only accumulate) and may run side by side in a vector.
 */
export type LoopMode = 'serial' | 'parallel' | 'lanes'

export interface LoopStatement {
  readonly kind: 'loop'
  readonly index: string
  readonly start: number
  readonly extent: number
  readonly mode: LoopMode
  readonly body: readonly Statement[]
}

export interface Buffer {
  readonly name: string
  readonly dtype: Dtype
  /** elements */
  readonly length: number
  /**
   * `external`: given by the caller at each run (inputs, parameters, constants, results), in the order of `Program.external`.
   * `arena`: inside the program's arena, at `byteOffset`, its life planned. `scratch`: private to one thread of one kernel.
   */
  readonly place:
    | { readonly kind: 'external' }
    | { readonly kind: 'arena'; readonly byteOffset: number }
    | { readonly kind: 'scratch' }
}

export interface Kernel {
  readonly name: string
  /** The formulas it computes, for people. */
  readonly formulas: readonly string[]
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  readonly body: readonly Statement[]
}

/** A whole computation: kernels in order over external buffers and one arena. */
export interface Program {
  readonly buffers: ReadonlyMap<string, Buffer>
  readonly external: readonly string[]
  readonly kernels: readonly Kernel[]
  readonly arenaBytes: number
  /** What the arena would take if no two buffers shared a place. */
  readonly unsharedBytes: number
}
