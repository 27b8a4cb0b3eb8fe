// The precision that is allowed meets the device that computes.
import type { Device } from '../device/device.ts'
import { allowedPrecision, type Precision } from '../device/precision.ts'
import { device } from './devices.ts'

/** The precision that was allowed, and what the device that computes uses. */
export function precision(): { readonly allowed: Precision; readonly used: Precision } {
  const allowed = allowedPrecision()
  return { allowed, used: device().precision(allowed).used }
}

const noticed = new Set<string>()

/** What a device uses for products. Where it cannot use what is allowed, that is said once. */
export function precisionOn(device: Device): Precision {
  const allowed = allowedPrecision()
  const { used, about } = device.precision(allowed)
  if (used === allowed) return used
  const notice = `einfold: precision ${allowed} on the device ${device.name} is ${about}`
  if (!noticed.has(notice)) {
    noticed.add(notice)
    console.warn(notice)
  }
  return used
}
