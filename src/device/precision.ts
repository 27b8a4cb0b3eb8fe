// How exact products of f32 numbers must be. The names are PyTorch's (torch.set_float32_matmul_precision).
import { DeviceError } from '../errors.ts'

/**
 * `highest`: products and sums in f32. `high` allows each f32 as two bfloat16 numbers (three products, an error near 2^-16),
 * and what is no less exact; `medium` allows one (an error near 2^-8). Errors are of each product, relative to the size of its
 * factors.
 */
export type Precision = 'highest' | 'high' | 'medium'

export const precisions: readonly Precision[] = ['highest', 'high', 'medium']

/** What a device makes of a precision. */
export interface UsedPrecision {
  readonly used: Precision
  /** What products are computed in; where that is more than was asked for, why. */
  readonly about: string
}

/** Of devices that always compute in f32. */
export const floatPrecision = (allowed: Precision): UsedPrecision => ({
  used: 'highest',
  about: allowed === 'highest' ? 'f32' : 'f32: it has no kernels for bfloat16',
})

/** Of f32 with large tiles for convolutions, whose products are fewer and whose sums are less exact. */
export const largerTiles = 'f32, and larger tiles for 3×3 convolutions'

let allowed: Precision = 'highest'

/**
 * Allows matrix products of f32 numbers, convolutions among them, to be computed less exactly where that is faster. It counts
 * for what is computed from now on; sums are in f32 all the same, and small products stay exact. A device that gains nothing
 * computes in f32 and says so once. Throws DeviceError `bad-precision` for another name.
 */
export function setPrecision(name: Precision): void {
  if (!precisions.includes(name)) {
    throw new DeviceError(
      'bad-precision',
      `there is no precision ${JSON.stringify(name)}; there are: ${precisions.join(', ')}`,
    )
  }
  allowed = name
}

export const allowedPrecision = (): Precision => allowed
