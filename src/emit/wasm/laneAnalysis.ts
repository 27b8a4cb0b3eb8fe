// What differs between the lanes of a vectorised loop, and how.
import type { LoopStatement, Statement, Value } from '../../compiler/ir.ts'
import { lanePattern } from '../../compiler/lanePattern.ts'
import { valuesOf } from '../../compiler/tidy.ts'
import type { Affine } from '../../index/index.ts'
import { namesIn } from '../../index/index.ts'
import { type Lanes, width } from './kernelState.ts'

type Strides = ReadonlyMap<string, number | null>

/** By how much each name bound inside a lanes loop grows from lane to lane; null where that is not a constant. */
export function laneStrides(loop: LoopStatement): Strides {
  const strides = new Map<string, number | null>([[loop.index, 1]])
  let changed = true
  const note = (name: string, stride: number | null): void => {
    if (strides.get(name) === stride && strides.has(name)) return
    strides.set(name, stride)
    changed = true
  }
  const visit = (body: readonly Statement[]): void => {
    for (const statement of body) {
      switch (statement.kind) {
        case 'loop':
          visit(statement.body)
          break
        case 'let': {
          const { value } = statement
          const plain = value.kind === 'index' ? strideOf(value.of, strides) : differs(value, strides) ? null : 0
          note(statement.name, plain)
          break
        }
        case 'accumulator':
          if (!strides.has(statement.name)) note(statement.name, 0)
          break
        case 'accumulate':
        case 'accumulateWinner': {
          if (!valuesOf(statement).some((value) => differs(value, strides))) break
          // Those from outside the loop are none of its names.
          if (strides.has(statement.name)) note(statement.name, null)
          if (statement.kind === 'accumulateWinner' && strides.has(statement.positionName)) {
            note(statement.positionName, null)
          }
          break
        }
      }
    }
  }
  while (changed) {
    changed = false
    visit(loop.body)
  }
  return strides
}

/** By how much an index expression grows from lane to lane; null where that is not a constant. */
export function strideOf(affine: Affine, strides: Strides): number | null {
  let sum = 0
  for (const { coefficient, atom } of affine.terms) {
    if (atom.kind === 'index') {
      const stride = strides.get(atom.name) ?? (strides.has(atom.name) ? null : 0)
      if (stride === null) return null
      sum += coefficient * stride
    } else {
      for (const name of namesIn(atom.of)) if (strides.has(name) && strides.get(name) !== 0) return null
    }
  }
  return sum
}

/** What the lanes of one copy add to the value of lane 0 of the first copy, where that is the same in every turn; else null. */
export function patternOf(affine: Affine, lanes: Lanes, copy: number): readonly number[] | null {
  for (const name of namesIn(affine)) {
    if (name !== lanes.index && lanes.strides.has(name) && lanes.strides.get(name) !== 0) return null
  }
  const { index, start, copies } = lanes
  const pattern = lanePattern(affine, { index, start, width: copies * width })
  return pattern?.slice(copy * width, (copy + 1) * width) ?? null
}

/** Whether the value may differ between lanes. */
export function differs(value: Value, strides: Strides): boolean {
  switch (value.kind) {
    case 'constant':
      return false
    case 'variable':
      return strides.has(value.name) && strides.get(value.name) !== 0
    case 'index':
      return strideOf(value.of, strides) !== 0
    case 'load':
      return strideOf(value.offset, strides) !== 0 || (value.guard !== null && differs(value.guard, strides))
    case 'operation':
      return value.args.some((arg) => differs(arg, strides))
  }
}

export const isUniform = (value: Value, lanes: Lanes): boolean => !differs(value, lanes.strides)

/** Doubles have no vectors here: a loop that computes with them runs one iteration after another. */
export function hasDoubles(body: readonly Statement[], isDouble: (buffer: string) => boolean): boolean {
  const inValue = (value: Value): boolean => {
    if (value.type === 'f64') return true
    if (value.kind === 'load') return isDouble(value.buffer) || (value.guard !== null && inValue(value.guard))
    return value.kind === 'operation' && value.args.some(inValue)
  }
  return body.some((statement) => {
    if (statement.kind === 'loop') return hasDoubles(statement.body, isDouble)
    if (statement.kind === 'accumulator') return statement.type === 'f64'
    if (statement.kind === 'store' && isDouble(statement.buffer)) return true
    return valuesOf(statement).some(inValue)
  })
}
