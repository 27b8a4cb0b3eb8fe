// How many threads compute. Results are the same bits whatever the number.
import { DeviceError } from '../errors.ts'
import { builtin, environment, hasBuiltins } from '../platform.ts'

let chosen: number | null = null

/** The number of threads that devices use: what `setThreads` chose, else EINFOLD_THREADS, else one a core, eight at most. */
export function threads(): number {
  chosen ??= fromEnvironment() ?? Math.min(8, cores())
  return chosen
}

/** Chooses the number of threads. Throws DeviceError `bad-threads` for anything but a whole number from 1. */
export function setThreads(count: number): void {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new DeviceError('bad-threads', `the number of threads is a whole number from 1; it was ${count}`)
  }
  chosen = count
}

const cores = (): number =>
  hasBuiltins() ? builtin('node:os').availableParallelism() : (globalThis.navigator?.hardwareConcurrency ?? 1)

function fromEnvironment(): number | null {
  const text = environment('EINFOLD_THREADS')
  if (text === undefined) return null
  const count = Number(text)
  if (Number.isSafeInteger(count) && count >= 1) return count
  throw new DeviceError('bad-threads', `EINFOLD_THREADS is ${JSON.stringify(text)}; it must be a whole number from 1`)
}
