import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { encodeSafetensors } from '../../src/io/index.ts'
import { einfold } from '../cli/einfold.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'einfold-export-cli-'))
  const f32 = (shape: number[], ...values: number[]) => ({
    dtype: 'f32' as const,
    shape,
    values: Float32Array.from(values),
  })
  const weights = new Map([
    ['W', f32([2, 3], 1, 2, 3, 4, 5, 6)],
    ['c', f32([2], 10, 20)],
  ])
  await writeFile(join(folder, 'dense.safetensors'), encodeSafetensors(weights))
  const linear = new Map([
    ['weight', f32([2, 3], 1, 2, 3, 4, 5, 6)],
    ['bias', f32([2], 10, 20)],
  ])
  await writeFile(join(folder, 'linear.safetensors'), encodeSafetensors(linear))
  const nn = new URL('../../src/nn/index.ts', import.meta.url).href
  await writeFile(join(folder, 'network.mjs'), `import { linear } from '${nn}'\nexport default () => linear(3, 2)\n`)
})
after(() => rm(folder, { recursive: true, force: true }))

const dense = 'z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]'

async function predictions(name: string): Promise<readonly number[]> {
  const { load } = (await import(pathToFileURL(join(folder, `${name}.js`)).href)) as {
    load(bytes: BufferSource): Promise<(x: readonly number[]) => Float32Array>
  }
  const predict = await load(new Uint8Array(await readFile(join(folder, `${name}.wasm`))))
  return Array.from(predict([1, 1, 1]))
}

test('a formula with the tensors of a file becomes a module that computes it', async () => {
  const out = join(folder, 'dense.wasm')
  const { code, stdout, stderr } = await einfold(
    'export',
    dense,
    '--weights',
    join(folder, 'dense.safetensors'),
    '--input',
    '1,3',
    '--wasm',
    '--out',
    out,
  )
  assert.equal(code, 0, stderr)
  assert.match(stdout, /dense\.wasm {2}\d+ bytes\n.*dense\.js/)
  assert.deepEqual(await predictions('dense'), [16, 35])
})

test('a layer of a JavaScript module becomes a C file, with the weights of a file', async () => {
  const out = join(folder, 'network.c')
  const { code, stderr } = await einfold(
    'export',
    join(folder, 'network.mjs'),
    '--weights',
    join(folder, 'linear.safetensors'),
    '--input',
    '1,3',
    '--name',
    'classify',
    '--out',
    out,
  )
  assert.equal(code, 0, stderr)
  const text = await readFile(out, 'utf8')
  assert.match(text, /void classify\(const float \*x, float \*y\) \{/)
  assert.match(text, /\{1\.0f,2\.0f,3\.0f,4\.0f,5\.0f,6\.0f\}/)
})

test('mistakes are answered with what would be right', async () => {
  const expectRefused = async (args: string[], message: RegExp) => {
    const { code, stderr } = await einfold('export', ...args)
    assert.notEqual(code, 0)
    assert.match(stderr, message)
  }
  const weights = ['--weights', join(folder, 'dense.safetensors')]
  await expectRefused([dense, ...weights], /--input is missing/)
  await expectRefused([dense, ...weights, '--input', '1,x'], /--input takes whole numbers/)
  await expectRefused([dense, ...weights, '--input', '1,3', '--lanes', '5'], /--lanes takes 1, 4, 8 or 16/)
  await expectRefused([dense, '--input', '1,3'], /W, x are missing without --weights/)
  await expectRefused([join(folder, 'none.mjs'), '--input', '1,3'], /none\.mjs cannot be loaded/)
  await expectRefused([join(folder, 'network.mjs'), ...weights, '--input', '1,3'], /does not fit the layer/)
})
