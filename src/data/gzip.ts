import { constants as bufferConstants } from 'node:buffer'
import { constants, gunzipSync, type ZlibOptions } from 'node:zlib'
import { DataError } from '../errors.ts'

/** Whether the bytes start as a gzip file does. */
export const isGzip = (bytes: Uint8Array): boolean => bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b

/** Packed bytes to look into for what `sizeOf` needs; deflate makes 4 MB of them at most. */
const PEEK = 4096

/**
 * Unpacks a gzip file, all of its members. `sizeOf` is given the first unpacked bytes and says how many there may be
 * in all, or throws; unpacking stops beyond that many, so a small file cannot fill the memory.
 * Throws DataError `bad-gzip` when the file is damaged, cut short, or followed by bytes that are not gzip, and
 * `gzip-too-long` when it unpacks to more than `sizeOf` said.
 */
export function gunzip(bytes: Uint8Array, source: string, sizeOf: (start: Uint8Array) => number): Uint8Array {
  const start = unpack(bytes.subarray(0, PEEK), source, { finishFlush: constants.Z_SYNC_FLUSH }).buffer
  const size = Math.min(sizeOf(start), bufferConstants.MAX_LENGTH)
  const { buffer, engine } = unpack(bytes, source, { maxOutputLength: Math.max(1, size) })
  const left = bytes.length - engine.bytesWritten
  if (left > 0) throw new DataError('bad-gzip', `${source} goes on for ${left} bytes after the end of its gzip data`)
  return buffer
}

interface Unpacked {
  readonly buffer: Uint8Array
  /** `bytesWritten` counts the packed bytes that were used. */
  readonly engine: { readonly bytesWritten: number }
}

function unpack(bytes: Uint8Array, source: string, options: ZlibOptions): Unpacked {
  try {
    // The types of Node leave out what `info` changes about the result.
    return gunzipSync(bytes, { ...options, info: true }) as unknown as Unpacked
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    if ('code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE')
      throw new DataError(
        'gzip-too-long',
        `${source} unpacks to more than the ${options.maxOutputLength} bytes that it announces: it is damaged`,
        { cause },
      )
    throw new DataError('bad-gzip', `${source} is not whole gzip data (${cause.message}): fetch it again`, { cause })
  }
}
