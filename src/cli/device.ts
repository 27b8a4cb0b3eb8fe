import { nearest } from '../formula/nearest.ts'
import { devices, setDevice } from '../index.ts'
import { UsageError } from './command.ts'

/** Chooses the device that --device names, if any. Throws UsageError. */
export function chooseDevice(name: string | undefined): void {
  if (name === undefined) return
  const names = [...devices().map((device) => device.name), 'auto'] as const
  const chosen = names.find((known) => known === name)
  if (!chosen) {
    const meant = nearest(name, names)
    throw new UsageError(
      `there is no device ${name} here; ${meant ? `did you mean ${meant}?` : `there are ${names.join(', ')}`}`,
    )
  }
  setDevice(chosen)
}
