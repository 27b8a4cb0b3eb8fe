import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type DownloadableFile, type DownloadProgress, download } from '../../src/data/download.ts'
import { fetchSet } from '../../src/data/fetchSet.ts'
import type { PublicSet } from '../../src/data/publicSets.ts'
import { temporaryFolder } from '../support/temporaryFolder.ts'
import { makeTar } from './makeTar.ts'

const content = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31 + (i >>> 8)) & 255)
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')

type Answer = (request: IncomingMessage, response: ServerResponse) => void

interface Server {
  readonly url: string
  /** The Range header of each request so far. */
  readonly ranges: (string | undefined)[]
}

/** A server on this machine that gives its answers one after the other, the last one for ever. */
async function serve(context: TestContext, ...answers: Answer[]): Promise<Server> {
  const ranges: (string | undefined)[] = []
  const server = createServer((request, response) => {
    ranges.push(request.headers.range)
    answers[Math.min(ranges.length, answers.length) - 1](request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`, ranges }
}

/** Sends the bytes asked for; with `sent`, only so many, and breaks the connection once they have arrived. */
const withRanges =
  (bytes: Uint8Array, sent = bytes.length): Answer =>
  (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (request.headers.range) {
      response.statusCode = 206
      response.setHeader('content-range', `bytes ${from}-${bytes.length - 1}/${bytes.length}`)
    }
    send(response, bytes, from, sent)
  }

const withoutRanges: Answer = (_, response) => send(response, content, 0, content.length)

/** The connection to break, and the number of bytes of the file that the client must hold first. */
let breaking: { response: ServerResponse; at: number } | undefined

function send(response: ServerResponse, bytes: Uint8Array, from: number, sent: number): void {
  response.setHeader('content-length', bytes.length - from)
  if (from + sent >= bytes.length) {
    response.end(bytes.subarray(from))
  } else {
    breaking = { response, at: from + sent }
    response.write(bytes.subarray(from, from + sent))
  }
}

/** Without this the connection could break while bytes are still under way, and fewer would count as received. */
const onProgress = ({ received }: DownloadProgress): void => {
  if (received === breaking?.at) breaking.response.destroy()
}

const status =
  (code: number): Answer =>
  (_, response) => {
    response.statusCode = code
    response.end('no')
  }

const silent: Answer = () => {}

const fileAt = (...servers: Server[]): DownloadableFile => ({
  urls: servers.map((server) => server.url),
  size: content.length,
  md5: md5(content),
})

const expectWhole = (path: string): void => {
  assert.ok(Buffer.compare(readFileSync(path), content) === 0)
  assert.ok(!existsSync(`${path}.part`))
}

test('a download arrives whole, tells how far it is, and is not fetched twice', async (context) => {
  const server = await serve(context, withRanges(content))
  const path = join(temporaryFolder(context), 'deep', 'file')
  const seen: number[] = []
  await download(fileAt(server), path, {
    onProgress: ({ url, received, total }) => {
      assert.equal(url, server.url)
      assert.equal(total, content.length)
      seen.push(received)
    },
  })
  expectWhole(path)
  assert.equal(seen.at(-1), content.length)
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  )
  await download(fileAt(server), path)
  assert.deepEqual(server.ranges, [undefined])
})

test('a connection that breaks is resumed where it broke', async (context) => {
  const server = await serve(context, withRanges(content, 70_000), withRanges(content, 50_000), withRanges(content))
  const path = join(temporaryFolder(context), 'file')
  await download(fileAt(server), path, { onProgress })
  expectWhole(path)
  assert.deepEqual(server.ranges, [undefined, 'bytes=70000-', 'bytes=120000-'])
})

test('a download that failed keeps its part, and the next call goes on from there', async (context) => {
  const unsteady = await serve(context, withRanges(content, 10_000))
  const path = join(temporaryFolder(context), 'file')
  await assert.rejects(download(fileAt(unsteady), path, { onProgress }), {
    code: 'download-interrupted',
    message: /broke off after 60000 of 200000 bytes, which are kept in .*file\.part/,
  })
  assert.equal(unsteady.ranges.length, 6)
  assert.ok(!existsSync(path))
  assert.equal(readFileSync(`${path}.part`).length, 60_000)
  const whole = await serve(context, withRanges(content))
  await download(fileAt(whole), path)
  assert.deepEqual(whole.ranges, ['bytes=60000-'])
  expectWhole(path)
})

test('a server without ranges starts again, and so does one that gives the wrong range', async (context) => {
  const wrongRange: Answer = (_, response) => {
    response.statusCode = 206
    response.setHeader('content-range', `bytes 0-${content.length - 1}/${content.length}`)
    response.end(content)
  }
  const expectRestart = async (requests: number, ...answers: Answer[]): Promise<void> => {
    const server = await serve(context, ...answers)
    const path = join(temporaryFolder(context), 'file')
    writeFileSync(`${path}.part`, content.subarray(0, 1000))
    await download(fileAt(server), path)
    expectWhole(path)
    assert.equal(server.ranges[0], 'bytes=1000-')
    assert.equal(server.ranges.length, requests)
  }
  await expectRestart(1, withoutRanges)
  await expectRestart(2, wrongRange, withRanges(content))
  await expectRestart(2, status(416), withRanges(content))
})

test('a part that is wrong or too long is fetched anew, and one that is whole is kept', async (context) => {
  const expectRequests = async (part: Uint8Array, ranges: (string | undefined)[]): Promise<void> => {
    const server = await serve(context, withRanges(content))
    const path = join(temporaryFolder(context), 'file')
    writeFileSync(`${path}.part`, part)
    await download(fileAt(server), path)
    expectWhole(path)
    assert.deepEqual(server.ranges, ranges)
  }
  await expectRequests(new Uint8Array(1000), ['bytes=1000-', undefined])
  await expectRequests(new Uint8Array(content.length), [undefined])
  await expectRequests(new Uint8Array(content.length + 1), [undefined])
  await expectRequests(content, [])
})

test('a wrong checksum is an error, and nothing is kept', async (context) => {
  const changed = Uint8Array.from(content)
  changed[100] ^= 1
  const server = await serve(context, withRanges(changed))
  const folder = temporaryFolder(context)
  await assert.rejects(download(fileAt(server), join(folder, 'file')), {
    name: 'DataError',
    code: 'checksum-mismatch',
    message: new RegExp(`MD5 ${md5(changed)}, but it should be ${md5(content)}`),
  })
  assert.deepEqual(readdirSync(folder), [])
})

test('each way a server can fail has its code', async (context) => {
  const expectError = async (answer: Answer, code: string, text: RegExp, timeout?: number): Promise<void> => {
    const server = await serve(context, answer)
    const path = join(temporaryFolder(context), 'file')
    await assert.rejects(download(fileAt(server), path, { timeout }), { name: 'DataError', code, message: text })
  }
  const longer = new Uint8Array(content.length + 1)
  const stalls: Answer = (_, response) => void response.write(content.subarray(0, 10))
  await expectError(status(404), 'download-http-status', /answered 404 Not Found/)
  await expectError(silent, 'download-stalled', /sent nothing for 100 ms/, 100)
  await expectError(stalls, 'download-stalled', /sent nothing for 100 ms/, 100)
  await expectError(withRanges(longer), 'download-too-long', /more than the 200000 bytes/)
  await expectError((request) => void request.destroy(), 'download-unreachable', /cannot be reached/)
})

test('places are tried in turn, and when all fail the error lists them', async (context) => {
  const missing = await serve(context, status(404))
  const broken = await serve(context, withRanges(content, 500), status(503))
  const whole = await serve(context, withRanges(content))
  const path = join(temporaryFolder(context), 'file')
  await assert.rejects(download(fileAt(missing, broken), path, { onProgress }), {
    code: 'download-failed',
    message: /none of 2 places gave the file:\n.*answered 404.*\n.*answered 503/,
  })
  await download(fileAt(missing, whole), path)
  assert.deepEqual(whole.ranges, ['bytes=500-'])
  expectWhole(path)
})

test('fetchSet unpacks what it needs of an archive, and removes the archive', async (context) => {
  const archive = gzipSync(
    makeTar([
      ['batches/', new Uint8Array()],
      ['batches/train.bin', Uint8Array.of(1, 2)],
      ['batches/readme.html', Uint8Array.of(3)],
      ['batches/test.bin', Uint8Array.of(4)],
    ]),
  )
  const server = await serve(context, withRanges(archive))
  const set: PublicSet = {
    folders: ['set'],
    classes: ['only'],
    format: 'cifar-10',
    train: ['train.bin'],
    test: ['test.bin'],
    downloads: new Map([['set.tar.gz', { urls: [server.url], size: archive.length, md5: md5(archive) }]]),
  }
  const folder = join(temporaryFolder(context), 'set')
  await fetchSet(set, folder)
  assert.deepEqual(readdirSync(folder).sort(), ['test.bin', 'train.bin'])
  assert.deepEqual([...readFileSync(join(folder, 'train.bin'))], [1, 2])
})
