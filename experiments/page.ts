// A report that opens from disk, of whatever sections an experiment has: text, tables, pictures. Numbers and pictures also
// lie beside it as files of their own.
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { findCompiler } from '../src/device/native/compiler.ts'
import { device, precision, threads } from '../src/index.ts'
import { type Picture, toSvg } from '../src/plot/index.ts'

export interface Page {
  readonly title: string
  /** What was done and what came of it, in a sentence or two. */
  readonly summary: string
  /** Name and value, as they are shown. */
  readonly settings: readonly (readonly [name: string, value: string])[]
  readonly sections: readonly Section[]
  /** What goes into `results.json`, besides the settings. */
  readonly results: Readonly<Record<string, unknown>>
}

export interface Section {
  readonly title: string
  /** HTML, one after the other; see `paragraph`, `table`, `code`. */
  readonly parts: readonly (string | Figure)[]
}

/** A picture, and the name of its file. */
export interface Figure {
  readonly name: string
  readonly picture: Picture
}

/** What a result depends on besides what was asked for. Numbers do not depend on the threads, times do. */
export function surroundings(seed: number): readonly (readonly [name: string, value: string])[] {
  const processors = cpus()
  const compiler = device().name === 'native' ? findCompiler() : null
  return [
    ['seed', String(seed)],
    ['device', device().name],
    ['precision', precision().used],
    ['threads', String(threads())],
    ['processor', `${processors[0]?.model.trim() ?? 'unknown'}, ${processors.length} logical cores`],
    ['einfold', version()],
    ['node', process.version],
    ...(compiler ? ([['C compiler', compiler.version]] as const) : []),
  ]
}

/** Of this package, whose file lies above this one or, once built, a folder higher. */
function version(): string {
  const file = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url)).find(existsSync)
  return file ? JSON.parse(readFileSync(file, 'utf8')).version : 'unknown'
}

/** Writes `report.html`, `results.json` and an SVG for each figure. */
export async function writePage(folder: string, page: Page): Promise<void> {
  await mkdir(folder, { recursive: true })
  const { title, settings, sections, results } = page
  const record = { title, settings: Object.fromEntries(settings), ...results }
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(record, null, 2)}\n`)
  await writeFile(join(folder, 'report.html'), pageHtml(page))
  for (const { parts } of sections)
    for (const part of parts)
      if (typeof part !== 'string') await writeFile(join(folder, `${part.name}.svg`), toSvg(part.picture))
}

export function pageHtml({ title, summary, settings, sections }: Page): string {
  const bodies = sections.map(
    (section) =>
      `<h2>${safe(section.title)}</h2>\n${section.parts
        .map((part) => (typeof part === 'string' ? part : `<figure>${toSvg(part.picture)}</figure>`))
        .join('\n')}`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${safe(title)}</title>
<style>${css}</style>
<h1>${safe(title)}</h1>
<p>${safe(summary)}</p>
<table>${settings.map(([name, value]) => `<tr><th>${safe(name)}<td>${safe(value)}`).join('\n')}</table>
${bodies.join('\n')}
</html>
`
}

const css = `
:root { color-scheme: light dark; --line: #8884 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } th { text-align: left; font-weight: 600 }
th, td { padding: .15rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top }
td { font-variant-numeric: tabular-nums } td.number { text-align: right }
figure { margin: 1rem 0; overflow-x: auto } figure svg { max-width: 100%; height: auto }
.tiles { display: flex; flex-wrap: wrap; gap: 1rem } .tiles figure { margin: 0; width: 7rem; font-size: .8rem }
.tiles img { width: 7rem; image-rendering: pixelated; background: #000 } svg.matrix { width: 4rem }
pre { background: #8881; padding: .6rem .8rem; overflow-x: auto } code { font-size: .9em }
`

export const safe = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

export const paragraph = (text: string): string => `<p>${safe(text)}</p>`

export const code = (text: string): string => `<pre><code>${safe(text)}</code></pre>`

/** `88.83%`; nothing where there is no share. */
export const percent = (share: number | null | undefined): string =>
  share === null || share === undefined ? '' : `${(100 * share).toFixed(2)}%`

/** Cells that are numbers, or begin with a digit, stand to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cell = (value: string | number): string =>
    typeof value === 'number' || /^[-+]?\d[\d.,e+-]*%?$/.test(value)
      ? `<td class="number">${safe(String(value))}`
      : `<td>${safe(value)}`
  const lines = rows.map(([first, ...others]) => `<tr><th>${safe(String(first))}${others.map(cell).join('')}`)
  return `<table><tr>${head.map((name) => `<th>${safe(name)}`).join('')}\n${lines.join('\n')}</table>`
}
