// One WebAssembly module for a program: a function for each part of a kernel, and `run`, which calls them in order.
import { hoistOffsets } from '../../compiler/hoist.ts'
import type { Kernel, Program, Statement, Value } from '../../compiler/ir.ts'
import { chooseLanes } from '../../compiler/lanes.ts'
import { peelGuards } from '../../compiler/peel.ts'
import { valuesOf } from '../../compiler/tidy.ts'
import { bytesPerElement } from '../../dtype.ts'
import { packUsers } from './contraction.ts'
import type { FunctionBuilder, Local, MemoryLimits, WasmModule } from './encoder.ts'
import { wasmModule } from './encoder.ts'
import type { KernelState, Workspace } from './kernelState.ts'
import type { HostFunction, ModuleParts } from './moduleParts.ts'
import { mathFunctions, moduleParts } from './moduleParts.ts'
import { writeBlock } from './statements.ts'

export interface WasmOptions {
  /** The memory the module imports as env.memory. */
  readonly memory: MemoryLimits
  /** Whether relaxed multiply-adds are there and round once. */
  readonly relaxedSimd: boolean
  /** Hold every instruction against the types on the stack: for tests. */
  readonly check?: boolean
}

export interface WasmProgram {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** To be put anywhere in memory at a multiple of 4. */
  readonly constants: Uint8Array
  /** Bytes each thread needs to itself. */
  readonly scratchBytes: number
  /** The functions of doubles that the module imports from `host`. */
  readonly hostFunctions: readonly HostFunction[]
}

/** Where in the table of addresses that `run` is given things are; the external buffers follow in order. */
export const slots = { arena: 0, scratch: 1, constants: 2, external: 3 } as const

const alignment = 64
const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment

/** The module exports `run(table)`; `table` is the address of the table of addresses. */
export function emitWasm(program: Program, options: WasmOptions): WasmProgram {
  const m = wasmModule({ check: options.check })
  m.importMemory('env', 'memory', options.memory)
  const hostFunctions = hostFunctionsOf(program)
  const parts = moduleParts(m, options.relaxedSimd, hostFunctions)
  const scratch = scratchPlaces(program)
  let workspaceBytes = 0
  const run = m.func('run', { params: ['i32'] })
  for (const kernel of program.kernels) {
    const workspace = workspaceOf(kernel)
    const f = emitKernel(m, parts, kernel, program, scratch, workspace)
    workspaceBytes = Math.max(workspaceBytes, workspace.bytes())
    run.get(run.params[0]).call(f)
  }
  m.export('run', run)
  return {
    bytes: m.encode(),
    constants: parts.constants(),
    scratchBytes: scratch.bytes + workspaceBytes,
    hostFunctions: [...hostFunctions],
  }
}

interface ScratchPlaces {
  readonly places: ReadonlyMap<string, number>
  readonly bytes: number
}

/** Scratch of different kernels shares its place. */
function scratchPlaces(program: Program): ScratchPlaces {
  const places = new Map<string, number>()
  let bytes = 0
  for (const kernel of program.kernels) {
    let end = 0
    for (const name of new Set([...kernel.reads, ...kernel.writes])) {
      const { place, length, dtype } = program.buffers.get(name)!
      if (place.kind !== 'scratch') continue
      places.set(name, end)
      end += aligned(length * bytesPerElement(dtype))
    }
    bytes = Math.max(bytes, end)
  }
  return { places, bytes }
}

/** What lies beyond the scratch; different kernels share it. */
function workspaceOf(kernel: Kernel): Workspace & { bytes(): number } {
  let end = 0
  return {
    take: (bytes) => {
      const at = end
      end += aligned(bytes)
      return at
    },
    packed: new Map(),
    users: packUsers(kernel.body),
    bytes: () => end,
  }
}

/** The loops of a kernel as they are run here. */
export const vectorised = (kernel: Kernel): readonly Statement[] => hoistOffsets(peelGuards(chooseLanes(kernel.body)))

function emitKernel(
  m: WasmModule,
  parts: ModuleParts,
  kernel: Kernel,
  program: Program,
  scratch: ScratchPlaces,
  workspace: Workspace,
): FunctionBuilder {
  const f = m.func(kernel.name, { params: ['i32'] })
  const [table] = f.params
  const constants = f.local('i32')
  f.get(table)
    .memory('i32.load', 4 * slots.constants)
    .set(constants)
  const workspaceBase = f.local('i32')
  f.get(table)
    .memory('i32.load', 4 * slots.scratch)
    .i32Const(scratch.bytes)
    .op('i32.add')
    .set(workspaceBase)
  const bases = new Map<string, Local>()
  for (const name of new Set([...kernel.reads, ...kernel.writes])) {
    const base = f.local('i32')
    const { place } = program.buffers.get(name)!
    f.get(table)
    if (place.kind === 'external') f.memory('i32.load', 4 * (slots.external + program.external.indexOf(name)))
    else {
      const [slot, offset] =
        place.kind === 'arena' ? [slots.arena, place.byteOffset] : [slots.scratch, scratch.places.get(name)!]
      f.memory('i32.load', 4 * slot)
        .i32Const(offset)
        .op('i32.add')
    }
    f.set(base)
    bases.set(name, base)
  }
  const k: KernelState = {
    f,
    program,
    parts,
    bases,
    constants,
    workspaceBase,
    workspace,
    bindings: new Map(),
    intervals: new Map(),
    depths: new Map(),
    depth: 0,
    lanes: null,
    partials: new Map(),
    free: new Map(),
  }
  writeBlock(k, vectorised(kernel))
  return f
}

/** Functions of doubles are the host's. */
function hostFunctionsOf(program: Program): ReadonlySet<HostFunction> {
  const found = new Set<HostFunction>()
  const inValue = (value: Value): void => {
    if (value.kind === 'load' && value.guard) inValue(value.guard)
    if (value.kind !== 'operation') return
    value.args.forEach(inValue)
    if (value.type !== 'f64') return
    if (value.op === 'sigmoid') found.add('exp')
    else if (value.op === 'mod' || value.op in mathFunctions) found.add(value.op as HostFunction)
  }
  const inBlock = (body: readonly Statement[]): void => {
    for (const statement of body) {
      if (statement.kind === 'loop') inBlock(statement.body)
      else valuesOf(statement).forEach(inValue)
    }
  }
  for (const kernel of program.kernels) inBlock(kernel.body)
  return found
}
