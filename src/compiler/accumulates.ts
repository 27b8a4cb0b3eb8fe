// What a loop leaves behind besides what it stores.
import type { LoopStatement, Statement } from './ir.ts'

/** Whether rounds add to accumulators that stand outside the loop: then they are not each other's equals. */
export function accumulatesOutside(loop: LoopStatement): boolean {
  const own = new Set<string>()
  const outside = (body: readonly Statement[]): boolean =>
    body.some((statement) => {
      if (statement.kind === 'accumulator') own.add(statement.name)
      if (statement.kind === 'accumulate' || statement.kind === 'accumulateWinner') return !own.has(statement.name)
      return statement.kind === 'loop' && outside(statement.body)
    })
  return outside(loop.body)
}
