// einfold data: which image sets are there, and how to get the others.
import { stat } from 'node:fs/promises'
import { asText, cacheFolder, type ImageSetName, imageSetNames, loadImages, type Split } from '../data/index.ts'
import { DataError } from '../errors.ts'
import { nearest } from '../formula/nearest.ts'
import { duration } from '../train/progress.ts'
import { parseFlags } from './arguments.ts'
import { type Command, type Terminal, UsageError } from './command.ts'

export const data: Command = {
  name: 'data',
  summary: 'list the image sets, fetch one, show where they are kept',
  help: `einfold data [list | get NAME | path] [--data FOLDER]

  list      the image sets by name, and whether they are at hand (the default)
  get NAME  fetches a set into the cache, with its checksum proved; an interrupted download goes on where it stopped
  path      the folders that are looked into

Flags
  --data FOLDER   a folder that holds sets, before all others

Sets are looked for in --data, then in the folder that EINFOLD_DATA names, then in the cache. The set glyphs is drawn
on the spot and needs none of them.

Examples
  einfold data
  einfold data get fashion-mnist
  EINFOLD_DATA=/data/images einfold data list
`,
  async run(args, terminal) {
    const { values, positionals } = parseFlags(args, { data: { type: 'string' } }, 'data')
    const [action = 'list', name, ...more] = positionals
    if (more.length > 0) throw new UsageError(`einfold data ${action}: too many arguments: ${more.join(' ')}`)
    if (action === 'list') return list(values.data, terminal)
    if (action === 'get') return get(name, values.data, terminal)
    if (action === 'path') return path(values.data, terminal)
    const meant = nearest(action, ['list', 'get', 'path'])
    throw new UsageError(
      `einfold data ${action} is not known; ${meant ? `did you mean ${meant}?` : 'say list, get or path'}`,
    )
  },
}

async function list(folder: string | undefined, { print, style }: Terminal): Promise<number> {
  for (const name of imageSetNames) {
    if (name === 'glyphs') {
      print(`${name.padEnd(14)} always there, drawn on the spot: ten classes, 28x28, 12,000 + 2,000 images`)
      continue
    }
    const found = await load(name, folder)
    print(
      `${name.padEnd(14)} ${found ? described(found) : style.faint(`not here; einfold data get ${name} fetches it`)}`,
    )
  }
  return 0
}

async function load(name: ImageSetName, folder: string | undefined): Promise<Split | null> {
  try {
    return await loadImages(name, { data: folder })
  } catch (error) {
    if (error instanceof DataError && error.code === 'data-not-found') return null
    throw error
  }
}

function described({ train, test }: Split): string {
  const [n, c, h, w] = train.shape
  const count = (images: number) => images.toLocaleString('en')
  const size = `${h}x${w}${c === 3 ? ' colour' : ''}`
  return `${train.classes.length} classes, ${size}, ${count(n)} + ${count(test.shape[0])} images`
}

async function get(name: string | undefined, folder: string | undefined, { print }: Terminal): Promise<number> {
  const chosen = imageSetNames.find((known) => known === name)
  if (!chosen) {
    const meant = name === undefined ? undefined : nearest(name, imageSetNames)
    const fix = meant ? `did you mean ${meant}?` : `there are ${imageSetNames.join(', ')}`
    throw new UsageError(name === undefined ? `get which set? ${fix}` : `there is no image set ${name}; ${fix}`)
  }
  const split = await loadImages(chosen, { data: folder, download: true, onProgress: downloadProgress() })
  print(`${chosen}: ${described(split)}`)
  const [, , h, w] = split.test.shape
  print(asText(split.test.images.subarray(0, split.test.images.length / split.test.shape[0]), w, h))
  print(split.test.classes[split.test.labels[0]])
  return 0
}

/** Shows a download on standard error, where that is a terminal. */
export function downloadProgress(): (progress: { url: string; received: number; total: number }) => void {
  const began = performance.now()
  return ({ url, received, total }) => {
    if (!process.stderr.isTTY) return
    const seconds = (performance.now() - began) / 1000
    const left = received === 0 ? '' : `, ${duration((seconds / received) * (total - received))} left`
    const done = `${(received / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB${left}`
    process.stderr.write(`\r\x1b[2K${url.split('/').at(-1)}  ${received < total ? done : ''}`)
    if (received >= total) process.stderr.write('\r\x1b[2K')
  }
}

async function path(folder: string | undefined, { print }: Terminal): Promise<number> {
  const places = [
    ['--data', folder],
    ['EINFOLD_DATA', process.env.EINFOLD_DATA],
    ['cache', cacheFolder()],
  ] as const
  for (const [what, place] of places) {
    if (!place) print(`${what.padEnd(13)} not set`)
    else print(`${what.padEnd(13)} ${place}${(await isThere(place)) ? '' : ' (not there yet)'}`)
  }
  return 0
}

const isThere = (place: string): Promise<boolean> =>
  stat(place).then(
    () => true,
    () => false,
  )
