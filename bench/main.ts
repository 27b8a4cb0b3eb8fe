// One workload, measured: npm run -s bench -- WORKLOAD [--device NAME] [--threads N] [--precision P] [--json]
import { parseArgs } from 'node:util'
import * as einfold from '../src/index.ts'
import { type Measured, measure, type Run, timed, warmUp } from './measure.ts'
import { profile, profileText } from './profile.ts'
import { gflopsOf, peakRssMb, type Report, reportText } from './report.ts'
import { serve } from './serve.ts'
import type { Prepared, Size, Workload } from './workload.ts'
import { workloads } from './workloads/index.ts'

const help = `npm run -s bench -- WORKLOAD [--device js|wasm|native|webgpu] [--threads N] [--precision P] [--json]

  --device NAME   what computes; the best there is when left out
  --threads N     1 when left out
  --precision P   of products: highest (when left out), high or medium
  --json          one line of JSON instead of one for people
  --runs N        timed runs, 9 when left out; fewer when they take longer than 20 s in all
  --smoke         a step on tiny tensors, to see that it works
  --kernels       the time of every kernel instead, the slowest first
  --source        the code that runs instead
  --serve         a timed run for each line of standard input, for bench/peers

Workloads
${workloads.map(({ name, about }) => `  ${name.padEnd(18)} ${about}`).join('\n')}
`

/** The command line was not understood. */
class UsageError extends Error {}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = flagsOf(args)
  if (values.help || positionals.length === 0) {
    process.stdout.write(help)
    return
  }
  const workload = workloadNamed(positionals)
  const threads = wholeNumber('--threads', values.threads)
  const runs = wholeNumber('--runs', values.runs)
  const size: Size = values.smoke ? 'smoke' : 'full'
  chooseDevice(values.device)
  einfold.setThreads(threads)
  choosePrecision(values.precision)
  einfold.random.manualSeed(1)

  const prepared = workload.prepare(size)
  const report = reporter(workload, prepared, threads)
  if (values.smoke) {
    const run = oneStep(prepared)
    return print(report(await measure(run, { runs: 1, budgetMs: 0 })), values.json)
  }
  const run = await warmUp(prepared)
  if (values.source) return void process.stdout.write(prepared.programs[0].source)
  if (values.kernels) return void process.stdout.write(profileText(profile(prepared.programs[0].program)))
  if (values.serve) return serve(run, report)
  print(report(await measure(run, { runs, budgetMs: 20_000 })), values.json)
}

function flagsOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        device: { type: 'string', default: 'auto' },
        threads: { type: 'string', default: '1' },
        precision: { type: 'string', default: 'highest' },
        runs: { type: 'string', default: '9' },
        json: { type: 'boolean', default: false },
        smoke: { type: 'boolean', default: false },
        kernels: { type: 'boolean', default: false },
        source: { type: 'boolean', default: false },
        serve: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function workloadNamed(names: readonly string[]): Workload {
  if (names.length > 1) throw new UsageError(`one workload at a time, not ${names.length}`)
  const found = workloads.find(({ name }) => name === names[0])
  if (found) return found
  throw new UsageError(`there is no workload ${names[0]}; there are ${workloads.map(({ name }) => name).join(', ')}`)
}

function wholeNumber(flag: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new UsageError(`${flag} takes a whole number above 0, not ${JSON.stringify(text)}`)
}

function chooseDevice(name: string): void {
  const names = ['auto', ...einfold.devices().map((device) => device.name)] as const
  const chosen = names.find((known) => known === name)
  if (!chosen) throw new UsageError(`there is no device ${name} here; there are ${names.join(', ')}`)
  einfold.setDevice(chosen as einfold.DeviceName | 'auto')
}

function choosePrecision(name: string): void {
  const names = ['highest', 'high', 'medium'] as const
  const chosen = names.find((known) => known === name)
  if (!chosen) throw new UsageError(`there is no precision ${name}; there are ${names.join(', ')}`)
  einfold.setPrecision(chosen)
}

function reporter(workload: Workload, prepared: Prepared, threads: number) {
  return (measured: Measured): Report => {
    const [compiled] = prepared.programs
    return {
      peer: 'einfold',
      workload: workload.name,
      device: einfold.device().name,
      threads,
      precision: einfold.precision().used,
      batch: prepared.batch,
      stepMs: measured.stepMs,
      cpuMs: measured.cpuMs,
      runs: measured.runs,
      compileMs: compiled.compileMs,
      peakRssMb: peakRssMb(),
      gflops: gflopsOf(prepared.flops, measured.stepMs.median),
      loss: measured.loss,
      arenaMb: compiled.program.arenaBytes / 2 ** 20,
      unsharedMb: compiled.program.unsharedBytes / 2 ** 20,
    }
  }
}

/** No warm-up, no repetition. */
const oneStep = ({ step }: Prepared): Run => {
  return async () => {
    const { ms, cpuMs, loss } = await timed(step, 1)
    return { stepMs: ms, cpuMs, loss }
  }
}

const print = (report: Report, json: boolean): void =>
  void process.stdout.write(`${json ? JSON.stringify(report) : reportText(report)}\n`)

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof einfold.EinfoldError)) throw error
  process.stderr.write(`bench: ${error.message}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
