import { readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { writeAtomically } from './cache.ts'
import { type DownloadProgress, download } from './download.ts'
import { gunzip } from './gzip.ts'
import type { PublicSet } from './publicSets.ts'
import { readTar } from './tar.ts'

/** Downloads the files of a set into `folder`; of an archive, what it holds. Throws what `download` and `readTar` do. */
export async function fetchSet(
  set: PublicSet,
  folder: string,
  onProgress?: (progress: DownloadProgress) => void,
): Promise<void> {
  for (const [fileName, file] of set.downloads) {
    const path = join(folder, fileName)
    await download(file, path, { onProgress })
    if (fileName.endsWith('.tar.gz')) await unpack(path, set, folder)
  }
}

/** The largest archive, that of CIFAR-10, unpacks to 184 MB. */
const UNPACKED_LIMIT = 200e6

async function unpack(archive: string, set: PublicSet, folder: string): Promise<void> {
  const tar = gunzip(await readFile(archive), archive, () => UNPACKED_LIMIT)
  for (const { name, data } of readTar(tar, archive)) {
    const file = basename(name)
    if (set.train.includes(file) || set.test.includes(file)) await writeAtomically(join(folder, file), data)
  }
  await rm(archive)
}
