// Which threads run a program: all that were asked for once they are ready, until then the calling one alone.
import type { WasmMemory } from './memory.ts'
import { startWorkers, type Workers } from './workers.ts'

/** A program's place in the team. */
export interface Member {
  /** How many threads may run it. */
  threads(): number
  /** Where they meet. */
  meeting(): number
  /** Sets the other threads to work where they are ready; how many run, with the calling one. */
  start(table: number): number
}

export interface Team {
  join(module: WebAssembly.Module): Member
}

/** Workers start with the first program that can use them, and anew when the number asked for changes. */
export function threadTeam(space: WasmMemory, wanted: () => number): Team {
  let workers: Workers | null = null
  let size = 1
  const resize = (): void => {
    const threads = space.limits.shared ? wanted() : 1
    if (threads === size) return
    size = threads
    workers?.end()
    workers = threads > 1 ? startWorkers(space, threads) : null
  }
  return {
    join(module) {
      let number = 0
      let sentTo: Workers | null = null
      const send = (): void => {
        resize()
        if (sentTo === workers) return
        sentTo = workers
        if (workers) number = workers.post(module)
      }
      send()
      return {
        threads: () => {
          send()
          return workers?.threads ?? 1
        },
        meeting: () => workers?.meeting ?? 0,
        start: (table) => (workers?.start(number, table) ? workers.threads : 1),
      }
    },
  }
}
