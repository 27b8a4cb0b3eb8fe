// Products in a loop of which each round reads other parts of large buffers: while one round multiplies, it asks for what the
// next one reads.
import type { Panel } from '../../compiler/ir.ts'
import type { Plan } from './plan.ts'
import { sumBlock } from './tiles.ts'

/** An operand of the next round. */
export interface NextOperand {
  readonly side: 'a' | 'b'
  /** How far it lies from that of this round. */
  readonly step: number
  /** Where its lines of memory are, from its first element on. */
  readonly lines: Int32Array
}

/** Floats of a line. */
const lineFloats = 16
/** So many floats of an operand, at most (128 KiB): more would leave the cache before they are needed. */
const mostFloats = 32768

/** Lines in a row from so many on come by themselves, once the first are asked for. */
const longRun = 8

/**
 * Which operands the next round of the loop over `index` reads elsewhere in buffers that are far, in short pieces: those of which
 * the tiles of a round, with a line a step, ask for all.
 */
export function nextRound(plan: Plan, index: string, isFar: (buffer: string) => boolean): readonly NextOperand[] {
  const { m, n, k, tile, width } = plan
  if (plan.bf16 !== null || plan.dots !== null || k > sumBlock) return []
  // The first tiles of rows may pack.
  let calls = (Math.ceil(m / tile.rows) - 1) * Math.ceil(n / (tile.vectors * width))
  const next: NextOperand[] = []
  for (const side of ['b', 'a'] as const) {
    const panel = plan[side]
    const step = stepAlong(panel, index)
    if (step === 0 || panel.packed !== null || !isFar(panel.buffer)) continue
    const lines = linesOfPieces(panel)
    const taken = Math.ceil(lines.length / k)
    if (lines.length === 0 || taken > calls) continue
    calls -= taken
    // The last tile asks for the last line again where there are no more.
    next.push({
      side,
      step,
      lines: Int32Array.from({ length: taken * k }, (_, at) => lines[at] ?? lines[lines.length - 1]),
    })
  }
  return next
}

function stepAlong({ base }: Panel, index: string): number {
  const term = base.terms.find(({ atom }) => atom.kind === 'index' && atom.name === index)
  return term?.coefficient ?? 0
}

/** The first float of each line of an operand, as if its buffer began with one; none where these come by themselves. */
function linesOfPieces({ rows, columns }: Panel): readonly number[] {
  if (rows.length * columns.length > mostFloats) return []
  const lines = new Set<number>()
  for (const row of rows) for (const column of columns) lines.add(Math.floor((row + column) / lineFloats))
  const sorted = [...lines].sort((a, b) => a - b)
  const runs = sorted.filter((line, at) => at === 0 || line - sorted[at - 1] > 1).length
  return sorted.length < longRun * runs ? sorted.map((line) => line * lineFloats) : []
}

/** Whether an operand lies in short pieces all over its buffer. */
export const isInPieces = (panel: Panel): boolean => linesOfPieces(panel).length > 0
