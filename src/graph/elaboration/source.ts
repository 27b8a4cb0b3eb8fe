// Where a formula's mistakes are shown: its text, and the words for tensors and places in it.
import type { Span } from '../../errors.ts'
import { FormulaError } from '../../errors.ts'
import type { Expr } from '../../expression/tree.ts'
import { print } from '../../formula/print.ts'
import type { Shape } from '../node.ts'

/** The text being elaborated; `place` is where to point when a part of the tree carries no span of its own. */
export interface Source {
  readonly text: string
  readonly place: Span
}

export function fail(source: Source, code: string, message: string, span: Span | undefined): never {
  throw new FormulaError(code, message, source.text, span ?? source.place)
}

/** An expression as the user wrote it; printed when it carries no span. */
export function written(source: Source, expr: Expr): string {
  return expr.span && expr.span.end <= source.text.length
    ? source.text.slice(expr.span.start, expr.span.end)
    : print(expr)
}

export const shapeText = (shape: Shape): string => `[${shape.join(',')}]`

/** "1 dimension", "2 dimensions". */
export const count = (n: number, noun: string, plural = `${noun}s`): string => `${n} ${n === 1 ? noun : plural}`

/** "a", "a and b", "a, b and c". */
export function list(items: readonly string[]): string {
  if (items.length < 2) return items.join('')
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}
