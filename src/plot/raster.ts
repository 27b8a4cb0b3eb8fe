// Many small squares as one image inside the SVG.
import { encode } from 'fast-png'
import { type ColorMap, colorAt } from './colors.ts'
import { element } from './svg.ts'

/** Pixels in rows; with 3 channels each pixel is red, green and blue, one after the other. */
export interface Pixels {
  readonly values: ArrayLike<number>
  readonly width: number
  readonly height: number
  /** 1 when left out. */
  readonly channels?: 1 | 3
}

/** What the ends of the colours stand for. */
export interface ColorRange {
  readonly from: number
  readonly to: number
  readonly colors?: ColorMap
}

/** An `image` element of the size `width` × `height`, whose pixels stay squares. */
export function raster(
  pixels: Pixels,
  range: ColorRange,
  box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): string {
  const { width, height } = pixels
  // Some readers of SVG smooth what they enlarge, whatever they are told: so it comes enlarged.
  const times = Math.max(1, Math.min(Math.ceil(box.width / width), Math.floor(1024 / Math.max(width, height))))
  const data = enlarged(coloured(pixels, range), width, height, times)
  const png = encode({ width: width * times, height: height * times, data, channels: 3, depth: 8 })
  return element('image', {
    ...box,
    preserveAspectRatio: 'none',
    style: 'image-rendering: pixelated',
    href: `data:image/png;base64,${base64(png)}`,
  })
}

/** Red, green and blue of every pixel. */
function coloured(
  { values, width, height, channels = 1 }: Pixels,
  { from, to, colors = 'grey' }: ColorRange,
): Uint8Array {
  const data = new Uint8Array(width * height * 3)
  const share = (value: number): number => (value - from) / (to - from || 1)
  for (let at = 0; at < width * height; at++) {
    if (channels === 1) data.set(colorAt(colors, share(values[at])), 3 * at)
    else
      for (let c = 0; c < 3; c++)
        data[3 * at + c] = Math.round(255 * Math.min(1, Math.max(0, share(values[3 * at + c]))))
  }
  return data
}

function enlarged(data: Uint8Array, width: number, height: number, times: number): Uint8Array {
  if (times === 1) return data
  const row = 3 * width * times
  const result = new Uint8Array(row * height * times)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width * times; x++) {
      const from = 3 * (y * width + Math.floor(x / times))
      result.set(data.subarray(from, from + 3), y * times * row + 3 * x)
    }
    for (let copy = 1; copy < times; copy++)
      result.copyWithin((y * times + copy) * row, y * times * row, (y * times + 1) * row)
  }
  return result
}

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  return btoa(text)
}
