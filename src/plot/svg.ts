// Pieces of SVG, and pictures made of them.

/** A drawing with its top left corner at 0, 0; lengths are in pixels. `body` is the text of SVG elements. */
export interface Picture {
  /** What it shows, also for who cannot see it. */
  readonly title: string
  readonly width: number
  readonly height: number
  readonly body: string
}

type Attributes = Readonly<Record<string, string | number | undefined>>

/** An element; attributes that are undefined are left out, and numbers are cut to a hundredth of a pixel. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? short(value) : escaped(value as string)}"`)
    .join('')
  return children.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${children.join('')}</${name}>`
}

export const short = (value: number): string => String(Math.round(value * 100) / 100)

const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

/** How text is set: `at` is the baseline's start, middle or end. */
export interface TextStyle {
  readonly size?: number
  readonly anchor?: 'start' | 'middle' | 'end'
  readonly bold?: boolean
  readonly color?: string
  /** In degrees, around the place of the text. */
  readonly turn?: number
}

export function label(text: string, x: number, y: number, style: TextStyle = {}): string {
  const { size = 12, anchor = 'start', bold = false, color = ink, turn } = style
  return element(
    'text',
    {
      x,
      y,
      'font-size': size,
      'text-anchor': anchor === 'start' ? undefined : anchor,
      'font-weight': bold ? 600 : undefined,
      fill: color,
      transform: turn === undefined ? undefined : `rotate(${turn} ${short(x)} ${short(y)})`,
    },
    escaped(text),
  )
}

/** About how wide a text is set; titles, which are bold, are wider. Fonts differ, so leave some room. */
export const textWidth = (text: string, size = 12): number => text.length * size * (size > 12 ? 0.62 : 0.56)

export const ink = '#24292f'
export const faintInk = '#57606a'
export const gridColor = '#e4e7eb'

/** The picture as a file: white behind, so that it reads on dark pages too. */
export function toSvg({ title, width, height, body }: Picture): string {
  const [w, h] = [Math.ceil(width), Math.ceil(height)]
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${w} ${h}`,
      width: w,
      height: h,
      role: 'img',
      'font-family': 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif',
    },
    element('title', {}, escaped(title)),
    element('rect', { width: w, height: h, fill: '#fff' }),
    body,
  )}\n`
}

export const moved = (x: number, y: number, body: string): string =>
  element('g', { transform: `translate(${short(x)} ${short(y)})` }, body)
