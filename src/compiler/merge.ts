// Neighbouring axes that memory walks as one become one loop.
import { type Affine, constant, type Intervals, indexOf, intervalsOf, substituteIndices } from '../index/index.ts'
import { type LoopMode, type LoopStatement, largest, type Statement } from './ir.ts'
import { mapStatements } from './mapStatements.ts'

/**
 * The same statements, with a loop over `i` that holds nothing but a loop of n rounds over `j` made one loop wherever the two
 * occur only as `n·i + j`: rows that follow one another need no ends.
 */
export function mergeLoops(body: readonly Statement[], around: Intervals = new Map()): readonly Statement[] {
  return body.map((statement) => {
    if (statement.kind !== 'loop') return statement
    const inside = new Map([...around, ...intervalsOf([statement])])
    const loop = { ...statement, body: mergeLoops(statement.body, inside) }
    return merged(loop, around) ?? loop
  })
}

function merged(outer: LoopStatement, around: Intervals): LoopStatement | null {
  const [inner] = outer.body
  if (outer.body.length !== 1 || inner.kind !== 'loop') return null
  const mode = modeOfBoth(outer.mode, inner.mode)
  const extent = outer.extent * inner.extent
  if (!mode || extent > largest) return null
  const loop = { ...inner, start: inner.extent * outer.start + inner.start, extent, mode }
  const intervals = new Map([...around, ...intervalsOf([loop])])
  // Where both always occur together, the inner index stands for the pair.
  const pair = new Map([
    [outer.index, constant(0)],
    [inner.index, indexOf(inner.index)],
  ])
  let areTogether = true
  const change = (affine: Affine): Affine => {
    areTogether &&= occurTogether(affine, outer.index, inner)
    return areTogether ? substituteIndices(affine, pair, intervals) : affine
  }
  const body = mapStatements(inner.body, { offset: (_, at) => change(at), index: change })
  return areTogether ? { ...loop, body } : null
}

/** How both loops may run as one; null where one of them would lose what it may do. */
function modeOfBoth(outer: LoopMode, inner: LoopMode): LoopMode | null {
  if (outer === 'lanes') return null
  if (inner === 'serial') return outer
  return inner === 'lanes' ? 'lanes' : null
}

/** Whether the two indices stand in an expression only as `extent · outer + inner`, times anything. */
function occurTogether(affine: Affine, outer: string, inner: LoopStatement): boolean {
  let excess = 0
  for (const { coefficient, atom } of affine.terms) {
    if (atom.kind !== 'index') {
      if (!occurTogether(atom.of, outer, inner)) return false
    } else if (atom.name === outer) excess += coefficient
    else if (atom.name === inner.index) excess -= coefficient * inner.extent
  }
  return excess === 0
}
