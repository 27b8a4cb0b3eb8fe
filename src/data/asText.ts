import { DataError } from '../errors.ts'

/** Block characters, and how bright each is in its upper and its lower half. */
const blocks: readonly (readonly [block: string, upper: number, lower: number])[] = [
  [' ', 0, 0],
  ['░', 0.25, 0.25],
  ['▒', 0.5, 0.5],
  ['▓', 0.75, 0.75],
  ['█', 1, 1],
  ['▀', 1, 0],
  ['▄', 0, 1],
]

/**
 * An image as lines of `width` block characters, one for two rows of pixels; bright pixels are ink.
 * `image` is one plane of height*width bytes, or several (colour channels), whose mean is shown.
 * Throws DataError `bad-image-size`.
 */
export function asText(image: Uint8Array, width: number, height: number): string {
  const area = width * height
  const channels = image.length / area
  if (!(Number.isInteger(channels) && channels >= 1))
    throw new DataError(
      'bad-image-size',
      `${image.length} bytes are no image of ${width} x ${height} pixels: that takes ${area} bytes a channel`,
    )
  const brightness = (x: number, y: number): number => {
    if (y >= height) return 0
    let sum = 0
    for (let at = y * width + x; at < image.length; at += area) sum += image[at]
    return sum / channels / 255
  }
  const lines: string[] = []
  for (let y = 0; y < height; y += 2) {
    let line = ''
    for (let x = 0; x < width; x++) line += nearestBlock(brightness(x, y), brightness(x, y + 1))
    lines.push(line)
  }
  return lines.join('\n')
}

function nearestBlock(upper: number, lower: number): string {
  let nearest = ' '
  let least = Number.POSITIVE_INFINITY
  for (const [block, blockUpper, blockLower] of blocks) {
    const error = (upper - blockUpper) ** 2 + (lower - blockLower) ** 2
    if (error < least) {
      least = error
      nearest = block
    }
  }
  return nearest
}
