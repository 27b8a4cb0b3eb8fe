import { seriesColors } from './colors.ts'
import { type Axis, axisTitle, type Scale, scaleOf } from './scale.ts'
import { element, faintInk, gridColor, ink, label, type Picture, short, textWidth } from './svg.ts'

export interface Series {
  /** Left out of the legend when empty. */
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** A colour, or the place of one among the usual ones; the next one when left out. */
  readonly color?: string | number
  readonly dashed?: boolean
  /** Whether each point gets a dot. */
  readonly dots?: boolean
}

/** A range of y, such as results to reach, behind the lines; from = to is a line. */
export interface Band {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly color?: string | number
}

export interface LineChart {
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
  readonly bands?: readonly Band[]
  /** In pixels; 520 × 340 when left out. */
  readonly width?: number
  readonly height?: number
}

/** Lines over a grid, axes with their units, and a legend above. Points that are not numbers leave gaps. */
export function lineChart(chart: LineChart): Picture {
  const { title, x, y, series, bands = [], width = 520, height = 340 } = chart
  const entries = [
    ...series.map((one, at) => ({ ...one, color: colorOf(one.color, at), band: false })),
    ...bands.map((one, at) => ({ ...one, color: colorOf(one.color, 7 - at), dashed: false, band: true })),
  ]
  const legend = legendOf(
    entries.filter(({ name }) => name !== ''),
    width - 24,
  )
  const top = 36 + legend.height + 8
  const bottom = height - 46
  const ys = [
    ...series.flatMap(({ points }) => points.map(([, value]) => value)),
    ...bands.flatMap((b) => [b.from, b.to]),
  ]
  const yScale = scaleOf(y, ys, bottom, top, Math.max(3, (bottom - top) / 45))
  const left = 34 + Math.max(...yScale.ticks.map(({ text }) => textWidth(text, 11)))
  const right = width - 18
  const xs = series.flatMap(({ points }) => points.map(([value]) => value))
  const tight = {
    ...x,
    from: x.from ?? (x.scale === 'log' ? undefined : Math.min(...xs)),
    to: x.to ?? (x.scale === 'log' ? undefined : Math.max(...xs)),
  }
  const xScale = scaleOf(xs.length > 0 ? tight : x, xs, left, right, (right - left) / 70)
  const body = [
    label(title, 12, 22, { size: 14, bold: true }),
    element('g', { transform: 'translate(12 36)' }, legend.body),
    frame({ x, y, xScale, yScale, left, right, top, bottom }),
    ...bands.map((band, at) => bandBody(band, colorOf(band.color, 7 - at), { yScale, left, right })),
    ...series.map((one, at) => seriesBody(one, colorOf(one.color, at), xScale, yScale)),
  ]
  return { title, width, height, body: body.join('\n') }
}

const colorOf = (color: string | number | undefined, at: number): string =>
  typeof color === 'string' ? color : seriesColors[(color ?? at) % seriesColors.length]

function legendOf(
  entries: readonly {
    readonly name: string
    readonly color: string
    readonly dashed?: boolean
    readonly band: boolean
  }[],
  room: number,
): { readonly body: string; readonly height: number } {
  let [x, row] = [0, 0]
  const body = entries.map(({ name, color, dashed, band }) => {
    const wide = 24 + textWidth(name, 11) + 14
    if (x > 0 && x + wide > room) [x, row] = [0, row + 1]
    const y = 8 + row * 17
    const sample = band
      ? element('rect', { x, y: y - 5, width: 18, height: 8, fill: color, 'fill-opacity': 0.3 })
      : element('line', {
          x1: x,
          x2: x + 18,
          y1: y - 1,
          y2: y - 1,
          stroke: color,
          'stroke-width': 2.2,
          'stroke-dasharray': dashed ? '5 3' : undefined,
        })
    const text = label(name, x + 23, y + 3, { size: 11 })
    x += wide
    return sample + text
  })
  return { body: body.join(''), height: entries.length === 0 ? 0 : (row + 1) * 17 }
}

interface Frame {
  readonly x: Axis
  readonly y: Axis
  readonly xScale: Scale
  readonly yScale: Scale
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

function frame({ x, y, xScale, yScale, left, right, top, bottom }: Frame): string {
  const inside = (at: number, low: number, high: number): boolean => at >= low - 0.5 && at <= high + 0.5
  const horizontal = yScale.ticks.flatMap(({ value, text }) => {
    const at = yScale.place(value)
    if (!inside(at, top, bottom)) return []
    return [
      element('line', { x1: left, x2: right, y1: at, y2: at, stroke: gridColor }),
      label(text, left - 7, at + 4, { size: 11, anchor: 'end', color: faintInk }),
    ]
  })
  const vertical = xScale.ticks.flatMap(({ value, text }) => {
    const at = xScale.place(value)
    if (!inside(at, left, right)) return []
    return [
      element('line', { x1: at, x2: at, y1: bottom, y2: bottom + 4, stroke: ink }),
      label(text, at, bottom + 17, { size: 11, anchor: 'middle', color: faintInk }),
    ]
  })
  return [
    ...horizontal,
    ...vertical,
    element('line', { x1: left, x2: right, y1: bottom, y2: bottom, stroke: ink }),
    label(axisTitle(x), (left + right) / 2, bottom + 37, { anchor: 'middle' }),
    label(axisTitle(y), 15, (top + bottom) / 2, { anchor: 'middle', turn: -90 }),
  ].join('')
}

function bandBody(
  { from, to }: Band,
  color: string,
  { yScale, left, right }: { readonly yScale: Scale; readonly left: number; readonly right: number },
): string {
  const [low, high] = [yScale.place(from), yScale.place(to)].sort((a, b) => a - b)
  const height = Math.max(1.5, high - low)
  return element('rect', { x: left, y: low, width: right - left, height, fill: color, 'fill-opacity': 0.3 })
}

function seriesBody({ points, dashed, dots }: Series, color: string, xScale: Scale, yScale: Scale): string {
  let path = ''
  let drawn = false
  const marks: string[] = []
  for (const [x, y] of points) {
    const [px, py] = [xScale.place(x), yScale.place(y)]
    if (!Number.isFinite(px) || !Number.isFinite(py)) {
      drawn = false
      continue
    }
    path += `${drawn ? 'L' : 'M'}${short(px)} ${short(py)}`
    drawn = true
    if (dots) marks.push(element('circle', { cx: px, cy: py, r: 2.6, fill: color }))
  }
  const line = element('path', {
    d: path,
    fill: 'none',
    stroke: color,
    'stroke-width': 2,
    'stroke-linejoin': 'round',
    'stroke-dasharray': dashed ? '5 3' : undefined,
  })
  return line + marks.join('')
}
