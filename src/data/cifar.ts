// The binary version of CIFAR-10: records of one label byte and 3 x 32 x 32 bytes, red, green, blue, row by row.
// Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; cs.toronto.edu/~kriz/cifar.html.
import { DataError } from '../errors.ts'

const PIXELS = 3 * 32 * 32
const RECORD = 1 + PIXELS
const CLASSES = 10

/** Images as n x 3 x 32 x 32 bytes (NCHW), and their labels 0 to 9. */
export interface CifarRecords {
  readonly images: Uint8Array
  readonly labels: Uint8Array
}

/**
 * Reads a file of records. `source` names it in errors.
 * Throws DataError: `cifar-empty`, `cifar-truncated` (no whole number of records), `cifar-bad-label`.
 */
export function readCifar10(bytes: Uint8Array, source = 'CIFAR-10 data'): CifarRecords {
  if (bytes.length === 0) throw new DataError('cifar-empty', `${source} has no bytes; a record takes ${RECORD}`)
  const count = Math.floor(bytes.length / RECORD)
  const left = bytes.length % RECORD
  if (left > 0)
    throw new DataError(
      'cifar-truncated',
      `${source} has ${bytes.length} bytes, which is ${count} records of ${RECORD} and ${left} more: a part is missing`,
    )
  const images = new Uint8Array(count * PIXELS)
  const labels = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    const start = i * RECORD
    if (bytes[start] >= CLASSES)
      throw new DataError(
        'cifar-bad-label',
        `${source}: record ${i} has label ${bytes[start]}, not 0 to 9: it is damaged, or no CIFAR-10`,
      )
    labels[i] = bytes[start]
    images.set(bytes.subarray(start + 1, start + RECORD), i * PIXELS)
  }
  return { images, labels }
}
