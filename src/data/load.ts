import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { DataError } from '../errors.ts'
import { cacheFolder } from './cache.ts'
import { readCifar10 } from './cifar.ts'
import { type ImageSet, imageSet, type Split } from './dataset.ts'
import type { DownloadProgress } from './download.ts'
import { fetchSet } from './fetchSet.ts'
import { glyphs } from './glyphs.ts'
import { readIdx } from './idx.ts'
import { type PublicSet, type PublicSetName, publicSets } from './publicSets.ts'

export type ImageSetName = PublicSetName | 'glyphs'

/** The names that `loadImages` knows. */
export const imageSetNames: readonly ImageSetName[] = [...(Object.keys(publicSets) as PublicSetName[]), 'glyphs']

export interface LoadOptions {
  /** A folder that holds the set, or that holds a folder of its name. */
  readonly data?: string
  /** Fetches the set into the cache when it is nowhere else. Off unless set. */
  readonly download?: boolean
  readonly onProgress?: (progress: DownloadProgress) => void
}

/**
 * Loads an image set by name: from `options.data`, else from the folder that `EINFOLD_DATA` names, else from the cache
 * (`EINFOLD_CACHE`, or ~/.cache/einfold), else, when `options.download` is set, from the network into the cache.
 * `glyphs` is drawn on the spot and needs none of these.
 * Throws DataError: `unknown-set`, `data-not-found` (with where it looked), and what the readers and `download` throw.
 */
export async function loadImages(name: ImageSetName, options: LoadOptions = {}): Promise<Split> {
  if (name === 'glyphs') return glyphs()
  if (!Object.hasOwn(publicSets, name))
    throw new DataError(
      'unknown-set',
      `there is no image set ${JSON.stringify(name)}; there are ${imageSetNames.join(', ')}`,
    )
  const set = publicSets[name]
  const candidates = candidateFolders(set, options.data)
  const folder = candidates.find((candidate) => missingFile(set, candidate) === undefined)
  if (folder) return readSplit(name, set, folder)
  if (!options.download) throw notFound(name, set, candidates)
  const cached = join(cacheFolder(), set.folders[0])
  await fetchSet(set, cached, options.onProgress)
  return readSplit(name, set, cached)
}

/** Every folder the set may lie in, in the order they are looked into. */
function candidateFolders(set: PublicSet, data: string | undefined): string[] {
  const roots = [data, process.env.EINFOLD_DATA, cacheFolder()].flatMap((root) => (root ? [resolve(root)] : []))
  const folders = roots.flatMap((root) => {
    // MNIST and Fashion-MNIST name their files alike: only its name tells that a folder is the set itself.
    const isSet = set.folders.some((folder) => root.endsWith(sep + join(folder)))
    return [...(isSet ? [root] : []), ...set.folders.map((folder) => join(root, folder))]
  })
  return [...new Set(folders)]
}

/** The first file that `folder` lacks; undefined when the set is complete. */
const missingFile = (set: PublicSet, folder: string): string | undefined =>
  [...set.train, ...set.test].find((file) => pathOf(set, folder, file) === undefined)

function pathOf(set: PublicSet, folder: string, file: string): string | undefined {
  const path = join(folder, file)
  const paths = set.format === 'idx' ? [path, `${path}.gz`] : [path]
  return paths.find((path) => existsSync(path))
}

function notFound(name: PublicSetName, set: PublicSet, folders: readonly string[]): DataError {
  const looked = folders.map((folder) => {
    const found = existsSync(folder) ? `has no ${missingFile(set, folder)}` : 'is not there'
    return `\n  ${folder} ${found}`
  })
  const megabytes = [...set.downloads.values()].reduce((sum, file) => sum + file.size, 0) / 1e6
  return new DataError(
    'data-not-found',
    `the image set ${name} is on none of the places looked at:${looked.join('')}\n` +
      `Set EINFOLD_DATA to a folder that holds ${set.folders[0]}/, or allow the download of ${megabytes.toFixed(0)} MB ` +
      "(download: true). The set 'glyphs' needs neither file nor network.",
  )
}

async function readSplit(name: PublicSetName, set: PublicSet, folder: string): Promise<Split> {
  const read = set.format === 'idx' ? readIdxPair : readCifarBatches
  return {
    train: await read(`${name} train`, set, folder, set.train),
    test: await read(`${name} test`, set, folder, set.test),
  }
}

async function readIdxPair(name: string, set: PublicSet, folder: string, files: readonly string[]): Promise<ImageSet> {
  const [imagesPath, labelsPath] = files.map((file) => pathOf(set, folder, file)!)
  const images = readIdx(await readFile(imagesPath), imagesPath)
  const labels = readIdx(await readFile(labelsPath), labelsPath)
  if (images.dtype !== 'u8' || images.shape.length !== 3)
    throw new DataError(
      'not-images',
      `${imagesPath} holds ${images.dtype} of shape [${images.shape}]; grey images are u8 of shape [n, height, width]`,
    )
  if (labels.dtype !== 'u8' || labels.shape.length !== 1)
    throw new DataError(
      'not-labels',
      `${labelsPath} holds ${labels.dtype} of shape [${labels.shape}]; labels are u8 of shape [n]`,
    )
  const [n, h, w] = images.shape
  return imageSet({ name, images: images.data, labels: labels.data, shape: [n, 1, h, w], classes: set.classes })
}

async function readCifarBatches(
  name: string,
  set: PublicSet,
  folder: string,
  files: readonly string[],
): Promise<ImageSet> {
  const paths = files.map((file) => pathOf(set, folder, file)!)
  const parts = await Promise.all(paths.map(async (path) => readCifar10(await readFile(path), path)))
  const images = joined(parts.map((part) => part.images))
  const labels = joined(parts.map((part) => part.labels))
  return imageSet({ name, images, labels, shape: [labels.length, 3, 32, 32], classes: set.classes })
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
