// A benchmark that another process paces: it says when it is ready, then makes one timed run for every line it is sent, so
// that runs of several processes can take turns. `end` asks for the whole report.
import { createInterface } from 'node:readline'
import { type Measured, type Run, spread } from './measure.ts'

/** Writes a line of JSON for every line read: first "ready", then the time of each run, at the end what `report` gives. */
export async function serve(run: Run, report: (measured: Measured) => unknown): Promise<void> {
  const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
  const times: number[] = []
  const cpuTimes: number[] = []
  let loss = Number.NaN
  say({ ready: true })
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'end') {
      say(report({ stepMs: spread(times), cpuMs: spread(cpuTimes), runs: times.length, loss }))
      return
    }
    // Others had the caches since the last run.
    const first = await run()
    const timed = first.stepMs > unnoticedMs ? first : await run()
    loss = timed.loss
    times.push(timed.stepMs)
    cpuTimes.push(timed.cpuMs)
    say({ stepMs: timed.stepMs })
  }
}

/** Steps this long do not feel cold caches. */
const unnoticedMs = 100
