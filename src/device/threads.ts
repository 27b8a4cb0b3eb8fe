// How many threads compute. Results are the same bits whatever the number.
import { availableParallelism } from 'node:os'
import { DeviceError } from '../errors.ts'

let chosen: number | null = null

/** The number of threads that devices use: what `setThreads` chose, else EINFOLD_THREADS, else one a core, eight at most. */
export function threads(): number {
  chosen ??= fromEnvironment() ?? Math.min(8, availableParallelism())
  return chosen
}

/** Chooses the number of threads. Throws DeviceError `bad-threads` for anything but a whole number from 1. */
export function setThreads(count: number): void {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new DeviceError('bad-threads', `the number of threads is a whole number from 1; it was ${count}`)
  }
  chosen = count
}

function fromEnvironment(): number | null {
  const text = process.env.EINFOLD_THREADS
  if (text === undefined) return null
  const count = Number(text)
  if (Number.isSafeInteger(count) && count >= 1) return count
  throw new DeviceError('bad-threads', `EINFOLD_THREADS is ${JSON.stringify(text)}; it must be a whole number from 1`)
}
