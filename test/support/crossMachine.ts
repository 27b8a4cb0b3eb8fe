// Machines that are not here: a cross compiler makes a program for one, an emulator runs it.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Buffer, Program } from '../../src/compiler/ir.ts'
import type { Device } from '../../src/device/device.ts'
import { type JsStorage, jsDevice } from '../../src/device/js/device.ts'
import { bytesPerElement } from '../../src/dtype.ts'
import { emitC } from '../../src/emit/c/emit.ts'
import { usualCache } from '../../src/emit/c/tiles.ts'

export interface CrossMachine {
  readonly compiler: string
  readonly emulator: string
  /** Vector widths in f32 lanes, widest first. */
  readonly widths: readonly number[]
  readonly fused: boolean
}

/** ARM's 64-bit machines, whose vectors are NEON: four floats, with fused multiply-adds. */
export const arm64: CrossMachine = {
  compiler: 'aarch64-linux-gnu-gcc',
  emulator: 'qemu-aarch64',
  widths: [4, 1],
  fused: true,
}

/** Why a machine's programs cannot be made or run here; false where they can. */
export function crossAbsence({ compiler, emulator }: CrossMachine): string | false {
  const missing = [compiler, emulator].find((command) => spawnSync(command, ['--version']).status !== 0)
  return missing !== undefined && `${missing} is not installed`
}

const baseFlags = ['-O2', '-ffp-contract=off', '-fno-math-errno', '-fno-trapping-math', '-w', '-static']

/** Compiles C files into a program for the machine and runs it on bytes; gives the bytes that it writes. */
export function runThere(
  machine: CrossMachine,
  sources: readonly string[],
  input: Uint8Array,
  flags: readonly string[] = [],
): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'einfold-cross-'))
  try {
    const names = sources.map((_, at) => `part${at}.c`)
    for (const [at, name] of names.entries()) writeFileSync(join(folder, name), sources[at])
    const args = [...baseFlags, ...flags, '-o', 'program', ...names, '-lm']
    execFileSync(machine.compiler, args, { cwd: folder, stdio: 'pipe' })
    return execFileSync(machine.emulator, [join(folder, 'program')], { input, maxBuffer: 1 << 30 })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A device that computes there, by `threads` threads; its memory is here, and goes back and forth with each run. */
export function crossDevice(machine: CrossMachine, threads: number): Device {
  return {
    ...jsDevice({ contractions: true }),
    name: 'native',
    load: (program) => {
      const target = {
        widths: machine.widths,
        fused: machine.fused,
        maxThreads: threads,
        cache: usualCache,
        bf16: null,
      }
      const source = emitC(program, target)
      const buffers = program.external.map((name) => program.buffers.get(name)!)
      return {
        source,
        run: (external) => {
          const arrays = external.map((storage) => (storage as JsStorage).array)
          const parts = arrays.map(
            ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
          )
          const sources = [source, mainText(program, buffers, threads)]
          const found = runThere(machine, sources, concatenated(parts), threads > 1 ? ['-fopenmp'] : [])
          let at = 0
          for (const part of parts) {
            part.set(found.subarray(at, at + part.length))
            at += part.length
          }
        },
      }
    },
  }
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Reads all external buffers, runs the program and writes them all. As on the device, there is room past their ends. */
const mainText = (program: Program, buffers: readonly Buffer[], threads: number): string => {
  const bytes = buffers.map(({ dtype, length }) => length * bytesPerElement(dtype))
  const each = (call: string) =>
    bytes.map(
      (count, at) =>
        `  if (${call}(buffer${at}, 1, ${count}, ${call === 'fread' ? 'stdin' : 'stdout'}) != ${count}) return 1;`,
    )
  const aligned = '__attribute__((aligned(64)))'
  return [
    '#include <stdio.h>',
    'void run(void **buffers, int threads);',
    `static char arena[${program.arenaBytes + 64}] ${aligned};`,
    ...bytes.map((count, at) => `static char buffer${at}[${count + 64}] ${aligned};`),
    'int main(void) {',
    `  void *buffers[] = {${['arena', ...bytes.map((_, at) => `buffer${at}`)].join(', ')}};`,
    ...each('fread'),
    `  run(buffers, ${threads});`,
    ...each('fwrite'),
    '  return 0;',
    '}',
    '',
  ].join('\n')
}
