// Drawings of one layer of five units: its sparse matrix, and the unfold that computes the same.
import { type Picture, seriesColors } from '../../src/plot/index.ts'
import { element, faintInk, label } from '../../src/plot/svg.ts'

const units = 5
const cell = 40

/** One for each unit that is read. */
const colorOf = (source: number): string => seriesColors[source % seriesColors.length]

const exists = (source: number): boolean => source >= 0 && source < units

const subscripts = '₀₁₂₃₄₅₆₇₈₉'
/** `w₁` for the first. */
const named = (letter: string, source: number): string => letter + subscripts[source + 1]

/** A square: of a unit that is read, in its colour; or empty, with a zero. */
function square(x: number, y: number, source: number, text: string): string {
  const inside = exists(source)
  const color = inside ? colorOf(source) : faintInk
  return [
    element('rect', {
      x: x + 1,
      y: y + 1,
      width: cell - 2,
      height: cell - 2,
      rx: 3,
      fill: color,
      'fill-opacity': inside ? 0.22 : 0.04,
      stroke: color,
      'stroke-opacity': inside ? 1 : 0.35,
    }),
    label(inside ? text : '0', x + cell / 2, y + cell / 2 + 5, {
      size: 14,
      anchor: 'middle',
      color: inside ? undefined : faintInk,
    }),
  ].join('')
}

const plain = (x: number, y: number, text: string): string =>
  element('rect', { x: x + 1, y: y + 1, width: cell - 2, height: cell - 2, rx: 3, fill: 'none', stroke: faintInk }) +
  label(text, x + cell / 2, y + cell / 2 + 5, { size: 14, anchor: 'middle' })

const sign = (text: string, x: number, y: number): string => label(text, x, y + 6, { size: 18, anchor: 'middle' })

const rows = Array.from({ length: units }, (_, at) => at)

/** `z = M x + c` with the draft's matrix. */
export function matrixDrawing(): Picture {
  const title = 'One layer of 5 units as a sparse matrix'
  const [left, top] = [24, 44]
  const body = [label(title, 12, 22, { size: 14, bold: true })]
  const middle = top + (units * cell) / 2
  const matrixLeft = left + cell + 34
  const inputLeft = matrixLeft + units * cell + 30
  const biasLeft = inputLeft + cell + 34
  for (const p of rows) {
    const y = top + p * cell
    body.push(plain(left, y, named('z', p)))
    for (const s of rows) body.push(square(matrixLeft + s * cell, y, Math.abs(p - s) <= 1 ? s : -1, named('w', s)))
    body.push(square(inputLeft, y, p, named('x', p)), plain(biasLeft, y, named('c', p)))
  }
  body.push(
    sign('=', left + cell + 17, middle),
    sign('·', inputLeft - 15, middle),
    sign('+', biasLeft - 17, middle),
    label(
      'A column holds one weight: it is met by three units, and its gradient is the sum',
      left,
      top + units * cell + 24,
      {
        color: faintInk,
      },
    ),
    label(
      'over the column. A row has three terms: fan in 3; a column feeds three: fan out 3.',
      left,
      top + units * cell + 42,
      {
        color: faintInk,
      },
    ),
  )
  return { title, width: 520, height: top + units * cell + 60, body: body.join('\n') }
}

/** The windows of the signal and of the weights, multiplied one by one and summed. */
export function unfoldDrawing(): Picture {
  const title = 'The same layer by unfolding'
  const gap = 60
  const [left, top] = [24, 64]
  const strip = (units + 2) * cell
  const rightLeft = left + strip + gap
  const body = [label(title, 12, 22, { size: 14, bold: true })]
  const blockTop = top + cell + 70
  for (const [letter, x0, about] of [
    ['x', left, 'the signal between two zeros'],
    ['w', rightLeft, 'the weights between two zeros'],
  ] as const) {
    body.push(label(about, x0 + strip / 2, top - 10, { anchor: 'middle', color: faintInk }))
    for (let at = 0; at < units + 2; at++) body.push(square(x0 + at * cell, top, at - 1, named(letter, at - 1)))
    for (const p of rows) {
      const x = x0 + (p + 1) * cell
      body.push(window(x, top + cell, blockTop))
      for (let k = 0; k < 3; k++) body.push(square(x, blockTop + k * cell, p + k - 1, named(letter, p + k - 1)))
    }
    const formulaText = letter === 'x' ? 'u[p,k] = x?[p+k-1]' : 'v[p,k] = w?[p+k-1]'
    body.push(label(formulaText, x0 + strip / 2, blockTop + 3 * cell + 20, { anchor: 'middle', color: faintInk }))
  }
  body.push(sign('⊙', rightLeft - gap / 2, blockTop + 1.5 * cell))
  const sumTop = blockTop + 3 * cell + 62
  const sumLeft = left + (strip + gap) / 2 + cell
  for (const p of rows) body.push(plain(sumLeft + p * cell, sumTop, named('z', p)))
  body.push(
    label('sum over k, plus c:', sumLeft - 12, sumTop + cell / 2 + 4, { anchor: 'end', color: faintInk }),
    label('z[p] = c[p] + sum(k) v[p,k] * u[p,k]', sumLeft + units * cell + 12, sumTop + cell / 2 + 4, {
      color: faintInk,
    }),
  )
  return { title, width: rightLeft + strip + 24, height: sumTop + cell + 20, body: body.join('\n') }
}

/** From three squares of a strip to the column that they become. */
function window(x: number, from: number, to: number): string {
  const shape = `M${x - cell + 4} ${from + 4} L${x + 2 * cell - 4} ${from + 4} L${x + cell - 4} ${to - 4} L${x + 4} ${to - 4} Z`
  return element('path', { d: shape, fill: faintInk, 'fill-opacity': 0.08, stroke: faintInk, 'stroke-opacity': 0.4 })
}
