// The data set that needs no file and no network: ten classes of glyphs, drawn on the spot.
//
// Image i is a function of (seed, stream, i) alone, by way of a counter-based generator, so it is the same however many
// are drawn. Only + - * / and square root reach the pixels, which IEEE 754 rounds the same way everywhere: the bytes
// are equal on every machine. (Math.sin and friends are left out on purpose: engines differ in their last bit.)
import { DataError } from '../errors.ts'
import { threefryInto } from '../random/threefry.ts'
import { type ImageSet, imageSet, type Split } from './dataset.ts'
import { glyphShapes, type Stroke } from './glyphShapes.ts'

/** The ten classes, in label order. */
export const glyphClasses: readonly string[] = Object.keys(glyphShapes)

const SIZE = 28
const STRETCH = SIZE / 2 - 4

/**
 * How far the drawing strays. Set so that a linear model gets 84 to 89% of the test set right and a small convolution
 * net over 97%: glyphs move and change about as a whole, which templates cannot follow, more than they are damaged.
 */
const difficulty = {
  /** tan of half the largest rotation: about 13 degrees either way. */
  rotation: 0.115,
  shear: 0.12,
  scale: [0.84, 0.96],
  /** Pixels either way. */
  translation: 4.7,
  /** Of each control point, in units of half the glyph. */
  jitter: 0.05,
  /** Half the width of the pen, in pixels. */
  radius: [0.7, 1.5],
  ink: [180, 255],
  clutterStrokes: 1,
  /** Chance that a rectangle of the image is wiped out, and its largest side in pixels. */
  occlusion: 0.15,
  occlusionSide: 6,
  /** Standard deviation of the pixel noise, in grey levels. */
  noise: [2, 10],
} as const

/** A first word for the generator's stream, so that no other use of the same seed draws the same numbers. */
const STREAM = 0x676c7970

/**
 * `count` glyphs of 28×28, one channel, ink bright on dark; image i shows class i % 10.
 * `stream` 0 and 1 are the training and the test set of `glyphs`; any other whole number gives yet other images.
 */
export function drawGlyphs(count: number, options: { seed?: number; stream?: number; name?: string } = {}): ImageSet {
  const { seed = 0, stream = 0, name = 'glyphs' } = options
  if (!Number.isSafeInteger(count) || count < 0)
    throw new DataError('bad-count', `glyphs come in whole numbers, 0 or more, not ${count}`)
  const images = new Uint8Array(count * SIZE * SIZE)
  const labels = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    labels[i] = i % glyphClasses.length
    drawInto(images.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE), labels[i], randomStream(seed, stream, i))
  }
  return imageSet({ name, images, labels, shape: [count, 1, SIZE, SIZE], classes: glyphClasses })
}

/** The glyphs as a training and a test set (12,000 and 2,000 unless told otherwise), of different random streams. */
export function glyphs(options: { train?: number; test?: number; seed?: number } = {}): Split {
  const { train = 12_000, test = 2_000, seed = 0 } = options
  return {
    train: drawGlyphs(train, { seed, stream: 0, name: 'glyphs train' }),
    test: drawGlyphs(test, { seed, stream: 1, name: 'glyphs test' }),
  }
}

interface RandomStream {
  /** The next number, in [low, high). */
  between(low: number, high: number): number
  /** The next 32 random bits. */
  word(): number
}

/** Random numbers for one image, each drawn once and in order. */
function randomStream(seed: number, stream: number, image: number): RandomStream {
  const words = new Uint32Array(2)
  let drawn = 0
  const word = (): number => {
    const half = drawn & 1
    if (half === 0) threefryInto(words, seed, STREAM + stream, image, drawn >>> 1)
    drawn++
    return words[half]
  }
  return { word, between: (low, high) => low + (high - low) * ((word() >>> 8) * 2 ** -24) }
}

function drawInto(pixels: Uint8Array, label: number, random: RandomStream): void {
  const ink = new Float64Array(SIZE * SIZE)
  const warp = randomWarp(random)
  const radius = random.between(...difficulty.radius)
  const level = random.between(...difficulty.ink)
  for (const stroke of glyphShapes[glyphClasses[label]]) drawStroke(ink, jittered(stroke, random), warp, radius, level)
  occlude(ink, random)
  clutter(ink, random)
  addNoise(pixels, ink, random)
}

/** x' = a*x + b*y + e, y' = c*x + d*y + f, from glyph coordinates to pixels. */
type Warp = readonly [a: number, b: number, c: number, d: number, e: number, f: number]

function randomWarp(random: RandomStream): Warp {
  // With t = tan(angle / 2), cosine and sine are rational in t.
  const t = random.between(-difficulty.rotation, difficulty.rotation)
  const cos = (1 - t * t) / (1 + t * t)
  const sin = (2 * t) / (1 + t * t)
  const shear = random.between(-difficulty.shear, difficulty.shear)
  const width = STRETCH * random.between(...difficulty.scale)
  const height = STRETCH * random.between(...difficulty.scale)
  const centre = (SIZE - 1) / 2
  const shift = (): number => centre + random.between(-difficulty.translation, difficulty.translation)
  return [cos * width, (cos * shear - sin) * height, sin * width, (sin * shear + cos) * height, shift(), shift()]
}

