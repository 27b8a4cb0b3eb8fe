// The devices of this machine, and the one that computes.
import type { Device, DeviceName } from '../device/device.ts'
import { jsDevice } from '../device/js/device.ts'
import { DeviceError } from '../errors.ts'

export interface DeviceInfo {
  readonly name: DeviceName
  readonly available: boolean
  /** What it is, or why it is not there. */
  readonly about: string
}

interface Entry {
  readonly about: string
  make(): Device
}

const entries: ReadonlyMap<DeviceName, Entry> = new Map([
  ['js', { about: 'plain JavaScript; slow and readable, the reference for all others', make: jsDevice }],
])

const made = new Map<DeviceName, Device>()
let current: Device | null = null

/** Every device this version knows, best last. */
export function devices(): readonly DeviceInfo[] {
  return [...entries].map(([name, { about }]) => ({ name, available: true, about }))
}

/** The device that computes; the best available one unless `setDevice` chose another. */
export function device(): Device {
  current ??= deviceNamed('auto')
  return current
}

/** Chooses the device for all that is computed from now on. Throws DeviceError `unknown-device`. */
export function setDevice(name: DeviceName | 'auto'): void {
  current = deviceNamed(name)
}

function deviceNamed(name: DeviceName | 'auto'): Device {
  const chosen = name === 'auto' ? [...entries.keys()].at(-1)! : name
  const entry = entries.get(chosen)
  if (!entry)
    throw new DeviceError(
      'unknown-device',
      `there is no device ${name} here; there are: ${[...entries.keys(), 'auto'].join(', ')}`,
    )
  let device = made.get(chosen)
  if (!device) {
    device = entry.make()
    made.set(chosen, device)
  }
  return device
}
