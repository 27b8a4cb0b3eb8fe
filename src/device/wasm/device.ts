// Programs as WebAssembly modules over one linear memory.
import type { Target } from '../../compiler/compile.ts'
import type { Program } from '../../compiler/ir.ts'
import { workOf } from '../../compiler/work.ts'
import { bytesPerElement } from '../../dtype.ts'
import { helpers } from '../../emit/js/helpers.ts'
import { emitWasm, slots } from '../../emit/wasm/emit.ts'
import { programText } from '../../emit/wasm/text.ts'
import type { Device, Executable } from '../device.ts'
import { largerTiles, type Precision, type UsedPrecision } from '../precision.ts'
import { threads as chosenThreads } from '../threads.ts'
import { wasmFeatures } from './features.ts'
import { type WasmMemory, type WasmStorage, wasmMemory } from './memory.ts'
import { type Member, threadTeam } from './team.ts'

export interface WasmDeviceOptions {
  /** False for plain multiplications and additions even where the engine fuses them. */
  readonly relaxedSimd?: boolean
  /** What the compiler is told instead of what follows from the precision. */
  readonly target?: Target
  /** How many threads to use, asked at each run; the number set for all devices unless given. */
  readonly threads?: () => number
  /** Hold generated code against the types on the stack. */
  readonly check?: boolean
}

/** Programs of un-compiled code are worth sending to other threads from this much work on. */
const sharedWorkOnce = 2e7

const alone: Member = { threads: () => 1, meeting: () => 0, start: () => 1 }

/** What modules import for doubles. */
const host = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  tanh: Math.tanh,
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  erf: helpers.erf,
  atan2: Math.atan2,
  pow: helpers.pow,
  mod: helpers.floorMod,
}

/** Less than f32 is nothing here; what is allowed counts for tiles of convolutions. */
const vectorPrecision = (allowed: Precision): UsedPrecision =>
  allowed === 'highest'
    ? { used: 'highest', about: 'f32' }
    : { used: 'high', about: `${largerTiles}: it has no kernels for bfloat16` }

export function wasmDevice({
  relaxedSimd = true,
  target,
  threads = chosenThreads,
  check,
}: WasmDeviceOptions = {}): Device {
  const features = wasmFeatures()
  const space = wasmMemory(features.threads)
  const arena = region(space)
  const scratch = region(space)

  const team = threadTeam(space, threads)

  const load = (program: Program, use?: 'step' | 'once'): Executable => {
    const { bytes, constants, scratchBytes, isShared, hostFunctions } = emitWasm(program, {
      memory: space.limits,
      relaxedSimd: relaxedSimd && features.relaxedSimd,
      check,
    })
    const module = new WebAssembly.Module(bytes)
    const instance = new WebAssembly.Instance(module, { env: { memory: space.memory }, host })
    const run = instance.exports.run as (table: number, thread: number, threads: number) => void
    arena.reserve(program.arenaBytes)
    const constantsAddress = space.allocate(constants.byteLength)
    new Uint8Array(space.memory.buffer, constantsAddress).set(constants)
    const table = space.allocate(4 * (slots.external + program.external.length))
    const bound = externalBuffers(space, program)
    const isWorthSharing =
      isShared && hostFunctions.length === 0 && (use !== 'once' || workOf(program) >= sharedWorkOnce)
    const member = isWorthSharing ? team.join(module) : alone
    const executable: Executable = {
      get source() {
        return programText(program)
      },
      run: (external) => {
        const storages = external as readonly WasmStorage[]
        const addresses = bound.enter(storages)
        scratch.reserve(scratchBytes * member.threads())
        const view = new Uint32Array(space.memory.buffer, table, slots.external + addresses.length)
        view[slots.arena] = arena.address
        view[slots.scratch] = scratch.address
        view[slots.scratchBytes] = scratchBytes
        view[slots.constants] = constantsAddress
        view[slots.meeting] = member.meeting()
        view.set(addresses, slots.external)
        run(table, 0, member.start(table))
        bound.leave(storages)
      },
    }
    programs.register(executable, () => {
      space.free(constantsAddress)
      space.free(table)
      bound.free()
    })
    return executable
  }

  return {
    name: 'wasm',
    targetOf: (allowed) => target ?? { contractions: true, tileSide: allowed === 'highest' ? 2 : 4 },
    precision: vectorPrecision,
    collected: false,
    allocate: (dtype, length) => space.storage(dtype, length),
    write: (storage, values) => {
      space.view(storage as WasmStorage).set(values)
    },
    read: (storage) => {
      const copy = space.view(storage as WasmStorage).slice()
      const { pause } = space
      return pause ? pause.then(() => copy) : copy
    },
    free: (storage) => space.release(storage as WasmStorage),
    load,
  }
}

const programs = new FinalizationRegistry<() => void>((free) => free())

interface Region {
  readonly address: number
  reserve(bytes: number): void
}

/** A place that all programs share: they run one after another and leave nothing in it. */
function region(space: WasmMemory): Region {
  let address = 0
  let size = 0
  return {
    get address() {
      return address
    },
    reserve(bytes) {
      if (bytes <= size) return
      if (size > 0) space.free(address)
      size = 0
      address = space.allocate(bytes)
      size = bytes
    },
  }
}

/** A storage is moved into linear memory when it is read from the host this often. */
const readsToSettle = 2

/** Brings storages that are on the host into linear memory for a run, and what the run wrote back. */
function externalBuffers(space: WasmMemory, program: Program) {
  const read = new Set(program.kernels.flatMap((kernel) => kernel.reads))
  const written = new Set(program.kernels.flatMap((kernel) => kernel.writes))
  const buffers = program.external.map((name) => ({
    isRead: read.has(name),
    isWritten: written.has(name),
    bytes: program.buffers.get(name)!.length * bytesPerElement(program.buffers.get(name)!.dtype),
    /** Where a storage from the host goes; made when first needed. */
    place: 0,
  }))
  return {
    /** The addresses of all external buffers. */
    enter(storages: readonly WasmStorage[]): Uint32Array {
      const addresses = new Uint32Array(storages.length)
      for (const [at, storage] of storages.entries()) {
        const buffer = buffers[at]
        if (storage.host && buffer.isRead && ++storage.reads >= readsToSettle) space.settle(storage)
        if (!storage.host) {
          addresses[at] = storage.address
          continue
        }
        if (buffer.place === 0) buffer.place = space.allocate(buffer.bytes)
        if (buffer.isRead) viewAt(space, storage, buffer.place).set(storage.host)
        addresses[at] = buffer.place
      }
      return addresses
    },
    leave(storages: readonly WasmStorage[]): void {
      for (const [at, storage] of storages.entries()) {
        const buffer = buffers[at]
        if (storage.host && buffer.isWritten) storage.host.set(viewAt(space, storage, buffer.place))
      }
    },
    free(): void {
      for (const { place } of buffers) if (place !== 0) space.free(place)
    },
  }
}

const viewAt = (space: WasmMemory, { dtype, length }: WasmStorage, address: number) =>
  space.view({ dtype, length, address, host: null, reads: 0, ballast: null })
