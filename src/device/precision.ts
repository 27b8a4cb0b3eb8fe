// How exact products of f32 numbers must be. The names are PyTorch's (torch.set_float32_matmul_precision).
import { DeviceError } from '../errors.ts'

/**
 * `highest`: products and sums in f32. `high` allows each f32 as two bfloat16 numbers (three products, an error near 2^-16),
 * `medium` as one (an error near 2^-8).
 */
export type Precision = 'highest' | 'high' | 'medium'

const precisions: readonly Precision[] = ['highest', 'high', 'medium']

let allowed: Precision = 'highest'
let isNoticed = false

/**
 * Allows matrix products to be computed less exactly where that is faster. No device has kernels for bfloat16 yet, so all
 * compute in f32, which is as exact as any of the names asks for: the first time that less is allowed, a warning says so.
 * Throws DeviceError `bad-precision` for another name.
 */
export function setPrecision(name: Precision): void {
  if (!precisions.includes(name)) {
    throw new DeviceError(
      'bad-precision',
      `there is no precision ${JSON.stringify(name)}; there are: ${precisions.join(', ')}`,
    )
  }
  allowed = name
  if (name === 'highest' || isNoticed) return
  isNoticed = true
  console.warn(`einfold: the precision ${name} changes nothing here: no device computes in bfloat16, and all use f32`)
}

/** What was allowed, and what is used. */
export const precision = (): { readonly allowed: Precision; readonly used: Precision } => ({ allowed, used: 'highest' })
