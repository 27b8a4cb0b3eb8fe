import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DataError } from '../errors.ts'

export interface DownloadableFile {
  /** Places that hold the same file, tried in this order. */
  readonly urls: readonly string[]
  /** Bytes of the whole file. */
  readonly size: number
  /** MD5 of the whole file, in lower-case hex. */
  readonly md5: string
}

/** How far a download has come. */
export interface DownloadProgress {
  readonly url: string
  /** Bytes there, with those of an earlier attempt. */
  readonly received: number
  /** Bytes of the whole file. */
  readonly total: number
}

export interface DownloadOptions {
  readonly onProgress?: (progress: DownloadProgress) => void
  /** Milliseconds without a byte after which a server is given up; 30,000 unless told otherwise. */
  readonly timeout?: number
}

/**
 * Fetches a file to `path`, which comes to be only once the whole file is there and its MD5 is right. Until then the
 * bytes are in `path.part`; a later call goes on from there by HTTP Range, or anew when the server knows no ranges.
 * A file that is there already, and right, is left alone.
 * Throws DataError: `checksum-mismatch` (the bytes are removed), `download-too-long` (likewise), `download-stalled`,
 * `download-interrupted`, `download-http-status`, `download-unreachable`; or, when several places were tried,
 * `download-failed`, which lists what each of them did.
 */
export async function download(file: DownloadableFile, path: string, options: DownloadOptions = {}): Promise<void> {
  if ((await sizeOf(path)) === file.size && (await md5Of(path)) === file.md5) return
  await mkdir(dirname(path), { recursive: true })
  const failures: DataError[] = []
  for (const url of file.urls) {
    try {
      await downloadFrom(url, file, path, options)
      return
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      failures.push(error)
    }
  }
  if (failures.length === 1) throw failures[0]
  const reasons = failures.map((failure) => `\n  ${failure.message}`).join('')
  throw new DataError('download-failed', `none of ${failures.length} places gave the file:${reasons}`, {
    cause: new AggregateError(failures),
  })
}

/** How often one server may break off in the middle and is asked at once to go on from there. */
const RESUMPTIONS = 5

async function downloadFrom(
  url: string,
  file: DownloadableFile,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const part = `${path}.part`
  const inherited = await sizeOf(part)
  for (let resumption = 0; ; resumption++) {
    try {
      await receive(url, file, part, options)
      break
    } catch (error) {
      const brokeOff = error instanceof DataError && error.code === 'download-interrupted'
      if (!brokeOff || resumption === RESUMPTIONS) throw error
    }
  }
  const md5 = await md5Of(part)
  if (md5 === file.md5) {
    await rename(part, path)
    return
  }
  await rm(part)
  // The fault may lie in what an earlier run left behind: then the whole file may still be right.
  if (inherited > 0) return downloadFrom(url, file, path, options)
  throw new DataError(
    'checksum-mismatch',
    `${url} gave a file with MD5 ${md5}, but it should be ${file.md5}: it was changed or damaged on the way`,
  )
}

/** Brings `part` up to the whole size, going on from what it holds. */
async function receive(url: string, file: DownloadableFile, part: string, options: DownloadOptions): Promise<void> {
  const had = await sizeOf(part)
  if (had === file.size) return
  if (had > file.size) return restart()

  const { timeout = 30_000, onProgress } = options
  const stall = new AbortController()
  const timer = setTimeout(() => stall.abort(), timeout)
  try {
    const response = await request(url, had, stall.signal).catch((cause: Error) => {
      if (stall.signal.aborted) throw stalled()
      const reason = cause.cause instanceof Error ? cause.cause.message : cause.message
      throw new DataError('download-unreachable', `${url} cannot be reached (${reason})`, { cause })
    })
    if (had > 0 && !continues(response, had)) {
      await response.body?.cancel()
      return await restart()
    }
    if (!response.ok || !response.body) {
      await response.body?.cancel()
      throw new DataError('download-http-status', `${url} answered ${response.status} ${response.statusText}`)
    }
    await append(response.body, response.status === 206 ? had : 0)
  } finally {
    clearTimeout(timer)
  }

  async function restart(): Promise<void> {
    await rm(part)
    return receive(url, file, part, options)
  }

  async function append(body: ReadableStream<Uint8Array>, start: number): Promise<void> {
    const out = await open(part, start > 0 ? 'a' : 'w')
    let received = start
    try {
      const reader = body.getReader()
      for (;;) {
        const { done, value } = await reader.read().catch((cause: Error) => {
          if (stall.signal.aborted) throw stalled()
          throw interrupted(received, cause)
        })
        if (done) break
        timer.refresh()
        received += value.length
        if (received > file.size) {
          await reader.cancel()
          await rm(part)
          throw new DataError('download-too-long', `${url} sends more than the ${file.size} bytes that the file has`)
        }
        await out.writeFile(value)
        onProgress?.({ url, received, total: file.size })
      }
      await out.sync()
    } finally {
      await out.close()
    }
    if (received < file.size) throw interrupted(received)
  }

  function stalled(): DataError {
    return new DataError(
      'download-stalled',
      `${url} sent nothing for ${timeout} ms; what came before is kept in ${part}`,
    )
  }

  function interrupted(received: number, cause?: Error): DataError {
    return new DataError(
      'download-interrupted',
      `${url} broke off after ${received} of ${file.size} bytes, which are kept in ${part}: the next attempt goes on there`,
      { cause },
    )
  }
}

const request = (url: string, from: number, signal: AbortSignal): Promise<Response> =>
  fetch(url, {
    signal,
    // Without `identity` a server may label a .gz file as an encoding, and `fetch` would unpack it.
    headers: { 'accept-encoding': 'identity', ...(from > 0 ? { range: `bytes=${from}-` } : {}) },
  })

/** Whether an answer to a request for the bytes from `from` on can be used: those bytes, or the whole file. */
const continues = (response: Response, from: number): boolean =>
  response.status === 206
    ? response.headers.get('content-range')?.startsWith(`bytes ${from}-`) === true
    : response.status !== 416

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch {
    return 0
  }
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}
