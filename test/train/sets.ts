// Small sets of images that a linear model can learn.
import type { ImageSet } from '../../src/data/index.ts'

/** `n` images of 4×4, one quarter bright; which one is the class. The others are faint and differ from image to image. */
export function quarters(n: number, name = 'quarters'): ImageSet {
  const images = new Uint8Array(n * 16)
  const labels = new Uint8Array(n)
  for (let at = 0; at < n; at++) {
    labels[at] = (at * 7) % 4
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 4; j++) {
        const quarter = 2 * Math.floor(i / 2) + Math.floor(j / 2)
        images[16 * at + 4 * i + j] = (quarter === labels[at] ? 180 : 20) + ((at * 31 + i * 13 + j * 7) % 40)
      }
  }
  return {
    name,
    images,
    labels,
    shape: [n, 1, 4, 4],
    classes: ['top left', 'top right', 'bottom left', 'bottom right'],
  }
}
