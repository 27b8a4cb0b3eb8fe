import { DataError } from '../errors.ts'

export interface TarFile {
  readonly name: string
  /** A view into the archive. */
  readonly data: Uint8Array
}

const BLOCK = 512

/**
 * The plain files of a tar archive (ustar; folders, links and extension headers are passed over), in its order.
 * `source` names the archive in errors. Throws DataError `bad-tar`.
 */
export function* readTar(bytes: Uint8Array, source = 'tar archive'): Generator<TarFile, void> {
  const bad = (what: string, at: number): DataError =>
    new DataError('bad-tar', `${source}: ${what} at byte ${at}: it is damaged, or no tar archive`)
  let at = 0
  while (at < bytes.length) {
    const header = bytes.subarray(at, at + BLOCK)
    if (header.length < BLOCK) throw bad('a header is cut short', at)
    // The archive ends with blocks of zeros.
    if (header.every((byte) => byte === 0)) return
    if (octal(header, 148, 8) !== checksum(header)) throw bad('a header has a wrong checksum', at)
    const size = octal(header, 124, 12)
    if (!Number.isSafeInteger(size)) throw bad('a size is not an octal number', at)
    const start = at + BLOCK
    if (start + size > bytes.length) throw bad(`a file of ${size} bytes is cut short`, at)
    const type = header[156]
    if (type === 0 || type === 0x30) {
      const prefix = text(header, 345, 155)
      const name = text(header, 0, 100)
      yield { name: prefix ? `${prefix}/${name}` : name, data: bytes.subarray(start, start + size) }
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK
  }
}

function text(header: Uint8Array, start: number, length: number): string {
  const field = header.subarray(start, start + length)
  const end = field.indexOf(0)
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end))
}

/** NaN when the field is not a number. */
function octal(header: Uint8Array, start: number, length: number): number {
  const digits = text(header, start, length).trim()
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN
}

/** The sum of the header's bytes, its checksum field taken as spaces. */
const checksum = (header: Uint8Array): number =>
  header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0)
