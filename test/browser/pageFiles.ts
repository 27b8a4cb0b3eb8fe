// The page of docs/browser.md, bundled as its readers would bundle it.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url))

/** What a test calls besides what the page shows by itself. */
const library = `
  export { device, setDevice, setThreads } from 'einfold'
  export { train } from './train.ts'`

/** Makes a folder of index.html, page.js and library.js, which share their code; gives where they lie in it. */
export async function writePage(folder: string): Promise<string> {
  const page = await readFile('docs/browser.md', 'utf8')
  // Apart from the sources: tsx would take page.ts for page.js.
  const made = join(folder, 'made')
  await mkdir(made, { recursive: true })
  for (const [, name, text] of page.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm))
    await writeFile(join(folder, name), text)
  await writeFile(join(made, 'index.html'), /^```html\n([\s\S]*?)^```$/m.exec(page)![1])
  await writeFile(join(folder, 'library.ts'), library)
  const { warnings } = await build({
    entryPoints: [join(folder, 'page.ts'), join(folder, 'library.ts')],
    bundle: true,
    splitting: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    alias: {
      einfold: source('index.ts'),
      'einfold/nn': source('nn/index.ts'),
      'einfold/optim': source('optim/index.ts'),
    },
    outdir: made,
    logLevel: 'silent',
  })
  if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join('\n'))
  return made
}
