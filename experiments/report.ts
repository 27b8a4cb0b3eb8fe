// A report that opens from disk: one HTML file with all pictures inside, and the numbers beside it as JSON.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encode } from 'fast-png'
import type { ImageSet } from '../src/data/index.ts'
import type { Confusion, EpochRecord } from '../src/train/index.ts'
import { pageHead, safe } from './page.ts'
import type { Mistake } from './results.ts'

export interface Report {
  readonly title: string
  /** What was done and what came of it, in a sentence or two. */
  readonly summary: string
  /** Name and value, as they are shown. */
  readonly settings: readonly (readonly [name: string, value: string])[]
  readonly epochs: readonly EpochRecord[]
  readonly confusion: Confusion
  readonly test: ImageSet
  readonly mistakes: readonly Mistake[]
  /** Small matrices shown as pictures: weights. */
  readonly pictures: { readonly title: string; readonly matrices: readonly (readonly (readonly number[])[])[] }
}

/** Makes a folder for one run: `OUT/NAME-2026-01-31-12-00-00`. */
export async function runFolder(out: string, name: string, at = new Date()): Promise<string> {
  const time = at.toISOString().slice(0, 19).replace(/[T:]/g, '-')
  const folder = join(out, `${name}-${time}`)
  await mkdir(folder, { recursive: true })
  return folder
}

/** Writes `report.html` and `results.json`. */
export async function writeReport(folder: string, report: Report): Promise<void> {
  const { title, settings, epochs, confusion } = report
  const results = { title, settings: Object.fromEntries(settings), epochs, testAccuracy: confusion.accuracy, confusion }
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
  await writeFile(join(folder, 'report.html'), reportHtml(report))
}

export function reportHtml(report: Report): string {
  const { epochs, confusion, test, mistakes, pictures } = report
  return `${pageHead(report, css)}
<h2>Training</h2>
${epochTable(epochs)}
<h2>Classes</h2>
${classTable(confusion)}
<h2>What is taken for what</h2>
${confusionTable(confusion)}
<h2>Mistakes</h2>
<div class="tiles">${mistakes.map((mistake) => mistakeFigure(test, mistake)).join('\n')}</div>
<h2>${safe(pictures.title)}</h2>
<div class="tiles">${pictures.matrices.map(matrixSvg).join('\n')}</div>
</html>
`
}

const css = `
:root { color-scheme: light dark; --line: #8884; --ink: 46, 110, 180 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } th { text-align: left; font-weight: 600 }
th, td { padding: .15rem .7rem; border-bottom: 1px solid var(--line) } td { text-align: right; font-variant-numeric: tabular-nums }
.tiles { display: flex; flex-wrap: wrap; gap: 1rem } figure { margin: 0; width: 7rem; font-size: .8rem }
figure img { width: 7rem; image-rendering: pixelated; background: #000 } svg.matrix { width: 4rem }
`

const shareText = (share: number | null): string => (share === null ? '' : `${(100 * share).toFixed(2)}%`)

function epochTable(epochs: readonly EpochRecord[]): string {
  const rows = epochs.map(
    ({ epoch, loss, accuracy, validationLoss, validationAccuracy, learningRate, seconds }) =>
      `<tr><th>${epoch}<td>${loss.toFixed(4)}<td>${shareText(accuracy)}<td>${validationLoss?.toFixed(4) ?? ''}` +
      `<td>${shareText(validationAccuracy)}<td>${Number(learningRate.toPrecision(3))}<td>${seconds.toFixed(1)}`,
  )
  const head = ['epoch', 'loss', 'accuracy', 'validation loss', 'validation accuracy', 'learning rate', 'seconds']
  return `<table><tr>${head.map((name) => `<th>${name}`).join('')}\n${rows.join('\n')}</table>`
}

function classTable({ classes }: Confusion): string {
  const rows = classes.map(
    ({ name, precision, recall, f1, count }) =>
      `<tr><th>${safe(name)}<td>${shareText(precision)}<td>${shareText(recall)}<td>${shareText(f1)}<td>${count}`,
  )
  return `<table><tr><th>class<th>precision<th>recall<th>f1<th>images\n${rows.join('\n')}</table>`
}

/** Rows are what images are, columns what they were taken for; the darker, the more of the row. */
function confusionTable({ counts, classes }: Confusion): string {
  const head = classes.map(({ name }) => `<th>${safe(name)}`).join('')
  const rows = counts.map((row, at) => {
    const total = Math.max(1, classes[at].count)
    const cells = row.map(
      (count) => `<td style="background: rgba(var(--ink), ${(count / total).toFixed(3)})">${count || ''}`,
    )
    return `<tr><th>${safe(classes[at].name)}${cells.join('')}`
  })
  return `<table><tr><th>${head}\n${rows.join('\n')}</table>`
}

function mistakeFigure({ images, shape }: ImageSet, { row, actual, said }: Mistake): string {
  const [, channels, height, width] = shape
  const area = height * width
  const planes = images.subarray(row * channels * area, (row + 1) * channels * area)
  const data = new Uint8Array(planes.length)
  for (let at = 0; at < data.length; at++) data[at] = planes[(at % channels) * area + Math.floor(at / channels)]
  const png = encode({ width, height, data, channels: channels as 1 | 3, depth: 8 })
  const uri = `data:image/png;base64,${Buffer.from(png).toString('base64')}`
  return `<figure><img src="${uri}" alt="">${safe(actual)}, taken for ${safe(said)}</figure>`
}

/** Blue below 0, orange above, by the largest magnitude. */
function matrixSvg(matrix: readonly (readonly number[])[]): string {
  const largest = Math.max(1e-12, ...matrix.flat().map(Math.abs))
  const cells = matrix.flatMap((row, y) =>
    row.map((value, x) => {
      const colour = value < 0 ? '46,110,180' : '220,120,30'
      return `<rect x="${x}" y="${y}" width="1" height="1" fill="rgba(${colour},${Math.abs(value / largest).toFixed(2)})"/>`
    }),
  )
  return `<svg class="matrix" viewBox="0 0 ${matrix[0].length} ${matrix.length}">${cells.join('')}</svg>`
}
