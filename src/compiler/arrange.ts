// Loops as emitters with vectors run them.
import { fuseLoops } from './fuse.ts'
import { hoistOffsets } from './hoist.ts'
import type { Statement } from './ir.ts'
import { chooseLanes } from './lanes.ts'
import { mergeLoops } from './merge.ts'
import { peelGuards } from './peel.ts'

/**
 * The same statements: axes merged that memory walks as one, loops fused that read the same, lanes chosen, guards and offsets
 * out of the way of vectors of a width.
 */
export const arrangeLoops = (body: readonly Statement[], width: number): readonly Statement[] =>
  hoistOffsets(peelGuards(chooseLanes(fuseLoops(mergeLoops(body))), width))
