import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { cacheFolder, writeAtomically } from '../../src/data/cache.ts'
import { pixelStatistics, take } from '../../src/data/dataset.ts'
import { glyphs } from '../../src/data/glyphs.ts'
import { writeIdx } from '../../src/data/idx.ts'
import { type ImageSetName, imageSetNames, loadImages } from '../../src/data/load.ts'
import { setEnvironment, temporaryFolder } from '../support/temporaryFolder.ts'

/** A data folder with small sets in it, and no other place where sets could be found. */
function smallData(context: TestContext): string {
  setEnvironment(context, 'EINFOLD_DATA', undefined)
  setEnvironment(context, 'EINFOLD_CACHE', temporaryFolder(context))
  const root = temporaryFolder(context)
  writeIdxSet(join(root, 'mnist'), 3)
  writeIdxSet(join(root, 'FashionMNIST', 'raw'), 5)
  const cifar = join(root, 'cifar-10-batches-bin')
  mkdirSync(cifar)
  for (const [i, file] of ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5'].entries())
    writeFileSync(join(cifar, `${file}.bin`), new Uint8Array(3073).fill(i))
  writeFileSync(join(cifar, 'test_batch.bin'), new Uint8Array(3073).fill(9))
  return root
}

function writeIdxSet(folder: string, n: number): void {
  mkdirSync(folder, { recursive: true })
  const images = writeIdx({ dtype: 'u8', shape: [n, 2, 2], data: Uint8Array.from({ length: n * 4 }, (_, i) => i) })
  const labels = writeIdx({ dtype: 'u8', shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i) })
  writeFileSync(join(folder, 'train-images-idx3-ubyte.gz'), gzipSync(images))
  writeFileSync(join(folder, 'train-labels-idx1-ubyte'), labels)
  writeFileSync(join(folder, 't10k-images-idx3-ubyte'), images)
  writeFileSync(join(folder, 't10k-labels-idx1-ubyte.gz'), gzipSync(labels))
}

test('loadImages finds sets under our folder names and those of PyTorch and the archives', async (context) => {
  const data = smallData(context)
  const mnist = await loadImages('mnist', { data })
  assert.deepEqual(mnist.train.shape, [3, 1, 2, 2])
  assert.deepEqual(mnist.test.labels, Uint8Array.of(0, 1, 2))
  assert.equal(mnist.test.name, 'mnist test')
  const fashion = await loadImages('fashion-mnist', { data })
  assert.deepEqual(fashion.train.shape, [5, 1, 2, 2])
  assert.equal(fashion.train.classes[9], 'Ankle boot')
  const cifar = await loadImages('cifar-10', { data })
  assert.deepEqual(cifar.train.shape, [5, 3, 32, 32])
  assert.deepEqual(cifar.train.labels, Uint8Array.of(0, 1, 2, 3, 4))
  assert.ok(cifar.train.images.every((pixel, i) => pixel === Math.floor(i / 3072)))
  assert.equal(cifar.test.classes[cifar.test.labels[0]], 'truck')
})

test('the option comes before EINFOLD_DATA, and that before the cache', async (context) => {
  smallData(context)
  const expectImages = async (n: number, data?: string): Promise<void> => {
    assert.equal((await loadImages('mnist', { data })).train.shape[0], n)
  }
  const [option, environment] = [temporaryFolder(context), temporaryFolder(context)]
  writeIdxSet(join(cacheFolder(), 'mnist'), 1)
  await expectImages(1)
  setEnvironment(context, 'EINFOLD_DATA', environment)
  await expectImages(1, option)
  writeIdxSet(join(environment, 'mnist'), 2)
  await expectImages(2, option)
  writeIdxSet(join(option, 'mnist'), 3)
  await expectImages(3, option)
})

test('a folder is taken for the set itself when it has its name', async (context) => {
  const root = smallData(context)
  assert.equal((await loadImages('mnist', { data: join(root, 'mnist') })).train.shape[0], 3)
  assert.equal((await loadImages('fashion-mnist', { data: join(root, 'FashionMNIST', 'raw') })).train.shape[0], 5)
  await assert.rejects(loadImages('fashion-mnist', { data: join(root, 'mnist') }), { code: 'data-not-found' })
})

