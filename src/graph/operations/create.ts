// Tensors that a formula of the indices alone gives: they take no memory until something stores them.
import type { Dtype } from '../../dtype.ts'
import { ShapeError } from '../../errors.ts'
import type { Expr } from '../../expression/tree.ts'
import { binary, call, name, number } from '../../expression/tree.ts'
import { comprehension } from '../build.ts'
import type { Node, Shape } from '../node.ts'
import { axisName, checkCount, checkShape, rangesOf } from './axes.ts'

const generated = (operation: string, shape: Shape, body: Expr, dtype: Dtype): Node =>
  comprehension({ axes: rangesOf(checkShape(operation, shape)), body, operands: {}, dtype })

export const full = (shape: Shape, value: number, dtype: Dtype = 'f32'): Node =>
  generated('full', shape, number(dtype === 'bool' && value !== 0 ? 1 : value), dtype)

/**
 * start, start + step, … as far as they lie before `stop`. The dtype, when left out, is i32 if all three are whole, else f32.
 * Throws ShapeError `bad-range`.
 */
export function arange(start: number, stop: number, step = 1, dtype?: Dtype): Node {
  const count = Math.max(0, Math.ceil((stop - start) / step))
  if (step === 0 || !Number.isSafeInteger(count))
    throw new ShapeError('bad-range', `arange: no numbers lead from ${start} to ${stop} in steps of ${step}`)
  const whole = [start, stop, step].every(Number.isSafeInteger)
  return generated('arange', [count], steps(start, step), dtype ?? (whole ? 'i32' : 'f32'))
}

/** start + step * i, without the parts that do nothing. */
function steps(start: number, step: number): Expr {
  const index = name(axisName(0))
  const scaled = step === 1 ? index : binary('*', number(step), index)
  return start === 0 ? scaled : binary('+', number(start), scaled)
}

/** `count` numbers at equal distances, from `start` to `stop`, both included. */
export function linspace(start: number, stop: number, count: number, dtype: Dtype = 'f32'): Node {
  checkCount('linspace', 'the number of values', count, 0)
  if (count < 2) return generated('linspace', [count], number(start), dtype)
  const last = binary('==', name(axisName(0)), number(count - 1))
  const body = call('where', last, number(stop), steps(start, (stop - start) / (count - 1)))
  return generated('linspace', [count], body, dtype)
}

/** Ones where column = row + `diagonal`, zeros elsewhere. */
export function eye(rows: number, columns = rows, diagonal = 0, dtype: Dtype = 'f32'): Node {
  const row = name(axisName(0))
  const on = binary('==', name(axisName(1)), diagonal === 0 ? row : binary('+', row, number(diagonal)))
  return generated('eye', [rows, columns], call('where', on, number(1), number(0)), dtype)
}
