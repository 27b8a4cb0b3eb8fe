// What a trained classifier does, as text.
import { asText, type ImageSet } from '../src/data/index.ts'
import type { Confusion } from '../src/train/index.ts'

export interface Mistake {
  readonly row: number
  readonly actual: string
  readonly said: string
}

/** The first `count` images that were taken for something else, one of each pair of classes before a second of any. */
export function mistakesOf({ labels, classes }: ImageSet, predictions: ArrayLike<number>, count: number): Mistake[] {
  const wrong = Array.from(predictions, (said, row) => ({ row, said, actual: labels[row] })).filter(
    ({ said, actual }) => said !== actual,
  )
  const seen = new Map<string, number>()
  const rounds = wrong.map((mistake) => {
    const pair = `${mistake.actual},${mistake.said}`
    const round = seen.get(pair) ?? 0
    seen.set(pair, round + 1)
    return { ...mistake, round }
  })
  return rounds
    .sort((a, b) => a.round - b.round || a.row - b.row)
    .slice(0, count)
    .map(({ row, said, actual }) => ({ row, actual: classes[actual], said: classes[said] }))
}

/** A table of precision and recall, a line a class. */
export function perClassText({ classes }: Confusion): string {
  const width = Math.max(5, ...classes.map(({ name }) => name.length))
  const lines = classes.map(({ name, count, precision, recall, f1 }) => {
    const shares = [precision, recall, f1].map((share) => `${(100 * share).toFixed(1)}%`.padStart(10))
    return `${name.padEnd(width)}${shares.join('')}${String(count).padStart(8)}`
  })
  return [`${'class'.padEnd(width)} precision    recall        f1  images`, ...lines].join('\n')
}

/** Pictures side by side, each under what it is and what it was taken for. */
export function mistakesAsText({ images, shape }: ImageSet, mistakes: readonly Mistake[]): string {
  const [, c, h, w] = shape
  const size = c * h * w
  const columns = mistakes.map(({ row, actual, said }) => {
    const picture = asText(images.subarray(row * size, (row + 1) * size), w, h).split('\n')
    return [`${actual},`, `taken for ${said}`, ...picture].map((line) => line.slice(0, w).padEnd(w))
  })
  const height = Math.max(0, ...columns.map((lines) => lines.length))
  return Array.from({ length: height }, (_, line) =>
    columns
      .map((lines) => lines[line] ?? ' '.repeat(w))
      .join('  ')
      .trimEnd(),
  ).join('\n')
}
