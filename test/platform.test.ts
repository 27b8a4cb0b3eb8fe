// Einfold in a browser: no module of Node's, no `process`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import vm from 'node:vm'
import { build } from 'esbuild'

const main = new URL('../src/index.ts', import.meta.url).pathname

const use = `
  import { compile, device, devices, grad, tensor, threads } from ${JSON.stringify(main)}
  globalThis.result = (async () => {
    const x = tensor([1, 2, 3])
    const step = compile((x) => grad(x.square().sum(), x))
    return {
      gradient: await step(x).array(),
      device: device().name,
      threads: threads(),
      native: devices().find(({ name }) => name === 'native'),
    }
  })()`

test('the main entry can be bundled for a browser, and computes where there is no process', async () => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: use, resolveDir: '/', loader: 'ts' },
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'iife',
    define: { 'import.meta.url': '"https://example.org/bundle.js"' },
    logLevel: 'silent',
  })
  const outside = Object.values(metafile.inputs).flatMap(({ imports }) => imports.filter(({ external }) => external))
  assert.deepEqual(
    outside.map(({ path }) => path),
    [],
  )
  const context: Record<string, unknown> = vm.createContext({
    console,
    performance,
    setTimeout,
    TextDecoder,
    TextEncoder,
    navigator: { hardwareConcurrency: 2 },
  })
  vm.runInContext(outputFiles[0].text, context)
  const { gradient, device, threads, native } = (await context.result) as {
    gradient: number[]
    device: string
    threads: number
    native: { available: boolean; about: string }
  }
  assert.deepEqual(Array.from(gradient), [2, 4, 6])
  assert.equal(device, 'wasm')
  assert.equal(threads, 2)
  assert.equal(native.available, false)
  assert.match(native.about, /Node 20\.16/)
})
