// A server of one folder, on this machine alone.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'

export interface Served {
  readonly url: string
  close(): Promise<void>
}

const contentTypes: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' }

/** The two headers that let a page share memory between threads. */
const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

/** Serves the .html and .js files in a folder, with cross-origin isolation or without. */
export async function serve(folder: string, isolated: boolean): Promise<Served> {
  const server = createServer(async ({ url = '/' }, response) => {
    const name = url === '/' ? 'index.html' : url.slice(1)
    const type = contentTypes[extname(name)]
    if (!type || name.includes('/')) return void response.writeHead(204).end()
    const body = await readFile(join(folder, name)).catch(() => null)
    if (body === null) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': type, ...(isolated ? isolation : {}) }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
