// Comparisons as a table: our time over theirs.
import { milliseconds, type Report } from '../report.ts'

export interface Comparison {
  readonly workload: string
  /** Einfold's among them, unless it failed. */
  readonly reports: readonly Report[]
  /** Why others did not take part, by name. */
  readonly absences: Readonly<Record<string, string>>
}

const columns = [18, 10, 12, 12, 7, 9, 7] as const

/**
 * A line for each peer: the medians, their ratio, and those of the quickest runs and of the time that processors
 * were at work, which other programs on the machine disturb less.
 */
export function tableText(comparisons: readonly Comparison[], withHead = true): string {
  const head = row(['workload', 'peer', 'einfold', 'theirs', 'ratio', 'of minima', 'of CPU'])
  return `${[...(withHead ? [head] : []), ...comparisons.flatMap(rowsOf)].join('\n')}\n`
}

function rowsOf({ workload, reports, absences }: Comparison): string[] {
  const own = reports.find(({ peer }) => peer === 'einfold')
  const ownTime = own ? milliseconds(own.stepMs.median) : '-'
  const compared = reports
    .filter(({ peer }) => peer !== 'einfold')
    .map(({ peer, stepMs, cpuMs }) => {
      const ratios = own
        ? [own.stepMs.median / stepMs.median, own.stepMs.min / stepMs.min, own.cpuMs.median / cpuMs.median]
        : []
      const texts = ratios.length > 0 ? ratios.map((ratio) => ratio.toFixed(ratio < 0.1 ? 3 : 2)) : ['-', '-', '-']
      return row([workload, peer, ownTime, milliseconds(stepMs.median), ...texts])
    })
  const missing = Object.entries(absences).map(([peer, why]) => `${row([workload, peer, ownTime, '-'])}  ${why}`)
  // Alone, it still has a time.
  const alone = own && compared.length === 0 && missing.length === 0 ? [row([workload, '', ownTime])] : []
  return [...compared, ...missing, ...alone]
}

const row = (cells: readonly string[]): string =>
  cells
    .map((cell, at) => (at < 2 ? cell.padEnd(columns[at]) : cell.padStart(columns[at])))
    .join(' ')
    .trimEnd()
