// Times matrix products alone, interleaved with a loop of nothing but multiply-adds: GFLOP/s and the share of that peak.
//   tsx bench/kernels/wasm-contraction.ts [--plain] [--json] [--set name=value,…] [shape …]
import { productModule } from '../../test/support/productModule.ts'
import { gflopsOfPeak, median } from './peak.ts'
import { productShapes } from './productShapes.ts'

const args = process.argv.slice(2)
const flags = args.filter((arg) => arg.startsWith('--'))
const wanted = args.filter((arg) => !arg.startsWith('--'))
const fma = !flags.includes('--plain')
const overrides = Object.fromEntries(
  flags
    .filter((flag) => flag.startsWith('--set='))
    .flatMap((flag) => flag.slice('--set='.length).split(','))
    .map((pair) => pair.split('='))
    .map(([name, value]) => [name, Number.isNaN(Number(value)) ? value : Number(value)]),
)
const rounds = 40
const results = []
for (const name of wanted.length > 0 ? wanted : Object.keys(productShapes)) {
  const shape = productShapes[name]()
  const product = productModule(shape, { fma, overrides })
  product.a.forEach((_, at) => {
    product.a[at] = (at % 17) / 17
  })
  product.b.forEach((_, at) => {
    product.b[at] = (at % 19) / 19
  })
  const flops = 2 * shape.m * shape.n * shape.k
  const times = Math.max(1, Math.round(2e7 / flops))
  for (const until = performance.now() + 150; performance.now() < until; ) product.runTimes(times)
  const rates: number[] = []
  const peaks: number[] = []
  for (let round = 0; round < rounds; round++) {
    peaks.push(gflopsOfPeak())
    let best = 0
    for (let run = 0; run < 3; run++) {
      const start = performance.now()
      product.runTimes(times)
      best = Math.max(best, (flops * times) / (performance.now() - start) / 1e6)
    }
    rates.push(best)
  }
  const [rate, peak] = [median(rates), median(peaks)]
  const best = Math.max(...rates)
  results.push({ name, best, gflops: rate, peak, share: rate / peak, microseconds: flops / rate / 1e3 })
  if (!flags.includes('--json')) {
    const share = `${((100 * rate) / peak).toFixed(0)}%`.padStart(5)
    const micro = (flops / rate / 1e3).toFixed(2).padStart(10)
    console.log(
      `${name.padEnd(22)} ${rate.toFixed(1).padStart(6)} GFLOP/s ${share} of ${peak.toFixed(1)} ${micro} µs, best ${best.toFixed(1)}`,
    )
  }
}
if (flags.includes('--json')) console.log(JSON.stringify(results, null, 2))
