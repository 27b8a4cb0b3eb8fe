// The page of docs/browser.md in headless Chromium.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { writePage } from './pageFiles.ts'
import { serve } from './serve.ts'

interface Library {
  device(): { readonly name: string }
  setDevice(name: string): void
  setThreads(count: number): void
  train(steps: number, onStep: () => unknown): Promise<number[]>
}

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const skip = executablePath ? false : 'there is no Chromium; on Debian, apt-get install chromium'
const options = { skip, timeout: 120_000 }

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const folder = resolve('.einfold', `browser-${process.pid}`)
const steps = 40
let site = ''
let browser: Browser | null = null
/** What Node's wasm device makes of the same files. */
let expected: readonly number[] = []

before(async () => {
  if (skip) return
  site = await writePage(folder)
  const library = (await import(pathToFileURL(join(site, 'library.js')).href)) as Library
  library.setDevice('wasm')
  library.setThreads(1)
  expected = await library.train(steps, () => {})
  browser = await chromium.launch({ executablePath, args: flags })
})

after(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

for (const isolated of [true, false]) {
  const where = isolated ? 'a page that is isolated from other origins' : 'a page without isolation'
  test(where, options, (t) =>
    inPage(isolated, async (page) => {
      await t.test('trains the network of its manual', async () => {
        const output = page.locator('output')
        await output.getByText('wasm').waitFor()
        const [, step, loss] = /^step (\d+): loss ([\d.]+), on wasm$/.exec((await output.textContent()) ?? '')!
        assert.equal(Number(step), steps - 1)
        expectClose([Number(loss)], expected.slice(-1), 1e-4)
      })

      const one = await trainWith(page, 1)
      await t.test('computes what Node computes', async () => {
        assert.equal(await page.evaluate(() => crossOriginIsolated), isolated)
        assert.equal(one.mostThreads, 1)
        assert.equal(one.losses.length, steps)
        assert.ok(one.losses[steps - 1] < one.losses[0] / 10, `the losses are ${one.losses}`)
        expectClose(one.losses, expected, 1e-5)
      })

      if (isolated) {
        await t.test('computes on two threads, to the same bits', async () => {
          // Workers take part when they are ready, which may be after the first training.
          let two = await trainWith(page, 2)
          while (two.mostThreads === 1) {
            assert.deepEqual(two.losses, one.losses)
            two = await trainWith(page, 2)
          }
          assert.deepEqual(two, { losses: one.losses, mostThreads: 2 })
        })
        await t.test('ends the workers that are not wanted any more', async () => {
          await trainWith(page, 1)
          while (page.workers().length > 0) await page.workers()[0].waitForEvent('close')
        })
      } else {
        await t.test('computes on one thread when it asks for two', async () => {
          assert.deepEqual(await trainWith(page, 2), one)
          assert.equal(page.workers().length, 0)
        })
      }
    }),
  )
}

/** Opens the page of its own server; nothing may be complained of in it. */
async function inPage(isolated: boolean, use: (page: Page) => Promise<void>): Promise<void> {
  const server = await serve(site, isolated)
  const context = await browser!.newContext()
  try {
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.addInitScript({ content: countThreads })
    await page.goto(server.url)
    await use(page)
    assert.deepEqual(complaints, [])
  } finally {
    await context.close()
    await server.close()
  }
}

/**
 * Runs in the page before its scripts: `mostThreads` becomes the largest number of threads that a program ran on. A text, since
 * functions that tsx has been through need a helper that no page has.
 */
const countThreads = `
  globalThis.mostThreads = 0
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct(Instance, args) {
      const instance = new Instance(...args)
      const { run } = instance.exports
      if (!run) return instance
      const counting = (table, thread, threads) => {
        globalThis.mostThreads = Math.max(globalThis.mostThreads, threads)
        run(table, thread, threads)
      }
      return { exports: { ...instance.exports, run: counting } }
    },
  })`

/** Trains on so many threads: the losses, and the largest number of threads that took part. */
function trainWith(page: Page, threads: number): Promise<{ losses: number[]; mostThreads: number }> {
  return page.evaluate(
    async ({ threads, steps }) => {
      const path = '/library.js'
      const { setThreads, train } = (await import(path)) as Library
      const counted = globalThis as unknown as { mostThreads: number }
      setThreads(threads)
      counted.mostThreads = 0
      // Workers start between tasks.
      const losses = await train(steps, () => new Promise((resolve) => setTimeout(resolve, 0)))
      return { losses, mostThreads: counted.mostThreads }
    },
    { threads, steps },
  )
}

function expectClose(actual: readonly number[], wanted: readonly number[], tolerance: number): void {
  for (const [at, value] of wanted.entries()) {
    assert.ok(Math.abs(actual[at] - value) <= tolerance, `loss ${at} is ${actual[at]}; in Node it is ${value}`)
  }
}
