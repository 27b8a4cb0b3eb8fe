// What values of the loop IR can be, as far as it shows: it decides whether addresses can be split safely.
import type { Value } from '../../compiler/ir.ts'
import { bounds, type Interval } from '../../index/index.ts'
import type { KernelState } from './kernelState.ts'

const everything: Interval = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY }

export function intervalOf(k: KernelState, value: Value): Interval {
  if (value.type !== 'i32') return everything
  if (value.kind === 'constant') return { min: value.value, max: value.value }
  if (value.kind === 'index') return bounds(value.of, k.intervals)
  if (value.kind === 'variable') return k.intervals.get(value.name) ?? everything
  if (value.kind !== 'operation' || (value.op !== 'min' && value.op !== 'max')) return everything
  const [one, two] = value.args.map((arg) => intervalOf(k, arg))
  const chosen = value.op === 'min' ? Math.min : Math.max
  return { min: chosen(one.min, two.min), max: chosen(one.max, two.max) }
}
