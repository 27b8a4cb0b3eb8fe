// The devices of this machine, and the one that computes.
import type { Device, DeviceName } from '../device/device.ts'
import { jsDevice } from '../device/js/device.ts'
import { nativeAbsence, nativeDevice } from '../device/native/device.ts'
import type { Precision, UsedPrecision } from '../device/precision.ts'
import { wasmDevice } from '../device/wasm/device.ts'
import { wasmFeatures } from '../device/wasm/features.ts'
import { DeviceError } from '../errors.ts'
import { environment } from '../platform.ts'

export interface DeviceInfo {
  readonly name: DeviceName
  readonly available: boolean
  /** What it is, or why it is not there. */
  readonly about: string
  /** What its matrix products are computed in where `allowed` is; null where it is not there. */
  precision(allowed: Precision): UsedPrecision | null
}

interface Entry {
  readonly name: DeviceName
  readonly about: string
  /** Why the device is not there; null when it is. */
  absence(): string | null
  make(): Device
}

/** Worst first: `auto` is the last that is there. */
const entries: readonly Entry[] = [
  {
    name: 'js',
    about: 'plain JavaScript; slow and readable, the reference for all others',
    absence: () => null,
    make: jsDevice,
  },
  {
    name: 'wasm',
    about: 'WebAssembly with 128-bit vectors; nothing to install',
    absence: () => (wasmFeatures().simd ? null : 'this engine has no WebAssembly SIMD'),
    make: () => wasmDevice(),
  },
  {
    name: 'native',
    about: "C through the system's compiler, with the machine's vector instructions",
    absence: nativeAbsence,
    make: nativeDevice,
  },
]

const made = new Map<DeviceName, Device>()
let current: Device | null = null

/** Every device this version knows, best last. */
export function devices(): readonly DeviceInfo[] {
  return entries.map(({ name, about, absence }) => {
    const missing = absence()
    const precision = (allowed: Precision) => (missing === null ? deviceNamed(name).precision(allowed) : null)
    return { name, available: missing === null, about: missing ?? about, precision }
  })
}

/** The device that computes: what `setDevice` chose, else what EINFOLD_DEVICE names, else the best there is. */
export function device(): Device {
  current ??= deviceNamed(environment('EINFOLD_DEVICE') ?? 'auto')
  return current
}

/** Chooses the device for all that is computed from now on. Throws DeviceError `unknown-device` or `no-device`. */
export function setDevice(name: DeviceName | 'auto'): void {
  current = deviceNamed(name)
}

function deviceNamed(name: string): Device {
  const entry =
    name === 'auto' ? entries.findLast(({ absence }) => absence() === null) : entries.find((one) => one.name === name)
  if (!entry) {
    const known = [...entries.map((one) => one.name), 'auto'].join(', ')
    throw new DeviceError('unknown-device', `there is no device ${JSON.stringify(name)}; there are: ${known}`)
  }
  const missing = entry.absence()
  if (missing !== null) throw new DeviceError('no-device', `the device ${name} is not there: ${missing}`)
  let device = made.get(entry.name)
  if (!device) {
    device = entry.make()
    made.set(entry.name, device)
  }
  return device
}