const jittered = (stroke: Stroke, random: RandomStream): Stroke => {
  const stray = (): number => random.between(-difficulty.jitter, difficulty.jitter)
  return { ...stroke, points: stroke.points.map(([x, y]) => [x + stray(), y + stray()] as const) }
}

function drawStroke(ink: Float64Array, stroke: Stroke, warp: Warp, radius: number, level: number): void {
  const [a, b, c, d, e, f] = warp
  const points = stroke.points.map(([x, y]): [number, number] => [a * x + b * y + e, c * x + d * y + f])
  if (stroke.closed) points.push(points[0])
  if (!stroke.curved) {
    for (let i = 1; i < points.length; i++) drawSegment(ink, ...points[i - 1], ...points[i], radius, level)
    return
  }
  // A Catmull-Rom spline: through every point, its tangent there parallel to the line between the neighbours.
  const last = points.length - 1
  const before = (i: number): [number, number] => points[i > 0 ? i - 1 : stroke.closed ? last - 1 : 0]
  const after = (i: number): [number, number] => points[i < last ? i + 1 : stroke.closed ? 1 : last]
  for (let i = 0; i < last; i++) drawSpan(ink, before(i), points[i], points[i + 1], after(i + 1), radius, level)
}

type Point = readonly [number, number]

const SPAN_SEGMENTS = 5

function drawSpan(ink: Float64Array, p: Point, q: Point, r: Point, s: Point, radius: number, level: number): void {
  let [fromX, fromY] = q
  for (let i = 1; i <= SPAN_SEGMENTS; i++) {
    const t = i / SPAN_SEGMENTS
    const x = catmullRom(p[0], q[0], r[0], s[0], t)
    const y = catmullRom(p[1], q[1], r[1], s[1], t)
    drawSegment(ink, fromX, fromY, x, y, radius, level)
    fromX = x
    fromY = y
  }
}

const catmullRom = (p: number, q: number, r: number, s: number, t: number): number =>
  q + 0.5 * t * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p)))

/** Inks every pixel by how far its centre lies within the pen: a soft edge one pixel wide. */
function drawSegment(
  ink: Float64Array,
  fromX: number,
  fromY: number,
  toX: number,
  toY: number,
  radius: number,
  level: number,
): void {
  const reach = radius + 0.5
  const left = Math.max(0, Math.ceil(Math.min(fromX, toX) - reach))
  const right = Math.min(SIZE - 1, Math.floor(Math.max(fromX, toX) + reach))
  const top = Math.max(0, Math.ceil(Math.min(fromY, toY) - reach))
  const bottom = Math.min(SIZE - 1, Math.floor(Math.max(fromY, toY) + reach))
  const alongX = toX - fromX
  const alongY = toY - fromY
  const perLength = 1 / Math.max(1e-12, alongX * alongX + alongY * alongY)
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const t = ((x - fromX) * alongX + (y - fromY) * alongY) * perLength
      const nearest = Math.max(0, Math.min(1, t))
      const awayX = x - fromX - nearest * alongX
      const awayY = y - fromY - nearest * alongY
      const squared = awayX * awayX + awayY * awayY
      if (squared >= reach * reach) continue
      const shade = level * Math.min(1, reach - Math.sqrt(squared))
      const at = y * SIZE + x
      if (shade > ink[at]) ink[at] = shade
    }
  }
}

function occlude(ink: Float64Array, random: RandomStream): void {
  const wiped = random.between(0, 1) < difficulty.occlusion
  const width = Math.floor(random.between(3, difficulty.occlusionSide + 1))
  const height = Math.floor(random.between(3, difficulty.occlusionSide + 1))
  const left = Math.floor(random.between(0, SIZE - width + 1))
  const top = Math.floor(random.between(0, SIZE - height + 1))
  if (!wiped) return
  for (let y = top; y < top + height; y++) ink.fill(0, y * SIZE + left, y * SIZE + left + width)
}

/** Short straight strokes that belong to no glyph. */
function clutter(ink: Float64Array, random: RandomStream): void {
  const strokes = Math.floor(random.between(0, difficulty.clutterStrokes + 1))
  for (let i = 0; i < strokes; i++) {
    const x = random.between(0, SIZE)
    const y = random.between(0, SIZE)
    const toX = x + random.between(-6, 6)
    const toY = y + random.between(-6, 6)
    drawSegment(ink, x, y, toX, toY, random.between(0.5, 1.1), random.between(...difficulty.ink))
  }
}

/** Noise close to normal: a sum of four uniform bytes, of variance (256² - 1) / 3. */
function addNoise(pixels: Uint8Array, ink: Float64Array, random: RandomStream): void {
  const scale = random.between(...difficulty.noise) / Math.sqrt((256 * 256 - 1) / 3)
  for (let i = 0; i < pixels.length; i++) {
    const word = random.word()
    const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24)
    const value = ink[i] + (sum - 510) * scale
    pixels[i] = value <= 0 ? 0 : value >= 255 ? 255 : Math.floor(value + 0.5)
  }
}
