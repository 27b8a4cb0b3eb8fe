import { open, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The folder that downloads are kept in: `EINFOLD_CACHE`, else `.cache/einfold` in the home folder. */
export function cacheFolder(): string {
  const named = process.env.EINFOLD_CACHE
  return named ? resolve(named) : join(homedir(), '.cache', 'einfold')
}

/** Writes a file so that `path` never holds half of it: beside it first, then renamed. */
export async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`
  try {
    const file = await open(beside, 'w')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}
