// How much a program does, roughly.
import type { Program, Statement } from './ir.ts'

/** Statements run, products of contractions counted in full. */
export const workOf = (program: Program): number =>
  program.kernels.reduce((sum, kernel) => sum + blockWork(kernel.body), 0)

export function blockWork(body: readonly Statement[]): number {
  return body.reduce((sum, statement) => {
    if (statement.kind === 'loop') return sum + statement.extent * blockWork(statement.body)
    if (statement.kind === 'contraction') return sum + statement.m * statement.n * statement.k
    return sum + 1
  }, 0)
}
