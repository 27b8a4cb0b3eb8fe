// Reductions as loops over accumulators.
import type { ReductionOperator } from '../expression/tree.ts'
import type { BoundRange, ComprehensionNode } from '../graph/node.ts'
import { type Affine, constant, subtract } from '../index/index.ts'
import { indexValue } from './blocks.ts'
import { exprValue, type Frame, flatten, type Scope, scalarType } from './elements.ts'
import { type AccumulateOperator, largest, type ScalarType, smallest, type Value } from './ir.ts'
import { cast } from './scalars.ts'

const accumulators: Readonly<Record<string, { op: AccumulateOperator; initial: number }>> = {
  sum: { op: 'sum', initial: 0 },
  prod: { op: 'prod', initial: 1 },
  max: { op: 'max', initial: Number.NEGATIVE_INFINITY },
  min: { op: 'min', initial: Number.POSITIVE_INFINITY },
  any: { op: 'any', initial: 0 },
  all: { op: 'all', initial: 1 },
}

const isWinner = (op: ReductionOperator): op is 'argmax' | 'argmin' => op === 'argmax' || op === 'argmin'

/** Runs the reductions of a group in one loop nest; their results, in order. */
export function reductionValues(
  scope: Scope,
  group: readonly ComprehensionNode[],
  outer: readonly Affine[],
): readonly Value[] {
  const { b } = scope
  const ranges = group[0].reduction!.ranges
  const unrolled = unrolledRanges(ranges)
  const slots = group.map((node) => {
    const { op } = node.reduction!
    if (!isWinner(op)) {
      const type = accumulatorType(node)
      const { initial } = accumulators[op]
      const start = type === 'i32' ? Math.max(smallest, Math.min(largest, initial)) : initial
      return { value: b.accumulator(type, start), position: null }
    }
    const type = comparedType(node)
    const worst = op === 'argmax' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
    const start = type === 'i32' ? Math.max(smallest, Math.min(largest, worst)) : worst
    return { value: b.accumulator(type, start), position: b.accumulator('i32', 0) }
  })
  const inside = (at: readonly Affine[]): void => {
    group.forEach((node, member) => {
      const { op, where } = node.reduction!
      const frame: Frame = {
        operands: node.operands,
        env: new Map([
          ...node.axes.map((axis, position) => [axis.index, outer[position]] as const),
          ...node.reduction!.ranges.map((range, position) => [range.index, at[position]] as const),
        ]),
        guard: null,
      }
      const condition = where ? cast(b, exprValue(scope, frame, where), 'bool') : null
      const value = exprValue(scope, frame, node.body)
      const slot = slots[member]
      if (isWinner(op)) {
        const starts = ranges.map((range) => constant(range.start))
        const offsets = at.map((index, position) => subtract(index, starts[position]))
        b.push({
          kind: 'accumulateWinner',
          op: op === 'argmax' ? 'max' : 'min',
          name: slot.value.name,
          positionName: slot.position!.name,
          value: cast(b, value, slot.value.type),
          position: indexValue(
            flatten(
              offsets,
              ranges.map((range) => range.extent),
            ),
          ),
          where: condition,
        })
      } else {
        const cleared = cast(b, value, slot.value.type)
        b.push({ kind: 'accumulate', name: slot.value.name, op: accumulators[op].op, value: cleared, where: condition })
      }
    })
  }
  const open = (at: readonly Affine[]): void => {
    if (at.length === ranges.length) {
      inside(at)
      return
    }
    const range = ranges[at.length]
    const { extent, start } = range
    if (unrolled.has(range)) {
      for (let step = 0; step < extent; step++) open([...at, constant(start + step)])
      return
    }
    b.loop(extent, start, at.length === ranges.length - 1 ? 'lanes' : 'serial', (index) => {
      open([...at, index])
    })
  }
  open([])
  return group.map((node, member) => cast(b, slots[member].position ?? slots[member].value, scalarType(node.dtype)))
}

/** Loops of so few rounds are written out: windows of pooling, of grids, of small filters. */
const unrolledExtent = 4
const unrolledRounds = 16

function unrolledRanges(ranges: readonly BoundRange[]): ReadonlySet<BoundRange> {
  const unrolled = new Set<BoundRange>()
  let rounds = 1
  for (const range of [...ranges].reverse()) {
    if (range.extent > unrolledExtent || rounds * range.extent > unrolledRounds) continue
    rounds *= range.extent
    unrolled.add(range)
  }
  return unrolled
}

function accumulatorType(node: ComprehensionNode): ScalarType {
  const { op } = node.reduction!
  if (op === 'any' || op === 'all') return 'bool'
  const type = scalarType(node.dtype)
  return type === 'bool' ? 'i32' : type
}

/** Winners of a comparison are compared in the widest type their operands may need. */
function comparedType(node: ComprehensionNode): ScalarType {
  let type: ScalarType = 'f32'
  for (const operand of node.operands.values()) if (operand.dtype === 'f64') type = 'f64'
  return type
}
