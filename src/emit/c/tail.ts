// The end of a loop in lanes: where what is left does not fill a vector, the first lanes of one may do.
import type { LoopStatement, Program, Statement, Value } from '../../compiler/ir.ts'
import { strideOf } from '../../compiler/lanePattern.ts'
import { valuesOf } from '../../compiler/tidy.ts'
import { type Affine, namesIn } from '../../index/index.ts'

/** The width of which the first lanes can be loaded and stored alone. */
const masked = 16

/**
 * How many iterations a vector of the widest kind does at the end of a loop, in its first lanes; null where they are better
 * done in narrower vectors, or touch memory in other ways than side by side.
 */
export function tailLanes(loop: LoopStatement, widths: readonly number[], program: Program): number | null {
  const rest = loop.extent % masked
  // These are a narrower vector, or next to nothing.
  if (widths[0] !== masked || [0, 1, 4, 8].includes(rest)) return null
  const names = namesOf(loop.body)
  const isPlain = (buffer: string, offset: Affine, strides: readonly number[]): boolean =>
    program.buffers.get(buffer)!.dtype === 'f32' &&
    strides.includes(strideOf(offset, loop.index) ?? -1) &&
    ![...namesIn(offset)].some((name) => names.has(name))
  const fits = (value: Value): boolean => {
    if (value.kind === 'load')
      return (value.guard === null || fits(value.guard)) && isPlain(value.buffer, value.offset, [0, 1])
    return value.kind !== 'operation' || value.args.every(fits)
  }
  const allFit = (body: readonly Statement[]): boolean =>
    body.every((statement) => {
      if (!valuesOf(statement).every(fits)) return false
      if (statement.kind === 'loop') return allFit(statement.body)
      if (statement.kind === 'store') return !statement.add && isPlain(statement.buffer, statement.offset, [1])
      return statement.kind === 'let' || statement.kind === 'accumulator' || statement.kind === 'accumulate'
    })
  return allFit(loop.body) ? rest : null
}

/** The values that a body computes and uses again: offsets by them differ from lane to lane. */
function namesOf(body: readonly Statement[]): ReadonlySet<string> {
  const names = new Set<string>()
  for (const statement of body) {
    if (statement.kind === 'let' || statement.kind === 'accumulator') names.add(statement.name)
    if (statement.kind === 'loop') for (const name of namesOf(statement.body)) names.add(name)
  }
  return names
}
