// How a training is shown: a bar that moves in a terminal, a line an epoch everywhere else.
import type { EpochRecord, History } from './fit.ts'

export interface StepProgress {
  readonly epoch: number
  readonly epochs: number
  /** Of the epoch: taken, and in all. */
  readonly step: number
  readonly steps: number
  /** Means over the epoch so far. */
  readonly loss: number
  readonly accuracy: number | null
  /** Since the epoch began. */
  readonly seconds: number
}

export interface TrainingEnd {
  readonly ended: History['ended']
  readonly records: readonly EpochRecord[]
  /** The epoch whose parameters were kept, when not just the last one's. */
  readonly kept: EpochRecord | null
}

/** What is told about a training while it goes on. */
export interface TrainingLog {
  step(progress: StepProgress): void
  epoch(record: EpochRecord, epochs: number): void
  end(end: TrainingEnd): void
}

/** Where a log writes: process.stdout is one. */
export interface TextStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** A log to a stream, standard output when left out. */
export function progressLog(stream: TextStream = standardOutput()): TrainingLog {
  const shows = stream.isTTY === true
  const wipe = shows ? '\r\x1b[2K' : ''
  return {
    step(progress) {
      if (!shows) return
      const line = progressText(progress)
      stream.write(`${wipe}${line.slice(0, (stream.columns ?? 80) - 1)}`)
    },
    epoch(record, epochs) {
      stream.write(`${wipe}${epochText(record, epochs)}\n`)
    },
    end({ ended, records, kept }) {
      if (ended === 'aborted') stream.write(`${wipe}stopped after ${records.at(-1)?.steps ?? 0} steps of the epoch\n`)
      if (ended === 'diverged')
        stream.write(`${wipe}stopped: the loss is no longer a number. A smaller learning rate may mend it.\n`)
      if (kept && kept !== records.at(-1)) stream.write(`kept the parameters of epoch ${kept.epoch}\n`)
    },
  }
}

const standardOutput = (): TextStream =>
  typeof process === 'object' && process.stdout ? process.stdout : { write: (text) => console.log(text.trimEnd()) }

/** One line while an epoch goes on, with the time that is left of it. */
export function progressText({ epoch, epochs, step, steps, loss, accuracy, seconds }: StepProgress): string {
  const left = (seconds / step) * (steps - step)
  const parts = [
    `epoch ${epoch}/${epochs}`,
    `${bar(step / steps, 24)} ${step}/${steps}`,
    `loss ${loss.toFixed(4)}`,
    ...(accuracy === null ? [] : [`accuracy ${percent(accuracy)}`]),
    `${duration(left)} left`,
  ]
  return parts.join('  ')
}

/** One line for an epoch that is over. */
export function epochText(record: EpochRecord, epochs: number): string {
  const { loss, accuracy, validationLoss, validationAccuracy } = record
  const parts = [
    `epoch ${String(record.epoch).padStart(String(epochs).length)}/${epochs}`,
    `loss ${loss.toFixed(4)}`,
    ...(accuracy === null ? [] : [`accuracy ${percent(accuracy)}`]),
    ...(validationLoss === null ? [] : [`validation loss ${validationLoss.toFixed(4)}`]),
    ...(validationAccuracy === null ? [] : [`accuracy ${percent(validationAccuracy)}`]),
    duration(record.seconds),
  ]
  return parts.join('  ')
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

function bar(share: number, width: number): string {
  const filled = Math.round(share * width * 8)
  return ('█'.repeat(filled >> 3) + eighths[filled & 7]).padEnd(width, '·')
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)}%`

/** `8.4 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
