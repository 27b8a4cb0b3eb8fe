// What the scripts of the JavaScript peers share: arguments, data, timing. They measure and report as Einfold's own benchmark does.
import { parseArgs } from 'node:util'
import { measure, warmUp } from '../measure.ts'
import { gflopsOf, peakRssMb } from '../report.ts'
import { serve } from '../serve.ts'

/** `read()` gives a step's scalar, after all of the step. */
const scalarOf = (read) => ({ item: async () => read() })

/**
 * Runs the workload that the command line names. `workloads[name]()` prepares it and gives { step, batch, flops }, or a
 * text that says why it cannot be done; `step()` runs one step and gives a function that reads its scalar.
 */
export async function participate({ peer, device, options = {}, prepare = async () => {}, workloads }) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      threads: { type: 'string', default: '1' },
      runs: { type: 'string', default: '9' },
      serve: { type: 'boolean', default: false },
      ...options,
    },
  })
  const [name] = positionals
  const threads = Number(values.threads)
  const cannot = (why) => process.stdout.write(`${JSON.stringify({ cannot: why })}\n`)
  if (!workloads[name]) return cannot('this comparison has no formulation of it')
  const refusal = await prepare({ ...values, threads })
  if (refusal) return cannot(refusal)
  const prepared = await workloads[name](name)
  if (typeof prepared === 'string') return cannot(prepared)
  const { step, batch = null, flops = null } = prepared
  const run = await warmUp({ step: () => scalarOf(step()) })
  const report = (measured) => ({
    peer,
    workload: name,
    device: typeof device === 'function' ? device(values) : device,
    threads,
    batch,
    ...measured,
    compileMs: null,
    peakRssMb: peakRssMb(),
    gflops: gflopsOf(flops, measured.stepMs.median),
  })
  if (values.serve) await serve(run, report)
  else
    process.stdout.write(
      `${JSON.stringify(report(await measure(run, { runs: Number(values.runs), budgetMs: 20_000 })))}\n`,
    )
  process.exit(0)
}

/** Seeded numbers in -limit … limit: values do not change how long a step takes, as long as they are ordinary. */
export function numbers(count, limit = 1, seed = 1) {
  const values = new Float32Array(count)
  let state = seed >>> 0
  for (let at = 0; at < count; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    values[at] = limit * (state / 2 ** 31 - 1)
  }
  return values
}

export const classes = (count, classCount) => Int32Array.from({ length: count }, (_, at) => (at * 7) % classCount)

export function oneHotRows(count, classCount) {
  const rows = new Float32Array(count * classCount)
  for (const [row, column] of classes(count, classCount).entries()) rows[row * classCount + column] = 1
  return rows
}

export const sizeOf = (shape) => shape.reduce((product, extent) => product * extent, 1)
