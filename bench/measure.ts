// How long a step takes: warm-up, then timed runs of as many steps as make a run long enough for the clock.
import type { Prepared } from './workload.ts'

export interface Measured {
  readonly stepMs: Spread
  readonly cpuMs: Spread
  readonly runs: number
  readonly loss: number
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export interface Effort {
  /** Timed runs, fewer only when `budgetMs` is spent. */
  readonly runs: number
  readonly budgetMs: number
}

/**
 * A run of some steps; reading the last one's scalar waits for work that goes on asynchronously. `cpuMs` is what all threads
 * of the process computed a step: on a machine that others use too, it says more than the clock.
 */
export type Run = () => Promise<{ readonly stepMs: number; readonly cpuMs: number; readonly loss: number }>

/** A timed run shorter than this says more about the clock than about the step. */
const leastRunMs = 20
/** JavaScript around a short step gets quicker over thousands of calls. */
const leastWarmRuns = 3
const leastWarmMs = 500

/** Compiles and warms up. Runs of the result take at least `leastRunMs`. */
export async function warmUp({ step }: Pick<Prepared, 'step'>): Promise<Run> {
  // The first step compiles.
  await timed(step, 1)
  const began = performance.now()
  let count = 1
  for (let done = 0; done < leastWarmRuns || performance.now() - began < leastWarmMs; done++) {
    const { ms } = await timed(step, count)
    count = Math.max(1, Math.ceil((count * leastRunMs) / Math.max(ms, 0.1)))
    // Steps of many seconds are warm after the second.
    if (ms > 5000) break
  }
  return async () => {
    const { ms, cpuMs, loss } = await timed(step, count)
    return { stepMs: ms / count, cpuMs: cpuMs / count, loss }
  }
}

/** So many steps, and the scalar of the last. */
export async function timed(
  step: Prepared['step'],
  count: number,
): Promise<{ ms: number; cpuMs: number; loss: number }> {
  const cpuBefore = process.cpuUsage()
  const began = performance.now()
  for (let done = 1; done < count; done++) step()
  const loss = await step().item()
  const ms = performance.now() - began
  const { user, system } = process.cpuUsage(cpuBefore)
  return { ms, cpuMs: (user + system) / 1000, loss }
}

export async function measure(run: Run, { runs, budgetMs }: Effort): Promise<Measured> {
  const times: number[] = []
  const cpuTimes: number[] = []
  let loss = Number.NaN
  const began = performance.now()
  while (times.length < runs && (times.length === 0 || performance.now() - began < budgetMs)) {
    const timed = await run()
    times.push(timed.stepMs)
    cpuTimes.push(timed.cpuMs)
    loss = timed.loss
  }
  return { stepMs: spread(times), cpuMs: spread(cpuTimes), runs: times.length, loss }
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  return { median, min: sorted[0], max: sorted[sorted.length - 1] }
}
