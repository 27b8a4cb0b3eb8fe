// Whose the scratch of a kernel is when several threads run it.
import type { Statement } from './ir.ts'

/** Scratch that only one thread of those that run a kernel uses at a time: what is made inside a divided loop. */
export function privateScratch(body: readonly Statement[]): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (statements: readonly Statement[], depth: number): void => {
    for (const statement of statements) {
      if (statement.kind === 'loop') visit(statement.body, depth + 1)
      if (statement.kind === 'contraction' && depth > 0) found.add(statement.c.buffer)
    }
  }
  visit(body, 0)
  return found
}
