import { seriesColors } from './colors.ts'
import { type Axis, axisTitle, scaleOf } from './scale.ts'
import { element, faintInk, gridColor, ink, label, type Picture, textWidth } from './svg.ts'

export interface Bar {
  readonly name: string
  readonly value: number
  /** What stands at its end; the value in three digits when left out. */
  readonly text?: string
  /** A colour, or the place of one among the usual ones; that of its group when left out. */
  readonly color?: string | number
  /** Drawn as an outline only: for what was not measured but reckoned, or is another's. */
  readonly outlined?: boolean
}

export interface BarChart {
  readonly title: string
  readonly axis: Axis
  /** Bars under a heading each; one group may go without. */
  readonly groups: readonly { readonly name?: string; readonly bars: readonly Bar[] }[]
  /** A line below the chart: what outlines mean. */
  readonly note?: string
  readonly width?: number
}

/** Bars from left to right, a line each, with their names before and their values after them. */
export function barChart({ title, axis, groups, note, width = 640 }: BarChart): Picture {
  const bars = groups.flatMap((group) => group.bars)
  const left = 20 + Math.max(...bars.map(({ name }) => textWidth(name, 12)))
  const right = width - 24 - Math.max(...bars.map((bar) => textWidth(textOf(bar), 11)))
  const isLog = axis.scale === 'log'
  const ends = { ...axis, from: axis.from ?? (isLog ? undefined : Math.min(0, ...bars.map(({ value }) => value))) }
  const scale = scaleOf(
    ends,
    bars.map(({ value }) => value),
    left,
    right,
    (right - left) / 80,
  )
  const body = [label(title, 12, 22, { size: 14, bold: true })]
  const top = 36
  let y = top
  const rows: string[] = []
  for (const [number, { name, bars: own }] of groups.entries()) {
    if (name !== undefined) {
      rows.push(label(name, 12, y + 16, { bold: true, color: faintInk }))
      y += 22
    }
    for (const bar of own) {
      rows.push(barBody(bar, number, { y, left, start: isLog ? left : scale.place(0), end: scale.place(bar.value) }))
      y += 24
    }
    y += 6
  }
  const grid = scale.ticks.flatMap(({ value, text }) => {
    const at = scale.place(value)
    return [
      element('line', { x1: at, x2: at, y1: top, y2: y, stroke: gridColor }),
      label(text, at, y + 15, { size: 11, anchor: 'middle', color: faintInk }),
    ]
  })
  body.push(...grid, ...rows, element('line', { x1: left, x2: right, y1: y, y2: y, stroke: ink }))
  body.push(label(axisTitle(axis), (left + right) / 2, y + 34, { anchor: 'middle' }))
  if (note) body.push(label(note, 12, y + 56, { size: 11, color: faintInk }))
  return { title, width, height: y + (note ? 68 : 46), body: body.join('\n') }
}

const textOf = ({ text, value }: Bar): string =>
  text ?? Number(value.toPrecision(3)).toLocaleString('en', { maximumSignificantDigits: 3 })

function barBody(
  bar: Bar,
  group: number,
  { y, left, start, end }: { readonly y: number; readonly left: number; readonly start: number; readonly end: number },
): string {
  const { name, outlined } = bar
  const color = typeof bar.color === 'string' ? bar.color : seriesColors[(bar.color ?? group) % seriesColors.length]
  const box = { x: Math.min(start, end), y: y + 4, width: Math.max(1, Math.abs(end - start)), height: 16 }
  return [
    label(name, left - 8, y + 16, { anchor: 'end' }),
    outlined
      ? element('rect', { ...box, fill: color, 'fill-opacity': 0.12, stroke: color, 'stroke-dasharray': '4 2' })
      : element('rect', { ...box, fill: color }),
    label(textOf(bar), Math.max(start, end) + 6, y + 16, { size: 11, color: faintInk }),
  ].join('')
}
