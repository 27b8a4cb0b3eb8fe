import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { convertIndexedToRgb, type DecodedPng, decode } from 'fast-png'
import { DataError } from '../errors.ts'
import { type ImageSet, imageSet } from './dataset.ts'

/**
 * Reads a folder with one sub-folder a class, each of PNG files: `cats/001.png`, `dogs/001.png`. Classes are the names
 * of the sub-folders, and images the files within, both sorted by name. Names that start with a dot are passed over.
 *
 * Images become bytes: 16-bit samples keep their upper half (rounded), transparency is dropped, palettes are resolved.
 * The set has 3 channels when any image is in colour, and 1 when all are grey. `classes` fixes the classes and their
 * numbers, so that the labels of a test folder mean the same as those of the training folder.
 * Throws DataError: `folder-not-found`, `folder-empty`, `too-many-classes`, `unknown-class`, `bad-png`, `size-mismatch`.
 */
export async function readPngFolder(
  folder: string,
  options: { name?: string; classes?: readonly string[] } = {},
): Promise<ImageSet> {
  const files = await listFiles(folder)
  const classes = options.classes ?? [...new Set(files.map((file) => file.className))]
  if (classes.length > 256)
    throw new DataError(
      'too-many-classes',
      `${folder} has ${classes.length} sub-folders; labels are bytes: at most 256`,
    )
  const stray = files.find((file) => !classes.includes(file.className))
  if (stray)
    throw new DataError('unknown-class', `${stray.path} is of no known class; the classes are ${classes.join(', ')}`)

  const images: Planes[] = []
  for (const { path } of files) {
    const image = await readPng(path)
    const first = images[0] ?? image
    if (image.width !== first.width || image.height !== first.height)
      throw new DataError(
        'size-mismatch',
        `${path} has ${image.width} x ${image.height} pixels, but ${files[0].path} has ${first.width} x ${first.height}: ` +
          'all images of a set have one size',
      )
    images.push(image)
  }
  const { width, height } = images[0]
  const channels = images.some((image) => image.channels === 3) ? 3 : 1
  const size = channels * width * height
  const pixels = new Uint8Array(images.length * size)
  for (const [i, image] of images.entries()) {
    // A grey image among coloured ones is the same in red, green and blue.
    for (let at = 0; at < size; at += image.pixels.length) pixels.set(image.pixels, i * size + at)
  }
  return imageSet({
    name: options.name ?? folder,
    images: pixels,
    labels: Uint8Array.from(files, (file) => classes.indexOf(file.className)),
    shape: [images.length, channels, height, width],
    classes,
  })
}

interface ClassFile {
  readonly className: string
  readonly path: string
}

async function listFiles(folder: string): Promise<ClassFile[]> {
  const files: ClassFile[] = []
  for (const className of await listSorted(folder, (entry) => entry.isDirectory()))
    for (const file of await listSorted(join(folder, className), (entry) => !entry.isDirectory()))
      if (file.toLowerCase().endsWith('.png')) files.push({ className, path: join(folder, className, file) })
  if (files.length === 0)
    throw new DataError(
      'folder-empty',
      `${folder} holds no images: expected one sub-folder a class with PNG files within`,
    )
  return files
}

async function listSorted(folder: string, keep: (entry: { isDirectory(): boolean }) => boolean): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: Error) => {
    throw new DataError('folder-not-found', `cannot read the folder ${folder} (${cause.message})`, { cause })
  })
  const names = entries.filter((entry) => keep(entry) && !entry.name.startsWith('.')).map((entry) => entry.name)
  // By code unit, so that the labels do not depend on the machine's language.
  return names.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

/** An image of 1 (grey) or 3 (red, green, blue) planes. */
interface Planes {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
  readonly pixels: Uint8Array
}

async function readPng(path: string): Promise<Planes> {
  const bytes = await readFile(path)
  try {
    return planes(decode(bytes, { checkCrc: true }))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new DataError('bad-png', `${path} is not a whole PNG file (${reason})`, { cause })
  }
}

function planes(png: DecodedPng): Planes {
  const { width, height } = png
  const samples = png.palette ? convertIndexedToRgb(png) : unpackBits(png)
  const perPixel = png.palette ? 3 : png.channels
  const channels = perPixel >= 3 ? 3 : 1
  const area = width * height
  const pixels = new Uint8Array(channels * area)
  const wide = png.depth === 16 && !png.palette
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < area; i++) {
      const sample = samples[i * perPixel + channel]
      pixels[channel * area + i] = wide ? Math.floor((sample + 128) / 257) : sample
    }
  }
  return { width, height, channels, pixels }
}

/** Grey samples of 1, 2 or 4 bits come packed, each row from a new byte on; they are spread over 0 to 255. */
function unpackBits({ data, depth, width, height }: DecodedPng): DecodedPng['data'] {
  if (depth >= 8) return data
  const rowBytes = Math.ceil((width * depth) / 8)
  const most = 2 ** depth - 1
  const out = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const byte = data[y * rowBytes + Math.floor((x * depth) / 8)]
      const sample = (byte >> (8 - depth - ((x * depth) % 8))) & most
      out[y * width + x] = (sample * 255) / most
    }
  }
  return out
}
