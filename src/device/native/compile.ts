// From C text to a shared library in the cache.
import { DeviceError } from '../../errors.ts'
import { builtin } from '../../platform.ts'
import { cacheFolder, discard, makeDraft, tidyCache } from './cache.ts'
import { type CCompiler, hash } from './compiler.ts'

export interface CompileOptions {
  /** The folder of compiled programs. */
  readonly folder?: string
  /** At most so many bytes of compiled programs are kept; those unused for longest go first. */
  readonly bytes?: number
}

const cacheBytes = 256 * 1024 * 1024

/**
 * The path of the shared library made from a C text: from the cache where it is there and whole. Throws DeviceError
 * `c-compiler-failed` with the compiler's output.
 */
export function compileC(compiler: CCompiler, source: string, options: CompileOptions = {}): string {
  const { join } = builtin('node:path')
  const { folder = writableFolder(), bytes = cacheBytes } = options
  const { version, flags, machine } = compiler
  const library = join(folder, `${hash(JSON.stringify([version, flags, machine, source])).slice(0, 32)}.so`)
  if (isWhole(library)) {
    markUsed(library)
    return library
  }
  build(compiler, source, library)
  tidyCache(folder, bytes, library)
  return library
}

/** Compiles beside the others and moves into place what is complete: two processes that make the same do not meet. */
function build(compiler: CCompiler, source: string, library: string): void {
  const { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } = builtin('node:fs')
  const { dirname, join } = builtin('node:path')
  mkdirSync(dirname(library), { recursive: true })
  const draft = makeDraft(dirname(library))
  try {
    writeFileSync(join(draft, 'program.c'), source)
    runCompiler(compiler, draft)
    writeFileSync(join(draft, 'sum'), hash(readFileSync(join(draft, 'program.so'))))
    renameSync(join(draft, 'sum'), `${library}.sum`)
    renameSync(join(draft, 'program.so'), library)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

function runCompiler({ command, flags }: CCompiler, folder: string): void {
  const { status, signal, stderr, error } = builtin('node:child_process').spawnSync(
    command,
    [...flags, '-o', 'program.so', 'program.c', '-lm'],
    { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
  )
  if (status === 0) return
  const end = signal ? `ended by ${signal}` : `exit code ${status}`
  const output = (error ? String(error) : stderr.trim()) || `no output, ${end}`
  throw new DeviceError('c-compiler-failed', `${command} could not compile a program:\n${output.slice(0, 4000)}`)
}

function isWhole(library: string): boolean {
  const { readFileSync } = builtin('node:fs')
  try {
    return readFileSync(`${library}.sum`, 'utf8') === hash(readFileSync(library))
  } catch {
    return false
  }
}

function markUsed(library: string): void {
  const now = new Date()
  try {
    builtin('node:fs').utimesSync(library, now, now)
  } catch {
    // Another's file, or one just discarded: it counts as unused.
  }
}

let ownFolder: string | undefined

/** The cache, or where that cannot be written a folder that goes with the process. */
function writableFolder(): string {
  if (ownFolder !== undefined) return ownFolder
  const { accessSync, constants, mkdirSync, mkdtempSync, rmSync } = builtin('node:fs')
  const folder = cacheFolder()
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
    return folder
  } catch {
    const own = mkdtempSync(builtin('node:path').join(builtin('node:os').tmpdir(), 'einfold-'))
    process.once('exit', () => rmSync(own, { recursive: true, force: true }))
    ownFolder = own
    return own
  }
}

/** Makes a library anew that is there and does not load. */
export function recompileC(compiler: CCompiler, source: string, library: string): string {
  discard(library)
  return compileC(compiler, source)
}
