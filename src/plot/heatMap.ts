import { type ColorMap, colorAt } from './colors.ts'
import { raster } from './raster.ts'
import { scaleOf } from './scale.ts'
import { element, faintInk, label, type Picture, textWidth } from './svg.ts'

export interface HeatMap {
  readonly title: string
  /** Rows from the top. What is not a number is grey. */
  readonly values: readonly (readonly number[])[]
  readonly x?: { readonly label?: string; readonly names?: readonly string[] }
  readonly y?: { readonly label?: string; readonly names?: readonly string[] }
  /** `sequential` when left out; `diverging` has its middle at 0 unless told otherwise. */
  readonly colors?: ColorMap
  /** What the ends of the colours stand for; the data's ends when left out. */
  readonly from?: number
  readonly to?: number
  /** What the numbers are, beside the colours. */
  readonly legend?: string
  /** Pixels a cell: as many as make the map about 320 wide when left out. */
  readonly cell?: number
  /** Whether numbers stand in the cells. */
  readonly numbers?: (value: number) => string
}

/** A matrix as colours, with a bar that says what they stand for. */
export function heatMap(map: HeatMap): Picture {
  const { title, values, x = {}, y = {}, colors = 'sequential', legend, numbers } = map
  const [rows, columns] = [values.length, values[0].length]
  const cell = map.cell ?? Math.max(1, Math.round(320 / Math.max(rows, columns)))
  const flat = values.flat()
  const { from, to } = endsOf(map, flat)
  const left = 14 + (y.label ? 20 : 0) + (y.names ? 8 + Math.max(...y.names.map((name) => textWidth(name, 11))) : 0)
  const top = 36 + (x.names ? 18 : 0)
  const [wide, high] = [columns * cell, rows * cell]
  const body = [
    label(title, 12, 22, { size: 14, bold: true }),
    raster(
      { values: flat, width: columns, height: rows },
      { from, to, colors },
      { x: left, y: top, width: wide, height: high },
    ),
    element('rect', { x: left, y: top, width: wide, height: high, fill: 'none', stroke: '#afb8c1' }),
  ]
  if (numbers)
    for (const [at, value] of flat.entries()) {
      const share = (value - from) / (to - from)
      const [red, green, blue] = colorAt(colors, share)
      const color = 0.3 * red + 0.6 * green + 0.1 * blue > 140 ? '#000' : '#fff'
      const [cx, cy] = [left + ((at % columns) + 0.5) * cell, top + (Math.floor(at / columns) + 0.5) * cell + 4]
      body.push(label(numbers(value), cx, cy, { size: 11, anchor: 'middle', color }))
    }
  x.names?.forEach((name, at) => {
    body.push(label(name, left + (at + 0.5) * cell, top - 6, { size: 11, anchor: 'middle', color: faintInk }))
  })
  y.names?.forEach((name, at) => {
    body.push(label(name, left - 6, top + (at + 0.5) * cell + 4, { size: 11, anchor: 'end', color: faintInk }))
  })
  if (x.label) body.push(label(x.label, left + wide / 2, top + high + 20, { anchor: 'middle' }))
  if (y.label) body.push(label(y.label, 16, top + high / 2, { anchor: 'middle', turn: -90 }))
  const bar = colorBar({ from, to, colors, legend }, left + wide + 16, top, Math.max(60, high))
  body.push(bar.body)
  const width = Math.max(left + wide + 16 + bar.width + 10, 24 + textWidth(title, 14))
  return { title, width, height: top + Math.max(60, high) + (x.label ? 32 : 14), body: body.join('\n') }
}

function endsOf(
  { from, to, colors }: HeatMap,
  flat: readonly number[],
): { readonly from: number; readonly to: number } {
  const known = flat.filter((value) => !Number.isNaN(value))
  const low = known.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const high = known.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  if (colors !== 'diverging') return { from: from ?? low, to: to ?? high }
  const reach = Math.max(Math.abs(low), Math.abs(high))
  return { from: from ?? -reach, to: to ?? reach }
}

function colorBar(
  {
    from,
    to,
    colors,
    legend,
  }: { readonly from: number; readonly to: number; readonly colors: ColorMap; readonly legend?: string },
  x: number,
  y: number,
  height: number,
): { readonly body: string; readonly width: number } {
  const values = Array.from({ length: 128 }, (_, at) => 1 - at / 127)
  const scale = scaleOf({ label: '', from, to }, [], y + height, y, Math.max(2, height / 50))
  const ticks = scale.ticks.map(({ value, text }) =>
    label(text, x + 18, scale.place(value) + 4, { size: 11, color: faintInk }),
  )
  const widest = Math.max(0, ...scale.ticks.map(({ text }) => textWidth(text, 11)))
  const parts = [
    raster({ values, width: 1, height: 128 }, { from: 0, to: 1, colors }, { x, y, width: 12, height }),
    ...ticks,
  ]
  if (legend) parts.push(label(legend, x + 18 + widest + 16, y + height / 2, { size: 11, anchor: 'middle', turn: -90 }))
  return { body: parts.join(''), width: 18 + widest + (legend ? 22 : 4) }
}
