// One WebAssembly module for a program: a function for each part of a kernel, and `run`, which calls them in order.

import { arrangeLoops } from '../../compiler/arrange.ts'
import type { Kernel, Program, Statement, Value } from '../../compiler/ir.ts'
import { type ScratchPlaces, scratchPlaces } from '../../compiler/scratch.ts'
import { valuesOf } from '../../compiler/tidy.ts'
import { packUsers } from './contraction.ts'
import type { Callable, FunctionBuilder, Local, MemoryLimits, WasmModule } from './encoder.ts'
import { wasmModule } from './encoder.ts'
import type { KernelState, Workspace } from './kernelState.ts'
import { width } from './kernelState.ts'
import type { HostFunction, ModuleParts } from './moduleParts.ts'
import { mathFunctions, moduleParts } from './moduleParts.ts'
import { isAlone, writeMeet, writeShared } from './sharing.ts'
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
  /** Bytes each thread needs to itself, a multiple of 64. */
  readonly scratchBytes: number
  /** Whether several threads have anything to do. */
  readonly isShared: boolean
  /** The functions of doubles that the module imports from `host`. */
  readonly hostFunctions: readonly HostFunction[]
}

/** Where in the table of addresses that `run` is given things are; the external buffers follow in order. */
export const slots = { arena: 0, scratch: 1, scratchBytes: 2, constants: 3, meeting: 4, external: 5 } as const

const alignment = 64
const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment

/**
 * The module exports `run(table, thread, threads)`; `table` is the address of the table of addresses. All threads call it with
 * the same table, and what it computes is the same whatever their number. It returns when all are done.
 */
export function emitWasm(program: Program, options: WasmOptions): WasmProgram {
  const m = wasmModule({ check: options.check })
  m.importMemory('env', 'memory', options.memory)
  const hostFunctions = hostFunctionsOf(program)
  const parts = moduleParts(m, options.relaxedSimd, hostFunctions)
  const scratch = scratchPlaces(program)
  let workspaceBytes = 0
  const meet = options.memory.shared ? writeMeet(m) : null
  const kernels = program.kernels.map((kernel) => {
    const workspace = workspaceOf(kernel)
    const emitted = emitKernel(m, parts, kernel, program, scratch, workspace, meet)
    workspaceBytes = Math.max(workspaceBytes, workspace.bytes())
    return emitted
  })
  const scratchBytes = scratch.bytes + aligned(workspaceBytes)
  const isShared = kernels.some(({ alone }) => !alone)
  const run = m.func('run', { params: threadParams })
  const [table, thread, threads] = run.params
  let wasAlone = true
  for (const [at, { f, alone }] of kernels.entries()) {
    // Threads meet where one may need what another has made; what one does in a row needs no meeting.
    if (at > 0 && !(wasAlone && alone)) writeMeeting(run, meet)
    if (alone) {
      run.get(thread).op('i32.eqz')
      run.if(() => {
        run.get(table).get(thread).get(threads).call(f)
      })
    } else run.get(table).get(thread).get(threads).call(f)
    wasAlone = alone
  }
  if (isShared) writeMeeting(run, meet)
  m.export('run', run)
  return {
    bytes: m.encode(),
    constants: parts.constants(),
    scratchBytes,
    isShared,
    hostFunctions: [...hostFunctions],
  }
}

const threadParams = ['i32', 'i32', 'i32'] as const

/** Calls the function that waits for all threads, when there are several; the parameters are those of `run`. */
function writeMeeting(f: FunctionBuilder, meet: Callable | null): void {
  if (!meet) return
  const [table, thread, threads] = f.params
  f.get(threads).i32Const(1).op('i32.gt_u')
  f.if(() => {
    f.get(table)
      .memory('i32.load', 4 * slots.meeting)
      .get(thread)
      .get(threads)
      .call(meet)
  })
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
export const vectorised = (kernel: Kernel): readonly Statement[] => arrangeLoops(kernel.body, width)

/** The function of a kernel, and whether only the first thread calls it. */
function emitKernel(
  m: WasmModule,
  parts: ModuleParts,
  kernel: Kernel,
  program: Program,
  scratch: ScratchPlaces,
  workspace: Workspace,
  meet: Callable | null,
): { readonly f: FunctionBuilder; readonly alone: boolean } {
  const body = vectorised(kernel)
  const alone = meet === null || isAlone(body)
  const f = m.func(kernel.name, { params: threadParams })
  const [table, thread, threads] = f.params
  const pushSlot = (slot: number) => f.get(table).memory('i32.load', 4 * slot)
  const constants = f.local('i32')
  pushSlot(slots.constants).set(constants)
  const ownScratch = f.local('i32')
  pushSlot(slots.scratch).get(thread)
  pushSlot(slots.scratchBytes).op('i32.mul').op('i32.add').set(ownScratch)
  const workspaceBase = f.local('i32')
  f.get(ownScratch).i32Const(scratch.bytes).op('i32.add').set(workspaceBase)
  const bases = new Map<string, Local>()
  for (const name of new Set([...kernel.reads, ...kernel.writes])) {
    const base = f.local('i32')
    const { place } = program.buffers.get(name)!
    if (place.kind === 'external') pushSlot(slots.external + program.external.indexOf(name))
    else if (place.kind === 'arena') pushSlot(slots.arena).i32Const(place.byteOffset).op('i32.add')
    else f.get(ownScratch).i32Const(scratch.places.get(name)!).op('i32.add')
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
  if (alone) writeBlock(k, body)
  else writeShared(k, body, { thread, threads, meet: () => writeMeeting(f, meet) })
  return { f, alone }
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
