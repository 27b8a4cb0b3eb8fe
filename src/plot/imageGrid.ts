import { type ColorRange, type Pixels, raster } from './raster.ts'
import { element, faintInk, label, type Picture, textWidth } from './svg.ts'

export interface GridImage extends Pixels {
  /** A short line below it. */
  readonly note?: string
}

export interface ImageGrid extends Partial<ColorRange> {
  readonly title: string
  readonly columns?: readonly string[]
  readonly rows: readonly { readonly name?: string; readonly images: readonly GridImage[] }[]
  /** Pixels of the picture for one of an image: 2 when left out. */
  readonly scale?: number
}

/** Images in rows, each row with its name. Values run from 0 (black) to 1 (white) unless told otherwise. */
export function imageGrid({ title, columns, rows, scale = 2, from = 0, to = 1, colors = 'grey' }: ImageGrid): Picture {
  const gap = 6
  const left = 14 + Math.max(0, ...rows.map(({ name }) => (name ? 10 + textWidth(name, 12) : 0)))
  const body = [label(title, 12, 22, { size: 14, bold: true })]
  let y = 36
  if (columns) {
    let x = left
    for (const [at, name] of columns.entries()) {
      const wide = rows[0].images[at].width * scale
      body.push(label(name, x + wide / 2, y + 10, { size: 11, anchor: 'middle', color: faintInk }))
      x += wide + gap
    }
    y += 18
  }
  let widest = left
  for (const { name, images } of rows) {
    const high = Math.max(0, ...images.map(({ height }) => height * scale))
    if (name) body.push(label(name, left - 10, y + high / 2 + 4, { anchor: 'end' }))
    let x = left
    for (const image of images) {
      const box = { x, y, width: image.width * scale, height: image.height * scale }
      body.push(raster(image, { from, to, colors }, box), element('rect', { ...box, fill: 'none', stroke: '#d0d7de' }))
      if (image.note)
        body.push(label(image.note, x + box.width / 2, y + high + 13, { size: 10, anchor: 'middle', color: faintInk }))
      x += box.width + gap
    }
    widest = Math.max(widest, x)
    y += high + gap + (images.some(({ note }) => note) ? 14 : 0)
  }
  return { title, width: Math.max(widest + 8, 24 + textWidth(title, 14)), height: y + 8, body: body.join('\n') }
}
