// How far a unit is felt: by the loop as the draft has it, and with its indices put right.
import { uniformAt } from '../../src/random/threefry.ts'
import { runLoop } from './forms/loop.ts'
import type { Reading } from './network.ts'

/** By unit and layer (0 is the input): by how much the unit moves when one input does, 1 the most of its layer. */
export type Reach = readonly (readonly number[])[]

/** Of the unit in the middle of `height`, in a grid at rest with random weights from ½ to 1½, so that nothing cancels. */
export function reachOf(reads: Reading, height: number, layers: number, seed: number): Reach {
  const byLayer = (number: (layer: number, at: number) => number) =>
    Array.from({ length: layers }, (_, layer) => Float64Array.from({ length: height }, (_, at) => number(layer, at)))
  const grid = { w: byLayer((layer, at) => 0.5 + uniformAt(seed, 0, layer, at)), c: byLayer(() => 0) }
  const x = new Float64Array(height)
  const moved = Float64Array.from(x)
  moved[Math.floor(height / 2)] += 1e-9
  const [still, other] = [x, moved].map((input) => runLoop(grid, input, { activation: 'tanh', reads }))
  const distances = still.a.map((layer, at) =>
    layer.slice(1, -1).map((value, i) => Math.abs(value - other.a[at][i + 1])),
  )
  return Array.from({ length: height }, (_, unit) =>
    distances.map((layer) => layer[unit] / layer.reduce((a, b) => Math.max(a, b), Number.MIN_VALUE)),
  )
}

/** The least and the greatest unit that is felt behind the last layer, counted from the one that was moved. */
export function reachEnds(reach: Reach): readonly [least: number, greatest: number] {
  const middle = Math.floor(reach.length / 2)
  const felt = reach.flatMap((row, unit) => ((row.at(-1) ?? 0) > 0 ? [unit - middle] : []))
  return [Math.min(...felt), Math.max(...felt)]
}
