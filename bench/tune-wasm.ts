// Measures every register tile of the WebAssembly micro-kernels and writes the table the compiler chooses from.
//   tsx bench/tune-wasm.ts [--write]
import { readFileSync, writeFileSync } from 'node:fs'
import { wasmFeatures } from '../src/device/wasm/features.ts'
import { wasmModule } from '../src/emit/wasm/encoder.ts'
import { microKernel, vectorRegisters } from '../src/emit/wasm/microKernel.ts'
import { gflopsOfPeak } from './kernels/peak.ts'

const file = new URL('../src/emit/wasm/tiles.ts', import.meta.url)
const tiles = 24
const rounds = 60
const depths = { short: 16, long: 272 }

type Kernel = (...args: number[]) => void

interface Measured {
  readonly height: number
  readonly vectors: number
  readonly run: Kernel
  short: number
  long: number
}

function kernelOf(height: number, vectors: number): Kernel {
  const m = wasmModule()
  m.export('memory', m.memory({ minimumPages: 16 }))
  const kernel = microKernel(m, {
    height,
    width: 4 * vectors,
    fma: wasmFeatures().relaxedSimd,
    a: { rowStride: 1, kStride: height, tileStride: 0 },
    b: { kStride: 4 * vectors, packed: true },
    c: { rowStride: 4 * vectors },
    result: 'store',
  })
  m.export('kernel', kernel)
  return new WebAssembly.Instance(new WebAssembly.Module(m.encode())).exports.kernel as Kernel
}

/** Nanoseconds of a tile `k` deep. */
function time(run: Kernel, k: number): number {
  const turns = Math.ceil(2048 / k)
  const start = performance.now()
  for (let turn = 0; turn < turns; turn++) run(0, 65536, 131072, tiles, k, 0, 0, 0, 0)
  return ((performance.now() - start) * 1e6) / tiles / turns
}

const measured: Measured[] = []
for (let vectors = 1; vectors <= 7; vectors++) {
  for (let height = 1; height * vectors + vectors + 1 <= vectorRegisters; height++) {
    measured.push({ height, vectors, run: kernelOf(height, vectors), short: Infinity, long: Infinity })
  }
}
// The machine is not ours alone: the least of many short runs is what it takes undisturbed.
for (const until = performance.now() + 3000; performance.now() < until; ) for (const { run } of measured) time(run, 272)
let peak = 0
for (let round = 0; round < rounds; round++) {
  peak = Math.max(peak, gflopsOfPeak())
  for (const tile of measured) {
    tile.short = Math.min(tile.short, time(tile.run, depths.short))
    tile.long = Math.min(tile.long, time(tile.run, depths.long))
  }
}

const stepOf = ({ short, long }: Measured): number => (long - short) / (depths.long - depths.short)
const table = (costOf: (tile: Measured) => number): string =>
  Array.from({ length: 8 }, (_, vectors) => {
    const row = measured.filter((tile) => tile.vectors === vectors).map((tile) => costOf(tile).toFixed(2))
    return `  [${row.join(', ')}],`
  }).join('\n')
const text = `// Measured by bench/tune-wasm.ts with Node ${process.versions.node}, ${peak.toFixed(1)} GFLOP/s at most on 128 bits; 6×8 makes ${(
  96 / stepOf(measured.find((tile) => tile.height === 6 && tile.vectors === 2)!)
).toFixed(1)}.
/** Nanoseconds a step over k takes, by vectors across and then by rows, for every tile that fits the registers. */
export const stepCosts: readonly (readonly number[])[] = [
${table(stepOf)}
] // biome-ignore format: a table

/** Nanoseconds a tile takes besides: clearing, storing, starting the loop. */
export const tileCosts: readonly (readonly number[])[] = [
${table((tile) => Math.max(0, tile.short - depths.short * stepOf(tile)))}
] // biome-ignore format: a table
`
for (const tile of measured) {
  const gflops = (8 * tile.height * tile.vectors) / stepOf(tile)
  console.error(
    `${tile.height}×${4 * tile.vectors}: ${gflops.toFixed(1)} GFLOP/s, ${((100 * gflops) / peak).toFixed(0)}% of the peak`,
  )
}
if (process.argv.includes('--write')) {
  const [before, after] = ['// <measured>\n', '// </measured>\n']
  const old = readFileSync(file, 'utf8')
  const [from, to] = [old.indexOf(before) + before.length, old.indexOf(after)]
  writeFileSync(file, `${old.slice(0, from)}${text}${old.slice(to)}`)
} else console.log(text)
