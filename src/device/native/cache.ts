// A folder of files that other processes read and write too: whole, or not there.
import { builtin, environment } from '../../platform.ts'

/** Where compiled programs are kept: `EINFOLD_CACHE`/native, else .cache/einfold/native in the home folder. */
export function cacheFolder(): string {
  const { join, resolve } = builtin('node:path')
  const named = environment('EINFOLD_CACHE')
  return join(named ? resolve(named) : join(builtin('node:os').homedir(), '.cache', 'einfold'), 'native')
}

/** The text of an entry; null where there is none. */
export function readEntry(folder: string, name: string): string | null {
  try {
    return builtin('node:fs').readFileSync(builtin('node:path').join(folder, name), 'utf8')
  } catch {
    return null
  }
}

/** Writes an entry for others to find. A folder that cannot be written keeps nothing. */
export function writeEntry(folder: string, name: string, text: string): void {
  const { mkdirSync, renameSync, writeFileSync, rmSync } = builtin('node:fs')
  const { join } = builtin('node:path')
  try {
    mkdirSync(folder, { recursive: true })
    const draft = makeDraft(folder)
    try {
      writeFileSync(join(draft, name), text)
      renameSync(join(draft, name), join(folder, name))
    } finally {
      rmSync(draft, { recursive: true, force: true })
    }
  } catch {
    // The next process finds out anew.
  }
}

const draftPrefix = 'draft-'

/** A folder of its own inside the cache, for what is not complete yet. Whoever makes it removes it. */
export function makeDraft(folder: string): string {
  return builtin('node:fs').mkdtempSync(builtin('node:path').join(folder, draftPrefix))
}

/** Nothing takes this long to compile: an older draft is of a process that was killed. */
const draftLife = 15 * 60_000

/** Removes drafts that were left behind, and the programs unused for longest, but for `kept`, until the rest has at most `bytes` bytes. */
export function tidyCache(folder: string, bytes: number, kept: string): void {
  const { readdirSync, rmSync, statSync } = builtin('node:fs')
  const { join } = builtin('node:path')
  const programs: { readonly path: string; readonly size: number; readonly used: number }[] = []
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const stats = statSync(path, { throwIfNoEntry: false })
    if (!stats) continue
    if (name.startsWith(draftPrefix) && Date.now() - stats.mtimeMs > draftLife) {
      rmSync(path, { recursive: true, force: true })
    }
    if (name.endsWith('.so')) programs.push({ path, size: stats.size, used: stats.mtimeMs })
  }
  let total = 0
  for (const { path, size } of programs.sort((a, b) => b.used - a.used)) {
    total += size
    if (total > bytes && path !== kept) discard(path)
  }
}

/** Removes a program from the cache. Processes that have loaded it keep it. */
export function discard(library: string): void {
  const { rmSync } = builtin('node:fs')
  rmSync(library, { force: true })
  rmSync(`${library}.sum`, { force: true })
}
