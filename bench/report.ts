// What a benchmark says: one line of JSON, the same for Einfold and for those it is compared with.
import type { Precision } from '../src/index.ts'
import type { Measured } from './measure.ts'

export interface Report extends Measured {
  /** Whose figures these are. */
  readonly peer: string
  readonly workload: string
  readonly device: string
  readonly threads: number
  /** What products are computed in, by its name; absent for others. */
  readonly precision?: Precision
  /** Samples a step; null where there are none. */
  readonly batch: number | null
  /** Milliseconds of tracing, compiling and loading; null where that is not told apart. */
  readonly compileMs: number | null
  readonly peakRssMb: number
  /** Of a step's matrix products and convolutions; null where they are not what counts. */
  readonly gflops: number | null
  /** Memory for what a step computes on the way, and what it would be if nothing shared a place; absent for others. */
  readonly arenaMb?: number
  readonly unsharedMb?: number
}

export const peakRssMb = (): number => process.resourceUsage().maxRSS / 1024

export const gflopsOf = (flops: number | null, stepMs: number): number | null =>
  flops === null ? null : flops / stepMs / 1e6

/** For people. */
export function reportText(report: Report): string {
  const { stepMs, runs, gflops, compileMs, arenaMb, unsharedMb } = report
  const threads = report.threads === 1 ? '1 thread' : `${report.threads} threads`
  const isLess = report.precision !== undefined && report.precision !== 'highest'
  const parts = [
    `${report.workload} on ${report.device}, ${threads}${isLess ? `, ${report.precision}` : ''}: ${milliseconds(stepMs.median)} a step ` +
      `(${milliseconds(stepMs.min)} to ${milliseconds(stepMs.max)}, ${runs} runs)`,
  ]
  if (gflops !== null) parts.push(`${gflops.toFixed(1)} GFLOP/s`)
  if (compileMs !== null) parts.push(`compiled in ${milliseconds(compileMs)}`)
  parts.push(`peak ${report.peakRssMb.toFixed(0)} MB`)
  if (arenaMb !== undefined && unsharedMb !== undefined)
    parts.push(`arena ${arenaMb.toFixed(1)} MB (${unsharedMb.toFixed(1)} without reuse)`)
  return parts.join(', ')
}

export const milliseconds = (ms: number): string => `${ms < 10 ? ms.toPrecision(3) : ms.toFixed(1)} ms`
