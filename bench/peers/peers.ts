// Who takes part, and how each is started at its best.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from './participant.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const python = '/usr/bin/python3'

export interface Peer {
  readonly name: string
  /** Why it is not here; null when it is. */
  absence(): string | null
  command(workload: string, threads: number): Command
}

/** What PyTorch is fastest with on this kind of machine: its widest kernels, and memory that is not given back between steps. */
const torchEnvironment = {
  ATEN_CPU_CAPABILITY: 'avx512',
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: '-1',
  MALLOC_TOP_PAD_: '67108864',
}

const pytorch: Peer = {
  name: 'pytorch',
  absence: () => {
    const { status } = spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' })
    return status === 0
      ? null
      : "Debian's python3-torch is not installed (apt-get install python3-torch libopenblas0-pthread)"
  },
  command: (workload, threads) => ({
    program: python,
    args: [join(here, 'pytorch.py'), workload, '--threads', String(threads), '--serve'],
    env: torchEnvironment,
  }),
}

/** A library of bench/peers/node_modules, behind a script that speaks as bench/serve.ts does. */
const javascript = (name: string, script: string, packages: readonly string[], flags: readonly string[]): Peer => ({
  name,
  absence: () =>
    packages.every((each) => existsSync(join(here, 'node_modules', each)))
      ? null
      : 'it is not installed (npm ci --prefix bench/peers)',
  command: (workload, threads) => ({
    program: process.execPath,
    args: ['--import', 'tsx', join(here, script), workload, '--threads', String(threads), ...flags, '--serve'],
  }),
})

const tensorflow = ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm']

export const peers: readonly Peer[] = [
  pytorch,
  javascript('jaxjs', 'jaxjs.mjs', ['@jax-js/jax'], []),
  javascript('tfjs', 'tfjs.mjs', tensorflow, ['--backend', 'wasm']),
  javascript('tfjs-cpu', 'tfjs.mjs', tensorflow, ['--backend', 'cpu']),
  javascript('ort', 'ort.mjs', ['onnxruntime-web'], []),
]

export const einfold = (workload: string, device: string, precision: string, threads: number): Command => ({
  program: process.execPath,
  args: [
    ...['--import', 'tsx', join(here, '../main.ts'), workload],
    ...['--device', device, '--precision', precision, '--threads', String(threads), '--serve'],
  ],
})

/**
 * PyTorch's speed in a matrix product of 512×512, on one thread. The reference BLAS reaches 3 GFLOP/s where OpenBLAS reaches
 * more than 100; a comparison with that is worth nothing.
 */
export function torchBlas(): {
  readonly gflops: number
  readonly isReference: boolean
  readonly version: string
} | null {
  const env = { ...process.env, ...torchEnvironment }
  const { status, stdout } = spawnSync(python, [join(here, 'pytorch.py'), '--blas'], { env, encoding: 'utf8' })
  if (status !== 0) return null
  const { matmulGflops, torch } = JSON.parse(stdout) as { matmulGflops: number; torch: string }
  return { gflops: matmulGflops, isReference: matmulGflops < leastBlasGflops, version: torch }
}

const leastBlasGflops = 12

/** The same, held to as many cores as it may have threads, where there is a taskset. The last cores: the first serve interrupts. */
export function pinned(command: Command, threads: number): Command {
  const cores = allowedCores()
  if (cores.length < threads || spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status !== 0) return command
  const chosen = cores.slice(-threads).join(',')
  return { ...command, program: 'taskset', args: ['-c', chosen, command.program, ...command.args] }
}

function allowedCores(): number[] {
  if (!existsSync('/proc/self/status')) return []
  const [, list] = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return (list ?? '').split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, at) => first + at)
  })
}
