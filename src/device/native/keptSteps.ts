// Steps as earlier processes left them: beside each library, what it takes to call it without its loops.
import type { Buffer } from '../../compiler/ir.ts'
import { builtin } from '../../platform.ts'
import { markUsed, readEntry, writeEntry } from './cache.ts'
import { hash } from './compiler.ts'

/** What a caller of a program must know. */
export interface Call {
  /** The buffers that it is given, in order. */
  readonly external: readonly Pick<Buffer, 'name' | 'dtype' | 'length'>[]
  readonly arenaBytes: number
}

export interface KeptStep extends Call {
  /** The file's name in the same folder. */
  readonly library: string
  /** What the runtime keeps with it. */
  readonly note: string
}

const fileName = (key: string): string => `${hash(key).slice(0, 32)}.step`

/** The step kept under a key; null where there is none, or what is there is not whole. */
export function readStep(folder: string, key: string): KeptStep | null {
  const entry = readEntry(folder, fileName(key))
  if (entry === null) return null
  const [sum, text] = [entry.slice(0, sumLength), entry.slice(sumLength + 1)]
  if (sum !== hash(text)) return null
  const { of, step } = JSON.parse(text) as { of: string; step: KeptStep }
  if (of !== hash(key)) return null
  markUsed(builtin('node:path').join(folder, fileName(key)))
  return step
}

/** Keeps a step for other processes to find. */
export function writeStep(folder: string, key: string, step: KeptStep): void {
  const text = JSON.stringify({ of: hash(key), step })
  writeEntry(folder, fileName(key), `${hash(text)}\n${text}`)
}

/** Of a hash, in characters. */
const sumLength = 64
