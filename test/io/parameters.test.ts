import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { tensor } from '../../src/index.ts'
import { loadParameters, saveParameters } from '../../src/io/index.ts'
import { batchNorm, conv2d, linear, sequential } from '../../src/nn/index.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'einfold-io-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const network = () => sequential(conv2d(2, 3, 3), batchNorm(3))

test('a layer gets back what was saved, running statistics included', async () => {
  const path = join(folder, 'network.safetensors')
  const trained = network()
  trained(
    tensor(
      Float32Array.from({ length: 100 }, (_, at) => at / 7),
      { shape: [2, 2, 5, 5] },
    ),
  )
  await saveParameters(trained, path, { epoch: '3' })
  const other = network()
  await loadParameters(other, path)
  for (const list of ['parameters', 'buffers'] as const) {
    const own = await Promise.all(other[list]().map((one) => one.data()))
    assert.deepEqual(own, await Promise.all(trained[list]().map((one) => one.data())))
  }
  assert.deepEqual(await readdir(folder), ['network.safetensors'])
})

test('a file for another network is refused before anything is changed', async () => {
  const path = join(folder, 'linear.safetensors')
  await saveParameters(sequential(linear(2, 3), linear(3, 4)), path)
  const refused = (message: RegExp) => ({ name: 'DataError', code: 'wrong-parameters', message })
  const same = sequential(linear(2, 3), linear(3, 5))
  const before = await same.parameters()[0].data()
  await assert.rejects(
    loadParameters(same, path),
    refused(/1\.weight has the shape \[4,3\] there, and \[5,3\] in the layer/),
  )
  assert.deepEqual(await same.parameters()[0].data(), before)
  await assert.rejects(
    loadParameters(sequential(linear(2, 3)), path),
    refused(/holds 1\.weight, which the layer does not have/),
  )
  const larger = sequential(linear(2, 3), linear(3, 4), linear(4, 4))
  await assert.rejects(loadParameters(larger, path), refused(/2\.weight is missing/))
  await writeFile(path, 'no tensors')
  await assert.rejects(loadParameters(larger, path), { code: 'bad-safetensors' })
})
