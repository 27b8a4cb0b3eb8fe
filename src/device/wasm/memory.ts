// The linear memory of the device, and the storages in it.
import { bytesPerElement, type Dtype, type TypedArray, typedArray } from '../../dtype.ts'
import type { MemoryLimits } from '../../emit/wasm/encoder.ts'
import { DeviceError } from '../../errors.ts'
import type { Storage } from '../device.ts'
import { allocator } from './allocator.ts'

export interface WasmStorage extends Storage {
  /** Where its elements are; 0 while they are on the host. */
  address: number
  /** Its elements while they are not in linear memory. */
  host: TypedArray | null
  /** How many programs have read it from the host. */
  reads: number
  /** Memory the engine's collector counts, of the size of what the storage holds where it cannot see. */
  ballast: ArrayBuffer | null
}

export interface WasmMemory {
  readonly memory: WebAssembly.Memory
  readonly limits: MemoryLimits
  /** Bytes of linear memory in use. */
  readonly used: number
  storage(dtype: Dtype, length: number): WasmStorage
  /** The elements, until memory grows. */
  view(storage: WasmStorage): TypedArray
  /** Ends the task, where it is time for finalizers to run. */
  readonly pause: Promise<void> | null
  /** Moves the elements into linear memory for good. */
  settle(storage: WasmStorage): void
  release(storage: WasmStorage): void
  /** Memory for the device's own use. Throws DeviceError `out-of-memory`. */
  allocate(bytes: number): number
  free(address: number): void
}

const pageBytes = 65536
const mostPages = 65536
/** Address 0 is nobody's, and vectors that are partly outside a buffer may reach a little beyond memory in use. */
const firstAddress = 1024
const margin = 64

/** Storages up to this many bytes start on the host: results that are only looked at never need a finalizer. */
const smallBytes = 16384

/**
 * Finalizers run between tasks only. When a task has made `bytesToBreak` of storages without a break, the next read waits for
 * one; when it has made `mostBytesPerTask`, what it makes further is kept on the host, where the collector needs no finalizer.
 */
const bytesToBreak = 2 ** 25
const mostBytesPerTask = 2 ** 28

/** Ballast comes in pieces of at least this, since each is a mapping of its own. */
const ballastBytes = 2 ** 20

/** A memory that grows up to 4 GiB, shared where the engine allows it and `shared` asks for it. */
export function wasmMemory(shared: boolean): WasmMemory {
  const limits: MemoryLimits = { minimumPages: 16, maximumPages: mostPages, shared }
  const memory = new WebAssembly.Memory({ initial: limits.minimumPages, maximum: mostPages, shared })
  const places = allocator(firstAddress, (end) => reach(memory, end + margin))
  const finalizers = new FinalizationRegistry<number>((address) => places.free(address))
  let withoutBallast = 0
  let sinceBreak = 0

  const noteBytes = (storage: WasmStorage, bytes: number): void => {
    if (sinceBreak === 0) {
      const timer: unknown = setTimeout(() => {
        sinceBreak = 0
      }, 0)
      // Nothing here keeps a process alive.
      if (typeof timer === 'object' && timer !== null) (timer as { unref?(): void }).unref?.()
    }
    sinceBreak += bytes
    withoutBallast += bytes
    if (withoutBallast >= ballastBytes) {
      storage.ballast = ballast(withoutBallast)
      withoutBallast = 0
    }
  }
  /** False when there is no room. */
  const place = (storage: WasmStorage): boolean => {
    const bytes = storage.length * bytesPerElement(storage.dtype)
    const address = places.allocate(bytes)
    if (address === null) return false
    storage.address = address
    finalizers.register(storage, address, storage)
    noteBytes(storage, bytes)
    return true
  }
  const view = (storage: WasmStorage): TypedArray =>
    storage.host ?? typedArray(storage.dtype, storage.length, memory.buffer, storage.address)

  return {
    memory,
    limits,
    get used() {
      return places.used
    },
    view,
    get pause() {
      return sinceBreak < bytesToBreak ? null : new Promise<void>((resolve) => setTimeout(resolve, 0))
    },
    storage(dtype, length) {
      const storage: WasmStorage = { dtype, length, address: 0, host: null, reads: 0, ballast: null }
      const bytes = length * bytesPerElement(dtype)
      const fits = bytes > smallBytes && sinceBreak + bytes <= mostBytesPerTask && place(storage)
      if (!fits) storage.host = typedArray(dtype, length)
      return storage
    },
    settle(storage) {
      const { host } = storage
      if (!host || sinceBreak > mostBytesPerTask || !place(storage)) return
      storage.host = null
      view(storage).set(host)
    },
    release(storage) {
      if (storage.address !== 0) {
        finalizers.unregister(storage)
        places.free(storage.address)
        sinceBreak = Math.max(0, sinceBreak - storage.length * bytesPerElement(storage.dtype))
      }
      storage.address = 0
      storage.ballast = null
      storage.host = typedArray(storage.dtype, 0)
    },
    allocate(bytes) {
      const address = places.allocate(bytes)
      if (address !== null) return address
      throw new DeviceError(
        'out-of-memory',
        `the wasm device has no room for ${bytes} bytes more: ${places.used} of at most ${mostPages * pageBytes} are in use; free tensors, or use smaller batches`,
      )
    },
    free: (address) => places.free(address),
  }
}

function reach(memory: WebAssembly.Memory, end: number): boolean {
  const missing = Math.ceil((end - memory.buffer.byteLength) / pageBytes)
  if (missing <= 0) return true
  const pages = memory.buffer.byteLength / pageBytes
  if (pages + missing > mostPages) return false
  try {
    memory.grow(Math.min(mostPages - pages, Math.max(missing, Math.ceil(pages / 4))))
  } catch {
    return false
  }
  return true
}

/**
 * An array buffer that nothing ever touches: the collector counts its bytes, the machine lends no memory for them. A resizable
 * one is a mapping of its own, where a plain one might be zeroed memory of an earlier owner.
 */
function ballast(bytes: number): ArrayBuffer {
  const Resizable = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer
  return new Resizable(bytes, { maxByteLength: bytes })
}
