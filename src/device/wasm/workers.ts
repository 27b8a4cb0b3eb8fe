// Worker threads over the device's memory. They are told of a program once; after that a run costs no message.
import { meetingBytes, meetingPlaces } from '../../emit/wasm/sharing.ts'
import type { WasmMemory } from './memory.ts'
import { wordCount, words, workerSource } from './workerSource.ts'

export interface Workers {
  /** With the calling one. */
  readonly threads: number
  /** The address of the place where threads meet. */
  readonly meeting: number
  /** Sends a program to all workers; gives the number it has from now on. */
  post(module: WebAssembly.Module): number
  /** Starts a program on all workers, when all have all programs; false when the caller has to do without them. */
  start(program: number, table: number): boolean
  end(): void
}

interface AnyWorker {
  postMessage(message: unknown): void
  terminate(): unknown
  unref?(): void
}

/** Starts workers, which are ready some time later. Null where there are none. */
export function startWorkers(space: WasmMemory, threads: number): Workers | null {
  const count = wordCount(threads - 1)
  const block = space.allocate(4 * count)
  const meeting = space.allocate(meetingBytes)
  const cells = new Int32Array(space.memory.buffer, block, count).fill(0)
  new Int32Array(space.memory.buffer, meeting, meetingBytes / 4).fill(0)[meetingPlaces.firstMaySleep / 4] = mayBlock()
    ? 1
    : 0
  const workers: AnyWorker[] = []
  const end = (): void => {
    for (const worker of workers) worker.terminate()
    // The block stays: a worker may still look at it while it ends.
  }
  try {
    for (let thread = 1; thread < threads; thread++) workers.push(startWorker())
  } catch {
    end()
    return null
  }
  for (const [at, worker] of workers.entries()) {
    const failed = meeting + meetingPlaces.failed
    worker.postMessage({ memory: space.memory, block, count, thread: at + 1, failed })
  }
  let posted = 0
  let known = 0
  const ring = (): void => {
    Atomics.add(cells, words.bell, 1)
    if (Atomics.load(cells, words.sleepers) > 0) Atomics.notify(cells, words.bell)
  }
  const allReady = (): boolean => {
    if (known !== posted) {
      known = Math.min(...workers.map((_, at) => Atomics.load(cells, words.loaded + 16 * at)))
    }
    return known === posted && Atomics.load(cells, words.failed) === 0
  }
  return {
    threads,
    meeting,
    post(module) {
      posted++
      for (const worker of workers) worker.postMessage({ module, program: posted })
      Atomics.store(cells, words.posted, posted)
      ring()
      return posted
    },
    start(program, table) {
      if (!allReady()) return false
      cells[words.program] = program
      cells[words.table] = table
      cells[words.threads] = threads
      Atomics.add(cells, words.job, 1)
      ring()
      return true
    },
    end,
  }
}

/** The thread that calls may sleep, except in a page. */
const mayBlock = (): boolean => !('document' in globalThis)

function startWorker(): AnyWorker {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
  const node = process?.getBuiltinModule?.('node:worker_threads') as
    | { Worker: new (source: string, options: object) => AnyWorker }
    | undefined
  if (node) {
    const worker = new node.Worker(workerSource, { eval: true, execArgv: [], env: {}, stdout: false, stderr: false })
    worker.unref?.()
    return worker
  }
  const url = URL.createObjectURL(new Blob([workerSource], { type: 'text/javascript' }))
  const worker = new Worker(url)
  URL.revokeObjectURL(url)
  return worker as AnyWorker
}
