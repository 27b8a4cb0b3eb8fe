// Runs the code of a page: its ```ts blocks, in order, as one module; what a block prints is what the ```text block after it shows.
import { spawn } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

interface Block {
  readonly language: string
  readonly text: string
  /** Where its text stands in the page. */
  readonly start: number
  readonly end: number
}

export interface PageRun {
  /** For every ```text block: what it shows, and what was printed. */
  readonly outputs: readonly { readonly shown: string; readonly printed: string }[]
  readonly codeBlocks: number
  readonly error: string
}

function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => {
    const start = match.index + match[0].indexOf('\n') + 1
    return { language: match[1], text: match[2], start, end: start + match[2].length }
  })
}

const packageEntries: readonly (readonly [name: string, file: string])[] = [
  ['einfold', '../src/index.ts'],
  ...['nn', 'optim', 'data', 'train'].map((part) => [`einfold/${part}`, `../src/${part}/index.ts`] as const),
]

const divider = '\u0001'

/**
 * Runs a page that lies in the repository, or in a folder of it: imports are written as from docs/, or name the package.
 * With EINFOLD_UPDATE_DOCS set, the page's ```text blocks are rewritten to what was printed.
 */
export async function runPage(path: string): Promise<PageRun> {
  const page = await readFile(path, 'utf8')
  const blocks = blocksOf(page).filter(({ language }) => language === 'ts' || language === 'text')
  const texts = blocks.filter(({ language }) => language === 'text')
  const code = blocks.map(({ language, text }) =>
    language === 'ts' ? text : `console.log(${JSON.stringify(divider)})\n`,
  )
  const { printed, error } = await runModule(withFiles(code.join('\n')))
  const outputs = texts.map(({ text }, at) => ({ shown: text.trim(), printed: (printed[at] ?? '').trim() }))
  if (process.env.EINFOLD_UPDATE_DOCS && error === '') await writeFile(path, updated(page, texts, outputs))
  return { outputs, codeBlocks: blocks.length - texts.length, error }
}

/** The package's names as files: the package is not installed in itself. */
function withFiles(code: string): string {
  return packageEntries.reduce((text, [name, file]) => text.replaceAll(`from '${name}'`, `from '${file}'`), code)
}

async function runModule(code: string): Promise<{ printed: string[]; error: string }> {
  const folder = '.einfold'
  const file = join(folder, `page-${process.pid}-${Math.random().toString(36).slice(2)}.ts`)
  await mkdir(folder, { recursive: true })
  await writeFile(file, code)
  try {
    const env = { ...process.env, EINFOLD_DEVICE: 'js', NO_COLOR: '1' }
    const child = spawn(process.execPath, ['--import', 'tsx', file], { env })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (text) => {
      stdout += text
    })
    child.stderr.on('data', (text) => {
      stderr += text
    })
    const status = await new Promise((resolve) => child.on('close', resolve))
    return { printed: stdout.split(`${divider}\n`), error: status === 0 ? '' : stderr || `exit code ${status}` }
  } finally {
    await rm(file)
  }
}

function updated(page: string, texts: readonly Block[], outputs: PageRun['outputs']): string {
  return texts.reduceRight(
    (text, { start, end }, at) => `${text.slice(0, start)}${outputs[at].printed}\n${text.slice(end)}`,
    page,
  )
}
