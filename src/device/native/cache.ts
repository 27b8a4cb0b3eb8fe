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

/** What is used last is given up last. */
export function markUsed(path: string): void {
  const now = new Date()
  // Another's file, or one just discarded, counts as unused.
  attempt(() => builtin('node:fs').utimesSync(path, now, now))
}

const draftPrefix = 'draft-'

/** A folder of its own inside the cache, for what is not complete yet. Whoever makes it removes it. */
export function makeDraft(folder: string): string {
  return builtin('node:fs').mkdtempSync(builtin('node:path').join(folder, draftPrefix))
}

/** A folder of its own that whoever makes it removes; null where nothing can be written. */
export function temporaryFolder(): string | null {
  const { mkdirSync, mkdtempSync } = builtin('node:fs')
  try {
    return mkdtempSync(builtin('node:path').join(builtin('node:os').tmpdir(), 'einfold-'))
  } catch {
    try {
      mkdirSync(cacheFolder(), { recursive: true })
      return makeDraft(cacheFolder())
    } catch {
      return null
    }
  }
}

/** Nothing takes this long to compile: an older draft is of a process that was killed. */
export const draftLife = 15 * 60_000

/**
 * Removes what killed processes left behind, and the programs unused for longest, but for `kept`, until the rest has at most
 * `bytes` bytes. What other processes remove meanwhile, or do not let this one remove, is left alone.
 */
export function tidyCache(folder: string, bytes: number, kept: string): void {
  const { readdirSync, statSync } = builtin('node:fs')
  const { join } = builtin('node:path')
  const programs: { readonly path: string; readonly size: number; readonly used: number }[] = []
  const names = new Set(attempt(() => readdirSync(folder)) ?? [])
  for (const name of names) {
    const path = join(folder, name)
    const stats = attempt(() => statSync(path))
    if (!stats) continue
    if (name.endsWith('.so') || name.endsWith('.step')) programs.push({ path, size: stats.size, used: stats.mtimeMs })
    const isPart = name.startsWith(draftPrefix) || (name.endsWith(sumSuffix) && !names.has(withoutSum(name)))
    if (isPart && Date.now() - stats.mtimeMs > draftLife) remove(path)
  }
  let total = 0
  for (const { path, size } of programs.sort((a, b) => b.used - a.used)) {
    total += size
    if (total > bytes && path !== kept) discard(path)
  }
}

const sumSuffix = '.so.sum'
const withoutSum = (name: string): string => name.slice(0, -'.sum'.length)

/** Removes a program from the cache. Processes that have loaded it keep it. */
export function discard(library: string): void {
  remove(library)
  remove(`${library}.sum`)
}

const remove = (path: string): void => {
  attempt(() => builtin('node:fs').rmSync(path, { recursive: true, force: true }))
}

/** The result, or null where the file system refuses. */
function attempt<T>(of: () => T): T | null {
  try {
    return of()
  } catch {
    return null
  }
}
