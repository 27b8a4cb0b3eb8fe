// From C text to a shared library in the cache.
import { DeviceError } from '../../errors.ts'
import { builtin } from '../../platform.ts'
import { cacheFolder, draftLife, makeDraft, markUsed, temporaryFolder, tidyCache } from './cache.ts'
import { type CCompiler, endOf, hash, outputBytes } from './compiler.ts'

export interface CompileOptions {
  /** The folder of compiled programs. */
  readonly folder?: string
  /** At most so many bytes of compiled programs are kept; those unused for longest go first. */
  readonly bytes?: number
  /** Whether to make it anew though it is there: it does not load. */
  readonly anew?: boolean
  /** After so many milliseconds a compiler is given up: ten minutes when left out. */
  readonly patience?: number
}

const cacheBytes = 256 * 1024 * 1024

/**
 * The path of the shared library made from a C text: from the cache where it is there and whole. Where the cache cannot be
 * written, it is in a folder that goes with the process. Throws DeviceError `c-compiler-failed` with the compiler's output,
 * and `no-folder` where nothing can be written at all.
 */
export function compileC(compiler: CCompiler, source: string, options: CompileOptions = {}): string {
  const { join } = builtin('node:path')
  const { folder = cacheFolder(), bytes = cacheBytes, anew = false, patience } = options
  const { version, flags, machine } = compiler
  const name = `${hash(JSON.stringify([version, flags, machine, source])).slice(0, 32)}.so`
  const library = join(folder, name)
  if (!anew && isKept(library)) return library
  try {
    build(compiler, source, library, patience)
    tidyCache(folder, bytes, library)
    return library
  } catch (error) {
    if (error instanceof DeviceError) throw error
    const own = join(ownFolder(error as Error), name)
    if (anew || !isWhole(own)) build(compiler, source, own, patience)
    return own
  }
}

/** Compiles beside the others and moves into place what is complete: two processes that make the same do not meet. */
function build(compiler: CCompiler, source: string, library: string, patience?: number): void {
  const { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } = builtin('node:fs')
  const { dirname, join } = builtin('node:path')
  mkdirSync(dirname(library), { recursive: true })
  const draft = makeDraft(dirname(library))
  try {
    writeFileSync(join(draft, 'program.c'), source)
    runCompiler(compiler, draft, patience)
    writeFileSync(join(draft, 'sum'), hash(readFileSync(join(draft, 'program.so'))))
    renameSync(join(draft, 'sum'), `${library}.sum`)
    renameSync(join(draft, 'program.so'), library)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** Milliseconds: less than what is left behind is kept for. */
const longest = draftLife - 5 * 60_000

function runCompiler({ command, flags }: CCompiler, folder: string, patience = longest): void {
  const { existsSync } = builtin('node:fs')
  const { join } = builtin('node:path')
  const { status, signal, stderr, error } = builtin('node:child_process').spawnSync(
    command,
    [...flags, '-o', 'program.so', 'program.c', '-lm'],
    {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: patience,
      killSignal: 'SIGKILL',
      maxBuffer: outputBytes,
    },
  )
  if (status === 0 && existsSync(join(folder, 'program.so'))) return
  const end = endOf({ error, signal, status, patience: `${patience / 60_000} minutes` })
  const output = stderr?.trim().slice(0, 4000) || 'no output'
  throw new DeviceError('c-compiler-failed', `${command} could not compile a program (${end}):\n${output}`)
}

/** Whether a library is there, and whole; it counts as used then. */
export function isKept(library: string): boolean {
  const kept = isWhole(library)
  if (kept) markUsed(library)
  return kept
}

function isWhole(library: string): boolean {
  const { readFileSync } = builtin('node:fs')
  try {
    return readFileSync(`${library}.sum`, 'utf8') === hash(readFileSync(library))
  } catch {
    return false
  }
}

let own: string | undefined

/** A folder that goes with the process, for when the cache cannot be written. */
function ownFolder(why: Error): string {
  if (own !== undefined) return own
  const made = temporaryFolder()
  if (made === null)
    throw new DeviceError('no-folder', `there is no folder in which a program can be compiled: ${why.message}`)
  process.once('exit', () => builtin('node:fs').rmSync(made, { recursive: true, force: true }))
  own = made
  return made
}
