// Which version of Einfold this is, to the byte: what one version has compiled is not for another.
import { builtin, hasBuiltins } from '../../platform.ts'

let known: string | null | undefined

/** A hash of all code of this package; null where it is not the files it was written as, but part of a bundle. */
export function codeVersion(): string | null {
  if (known === undefined) known = hasBuiltins() ? versionOf(import.meta.url) : null
  return known
}

/** The hash of all code in the folder two above a module, which is named as this one is; null where it is another. */
export function versionOf(module: string): string | null {
  const found = /^(.*)\/device\/native\/codeVersion(\.[jt]s)$/.exec(module)
  if (!found) return null
  const { readFileSync } = builtin('node:fs')
  const isCode = (path: string): boolean => path.endsWith(found[2]) && !path.endsWith('.d.ts')
  const sum = builtin('node:crypto').createHash('sha256')
  const root = builtin('node:url').fileURLToPath(`${found[1]}/`)
  for (const path of filesIn(root).filter(isCode).sort()) sum.update(path.slice(root.length)).update(readFileSync(path))
  return sum.digest('hex')
}

const filesIn = (folder: string): readonly string[] =>
  builtin('node:fs')
    .readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = builtin('node:path').join(folder, entry.name)
      return entry.isDirectory() ? filesIn(path) : [path]
    })
