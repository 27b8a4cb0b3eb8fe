import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { encode, type ImageData } from 'fast-png'
import { readPngFolder } from '../../src/data/pngFolder.ts'
import { temporaryFolder } from '../support/temporaryFolder.ts'

type Images = Record<string, ImageData | Uint8Array>

/** Writes files below a folder: images as PNG, bytes as they are. */
function write(folder: string, images: Images): void {
  for (const [name, image] of Object.entries(images)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, image instanceof Uint8Array ? image : encode(image))
  }
}

const grey = (data: number[], width: number, height: number): ImageData => ({
  width,
  height,
  data: Uint8Array.from(data),
  channels: 1,
})

test('classes are the sorted sub-folders, images the sorted PNG files within', async (context) => {
  const folder = temporaryFolder(context)
  write(folder, {
    'dog/1.png': grey([1, 2], 2, 1),
    'cat/b.PNG': grey([3, 4], 2, 1),
    'cat/a.png': grey([5, 6], 2, 1),
    'cat/notes.txt': Uint8Array.of(1),
    '.hidden/a.png': grey([7, 8], 2, 1),
  })
  const set = await readPngFolder(folder)
  assert.deepEqual(set.classes, ['cat', 'dog'])
  assert.deepEqual(set.labels, Uint8Array.of(0, 0, 1))
  assert.deepEqual(set.shape, [3, 1, 1, 2])
  assert.deepEqual(set.images, Uint8Array.of(5, 6, 3, 4, 1, 2))
  assert.equal(set.name, folder)
})

test('every kind of PNG becomes bytes, a plane a channel', async (context) => {
  const expectPixels = async (image: ImageData, channels: number, pixels: number[]): Promise<void> => {
    const folder = temporaryFolder(context)
    write(folder, { 'a/1.png': image })
    const set = await readPngFolder(folder)
    assert.deepEqual(set.shape, [1, channels, image.height, image.width])
    assert.deepEqual([...set.images], pixels)
  }
  const size = { width: 2, height: 1 }
  await expectPixels({ ...size, channels: 1, data: Uint8Array.of(9, 200) }, 1, [9, 200])
  await expectPixels({ ...size, channels: 2, data: Uint8Array.of(9, 0, 200, 255) }, 1, [9, 200])
  await expectPixels({ ...size, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) }, 3, [1, 4, 2, 5, 3, 6])
  await expectPixels({ ...size, channels: 4, data: Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 99) }, 3, [1, 4, 2, 5, 3, 6])
  await expectPixels({ ...size, channels: 1, depth: 16, data: Uint16Array.of(65535, 386) }, 1, [255, 2])
  await expectPixels(
    { ...size, channels: 3, depth: 16, data: Uint16Array.of(0, 257, 514, 65535, 385, 0) },
    3,
    [0, 255, 1, 1, 2, 0],
  )
  await expectPixels(
    { width: 10, height: 2, channels: 1, depth: 1, data: Uint8Array.of(0b10100000, 0b01000000, 0, 0b11000000) },
    1,
    [255, 0, 255, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255],
  )
  await expectPixels({ width: 3, height: 1, channels: 1, depth: 4, data: Uint8Array.of(0xf1, 0x20) }, 1, [255, 17, 34])
  await expectPixels(
    {
      ...size,
      channels: 1,
      depth: 8,
      data: Uint8Array.of(1, 0),
      palette: [
        [10, 20, 30],
        [40, 50, 60],
      ],
    },
    3,
    [40, 10, 50, 20, 60, 30],
  )
})

test('a grey image among coloured ones is the same in all three channels', async (context) => {
  const folder = temporaryFolder(context)
  write(folder, {
    'a/1.png': grey([7], 1, 1),
    'a/2.png': { width: 1, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3) },
  })
  const set = await readPngFolder(folder)
  assert.deepEqual(set.shape, [2, 3, 1, 1])
  assert.deepEqual(set.images, Uint8Array.of(7, 7, 7, 1, 2, 3))
})

test('given classes keep their numbers, and others are refused', async (context) => {
  const folder = temporaryFolder(context)
  write(folder, { 'dog/1.png': grey([7], 1, 1) })
  const set = await readPngFolder(folder, { name: 'pets', classes: ['cat', 'dog'] })
  assert.deepEqual(set.labels, Uint8Array.of(1))
  assert.deepEqual(set.classes, ['cat', 'dog'])
  assert.equal(set.name, 'pets')
  await assert.rejects(readPngFolder(folder, { classes: ['cat'] }), { code: 'unknown-class', message: /dog.1\.png/ })
})

test('errors name the file at fault', async (context) => {
  const expectError = async (images: Images, code: string, text: RegExp): Promise<void> => {
    const folder = temporaryFolder(context)
    write(folder, images)
    await assert.rejects(readPngFolder(folder), { name: 'DataError', code, message: text })
  }
  const good = encode(
    grey(
      Array.from({ length: 100 }, (_, i) => i * 2),
      10,
      10,
    ),
  )
  const damaged = Uint8Array.from(good)
  damaged[damaged.length - 30] ^= 255
  await expectError({}, 'folder-empty', /one sub-folder a class/)
  await expectError(
    { 'a/1.png': grey([1, 2], 2, 1), 'b/2.png': grey([1, 2], 1, 2) },
    'size-mismatch',
    /b.2\.png has 1 x 2 pixels, but .*a.1\.png has 2 x 1/,
  )
  await expectError({ 'a/1.png': Uint8Array.of(1, 2, 3) }, 'bad-png', /a.1\.png is not a whole PNG file/)
  await expectError({ 'a/1.png': good.subarray(0, good.length - 20) }, 'bad-png', /a.1\.png/)
  await expectError({ 'a/1.png': damaged }, 'bad-png', /a.1\.png/)
  await assert.rejects(readPngFolder('/no/such/folder'), { code: 'folder-not-found', message: /no.such.folder/ })
})
