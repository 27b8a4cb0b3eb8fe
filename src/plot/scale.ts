// From numbers to places along an axis, and which of them are marked.

export interface Axis {
  readonly label: string
  /** What the numbers are counted in: shown after the label. */
  readonly unit?: string
  /** Linear when left out. A logarithmic axis leaves out what is not above 0. */
  readonly scale?: 'linear' | 'log'
  /** The ends, where they shall not follow from the data. */
  readonly from?: number
  readonly to?: number
}

export interface Scale {
  /** The place of a value, in pixels. */
  place(value: number): number
  readonly ticks: readonly Tick[]
}

export interface Tick {
  readonly value: number
  readonly text: string
}

export const axisTitle = ({ label, unit }: Axis): string => (unit ? `${label} (${unit})` : label)

/** A scale that shows all `values` between the places `start` and `end`, with about `wanted` ticks. */
export function scaleOf(axis: Axis, values: Iterable<number>, start: number, end: number, wanted = 6): Scale {
  const isLog = axis.scale === 'log'
  const shown = [...values].filter((value) => Number.isFinite(value) && (!isLog || value > 0))
  let low = axis.from ?? minOf(shown, isLog ? 0.1 : 0)
  let high = axis.to ?? maxOf(shown, 1)
  if (low === high) [low, high] = isLog ? [low / 2, high * 2] : [low - 0.5, high + 0.5]
  if (isLog) return logScale(low, high, start, end)
  const step = niceStep((high - low) / wanted)
  if (axis.from === undefined) low = Math.floor(low / step + 1e-9) * step
  if (axis.to === undefined) high = Math.ceil(high / step - 1e-9) * step
  const ticks: Tick[] = []
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at++)
    ticks.push({ value: at * step, text: tickText(at * step, step) })
  return { place: (value) => start + ((value - low) / (high - low)) * (end - start), ticks }
}

const minOf = (values: readonly number[], none: number): number =>
  values.length === 0 ? none : values.reduce((a, b) => Math.min(a, b))
const maxOf = (values: readonly number[], none: number): number =>
  values.length === 0 ? none : values.reduce((a, b) => Math.max(a, b))

/** The smallest of 1, 2, 5 times a power of ten that is not below `least`. */
export function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  const factor = [1, 2, 5, 10].find((one) => one * power >= least * (1 - 1e-9)) ?? 10
  return factor * power
}

/** A number with as many digits as its neighbours at distance `step` need. */
export function tickText(value: number, step: number): string {
  if (Math.abs(value) < step * 1e-6) return '0'
  if (Math.abs(value) >= 1e6 || step < 1e-5) return powerText(value)
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function powerText(value: number): string {
  const [digits, exponent] = value.toExponential(1).split('e')
  return `${digits.replace(/\.0$/, '')}e${Number(exponent)}`
}

function logScale(low: number, high: number, start: number, end: number): Scale {
  const [from, to] = [Math.floor(Math.log10(low) + 1e-9), Math.ceil(Math.log10(high) - 1e-9)]
  const ticks: Tick[] = []
  const stride = Math.ceil((to - from) / 9)
  for (let power = from; power <= to; power += stride) ticks.push({ value: 10 ** power, text: decadeText(power) })
  const place = (value: number): number => start + ((Math.log10(value) - from) / Math.max(1, to - from)) * (end - start)
  return { place, ticks }
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹'

function decadeText(power: number): string {
  if (power >= -3 && power <= 4) return (10 ** power).toLocaleString('en', { maximumFractionDigits: 3 })
  const digits = [...String(Math.abs(power))].map((digit) => superscripts[Number(digit)]).join('')
  return `10${power < 0 ? '⁻' : ''}${digits}`
}