test('when a set is nowhere, the error says where it was looked for and what to do', async (context) => {
  const data = smallData(context)
  mkdirSync(join(data, 'fashion-mnist'))
  await assert.rejects(loadImages('fashion-mnist', { data: join(data, 'elsewhere') }), (error: Error) => {
    assert.match(error.message, /elsewhere.fashion-mnist is not there/)
    assert.ok(error.message.includes(join(cacheFolder(), 'fashion-mnist')))
    assert.match(error.message, /Set EINFOLD_DATA .* fashion-mnist\/.* download of 31 MB/)
    return true
  })
  writeFileSync(join(data, 'fashion-mnist', 'train-images-idx3-ubyte'), '')
  await assert.rejects(loadImages('fashion-mnist', { data: join(data, 'fashion-mnist') }), {
    code: 'data-not-found',
    message: /fashion-mnist has no train-labels-idx1-ubyte/,
  })
  await assert.rejects(loadImages('imagenet' as ImageSetName), {
    code: 'unknown-set',
    message: 'there is no image set "imagenet"; there are mnist, fashion-mnist, cifar-10, glyphs',
  })
})

test('files that are not what they are called are refused by name', async (context) => {
  const data = smallData(context)
  const replace = (file: string, bytes: Uint8Array): void => writeFileSync(join(data, 'mnist', file), bytes)
  const labels = (...values: number[]): Uint8Array =>
    writeIdx({ dtype: 'u8', shape: [values.length], data: Uint8Array.from(values) })
  const expectError = (code: string, text: RegExp): Promise<void> =>
    assert.rejects(loadImages('mnist', { data }), { name: 'DataError', code, message: text })
  replace('train-labels-idx1-ubyte', labels(0, 1))
  await expectError('bad-image-set', /mnist train: 2 labels for 3 images/)
  replace('train-labels-idx1-ubyte', labels(0, 1, 10))
  await expectError('bad-image-set', /label 10 of image 2/)
  replace('train-labels-idx1-ubyte', writeIdx({ dtype: 'f32', shape: [3], data: new Float32Array(3) }))
  await expectError('not-labels', /train-labels-idx1-ubyte holds f32 of shape \[3\]/)
  replace('train-images-idx3-ubyte.gz', gzipSync(labels(1)))
  await expectError('not-images', /train-images-idx3-ubyte\.gz holds u8 of shape \[1\]/)
  replace('train-images-idx3-ubyte.gz', Uint8Array.of(1, 2, 3, 4, 5))
  await expectError('idx-bad-magic', /train-images-idx3-ubyte\.gz starts with/)
})

test('glyphs need no folder', async (context) => {
  smallData(context)
  assert.deepEqual(take((await loadImages('glyphs')).train, 10), take(glyphs({ train: 10, test: 0 }).train, 10))
  assert.deepEqual(imageSetNames, ['mnist', 'fashion-mnist', 'cifar-10', 'glyphs'])
})

test('the cache is where EINFOLD_CACHE says, else below the home folder', (context) => {
  setEnvironment(context, 'EINFOLD_CACHE', undefined)
  assert.equal(cacheFolder(), join(homedir(), '.cache', 'einfold'))
  setEnvironment(context, 'EINFOLD_CACHE', '/somewhere')
  assert.equal(cacheFolder(), '/somewhere')
})

test('writeAtomically replaces a file whole, and leaves nothing behind when it cannot', async (context) => {
  const folder = temporaryFolder(context)
  const path = join(folder, 'file')
  await writeAtomically(path, Uint8Array.of(1))
  await writeAtomically(path, Uint8Array.of(2, 3))
  assert.deepEqual([...readFileSync(path)], [2, 3])
  mkdirSync(join(folder, 'taken', 'full'), { recursive: true })
  await assert.rejects(writeAtomically(join(folder, 'taken'), Uint8Array.of(1)))
  assert.deepEqual(readdirSync(folder).sort(), ['file', 'taken'])
})

const realData = process.env.EINFOLD_DATA
const withRealFashion =
  realData && existsSync(join(realData, 'fashion-mnist')) ? false : 'EINFOLD_DATA names no folder with fashion-mnist/'

test('the real Fashion-MNIST has the published sizes and statistics', { skip: withRealFashion }, async () => {
  const { train, test } = await loadImages('fashion-mnist', { data: realData })
  assert.deepEqual(train.shape, [60_000, 1, 28, 28])
  assert.deepEqual(test.shape, [10_000, 1, 28, 28])
  for (let k = 0; k < 10; k++) assert.equal(train.labels.filter((label) => label === k).length, 6000)
  const { mean, std } = pixelStatistics(train)
  assert.equal(mean[0].toFixed(4), '0.2860')
  assert.equal(std[0].toFixed(4), '0.3530')
})
