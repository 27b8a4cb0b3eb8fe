// Derivatives checked against differences, in f64.
import { isFloat } from '../dtype.ts'
import { EinfoldError } from '../errors.ts'
import { dataNode } from '../graph/build.ts'
import { describeNode } from '../graph/describe.ts'
import type { Shape } from '../graph/node.ts'
import { Tensor } from '../graph/tensor.ts'
import { uniformAt } from '../random/threefry.ts'
import { separate } from './customGradient.ts'
import { grad } from './derivatives.ts'
import { adjoints } from './reverse.ts'

/** Operands by name, for a function of a record (such as a formula); or in order, for a function of several tensors. */
export type CheckedOperands = Readonly<Record<string, Tensor | number>> | readonly (Tensor | number)[]

/** The function that takes such operands. */
export type CheckedFunction<Operands extends CheckedOperands> = Operands extends readonly (Tensor | number)[]
  ? (...operands: Operands) => Tensor
  : (operands: Operands) => Tensor

export interface GradcheckOptions {
  /** The largest error allowed (1e-6). */
  readonly tolerance?: number
  /** How far elements are moved to either side, times their magnitude where that is above 1 (1e-5). */
  readonly step?: number
  /**
   * Adds uniform noise of up to this magnitude to the operands first (0: none), so that no two of them are equal and none
   * is 0: where relu, abs, max, min, clamp, floor or a comparison has a kink or a jump, differences tell nothing.
   */
  readonly jitter?: number
  /** Of operands and results with more elements than this (128), random directions are tried instead of all elements. */
  readonly maxElements?: number
  /** How many directions (8). */
  readonly directions?: number
  /** Checks the derivative of the gradient as well. */
  readonly secondOrder?: boolean
  /** Of the random directions and of the jitter (0). */
  readonly seed?: number
}

/** A derivative that was tried. */
export interface CheckedDerivative {
  readonly operand: string
  /** Its position in the operand; null for a random direction. */
  readonly element: readonly number[] | null
  /** The position in the result; null for a random combination of all its elements. */
  readonly result: readonly number[] | null
  readonly analytic: number
  readonly numeric: number
  /** |analytic - numeric|, divided by the larger of the two where that is above 1. */
  readonly error: number
  /** The slopes to the left and to the right where they differ: a kink, at which there is no derivative to compare with. */
  readonly kink: readonly [left: number, right: number] | null
}

export interface OperandReport {
  readonly operand: string
  readonly ok: boolean
  readonly maxError: number
  /** All elements against all elements of the result, or random directions. */
  readonly mode: 'jacobian' | 'directions'
  /** How many derivatives were compared. */
  readonly compared: number
  readonly worst: CheckedDerivative | null
  /** The gradient by the operand (its last step), as a formula. */
  readonly formula: string
}

export interface GradcheckReport {
  readonly ok: boolean
  readonly maxError: number
  readonly tolerance: number
  /** Of the gradient; and, under names such as `gradient by x, by w`, of its derivative. */
  readonly perOperand: Readonly<Record<string, OperandReport>>
  readonly worst: CheckedDerivative | null
  /** One line an operand. */
  toString(): string
}

/**
 * Compares the gradients of `f` by its float operands with central differences. All is computed in f64, whatever the dtype
 * of the operands; integers and numbers are passed on as they are. `f` must be a function of its operands alone: the same
 * for the same ones (random numbers of a fixed seed are).
 *
 * A mismatch is reported, not thrown. What `f` itself throws is thrown on.
 */
export async function gradcheck<const Operands extends CheckedOperands>(
  f: CheckedFunction<Operands>,
  operands: Operands,
  options: GradcheckOptions = {},
): Promise<GradcheckReport> {
  const settings = { ...defaults, ...options }
  const given = await inFloat64(operands, settings)
  const apply = (values: Given): Tensor =>
    Array.isArray(operands)
      ? (f as (...all: (Tensor | number)[]) => Tensor)(...values.values())
      : (f as (all: object) => Tensor)(Object.fromEntries(values))
  const reports = await checkAll(apply, given, settings, '')
  if (settings.secondOrder) {
    for (const [name, operand] of given) {
      if (!isChecked(operand)) continue
      reports.push(...(await checkAll(gradientOf(apply, name), given, settings, `gradient by ${name}, by `)))
    }
  }
  return reportOf(reports, settings.tolerance)
}

/** As `gradcheck`; throws EinfoldError `gradient-mismatch`, with the report, when a gradient is wrong. */
export async function assertGradients<const Operands extends CheckedOperands>(
  f: CheckedFunction<Operands>,
  operands: Operands,
  options: GradcheckOptions = {},
): Promise<void> {
  const report = await gradcheck(f, operands, options)
  if (!report.ok) throw new EinfoldError('gradient-mismatch', String(report))
}

const defaults = {
  tolerance: 1e-6,
  step: 1e-5,
  jitter: 0,
  maxElements: 128,
  directions: 8,
  secondOrder: false,
  seed: 0,
}

type Settings = typeof defaults
type Given = ReadonlyMap<string, Tensor | number>
type Apply = (operands: Given) => Tensor

const isChecked = (operand: Tensor | number): operand is Tensor =>
  typeof operand !== 'number' && isFloat(operand.dtype) && operand.size > 0

/** Streams of random numbers are told apart by their number; results are mixed by one that is far from those of operands. */
const resultStream = 1 << 20

const noise = (count: number, seed: number, stream: number, step: number): Float64Array =>
  Float64Array.from({ length: count }, (_, at) => 2 * uniformAt(seed, stream, step, at) - 1)

async function inFloat64(operands: CheckedOperands, { jitter, seed }: Settings): Promise<Given> {
  const given = new Map<string, Tensor | number>()
  for (const [name, operand] of Object.entries(operands)) {
    if (!isChecked(operand)) {
      given.set(name, operand)
      continue
    }
    const shift = noise(operand.size, seed, given.size, 0)
    const values = Float64Array.from(await operand.data(), (value, at) => value + jitter * shift[at])
    given.set(name, tensorOf(values, operand.shape))
  }
  return given
}

const tensorOf = (values: Float64Array, shape: Shape): Tensor => new Tensor(dataNode(values, shape, 'f64'))

/** The gradient of a fixed combination of the elements of a result, by one operand. */
function gradientOf(apply: Apply, name: string): Apply {
  return (operands) => {
    const own = separate(operands.get(name) as Tensor)
    return grad(combination(apply(new Map(operands).set(name, own))), own)
  }
}

function combination(result: Tensor): Tensor {
  return result.mul(tensorOf(noise(result.size, 1, resultStream, 0), result.shape)).sum()
}

async function checkAll(apply: Apply, given: Given, settings: Settings, prefix: string): Promise<OperandReport[]> {
  const reports: OperandReport[] = []
  const result = apply(given)
  for (const [name, operand] of given) {
    if (!isChecked(operand)) continue
    const small = operand.size <= settings.maxElements && result.size <= settings.maxElements
    const compared = small
      ? await compareJacobian(apply, given, name, operand, settings)
      : await compareDirections(apply, given, name, operand, settings)
    const operandName = prefix + name
    const worst = compared.reduce<CheckedDerivative | null>(
      (largest, next) => (largest && largest.error >= next.error ? largest : { ...next, operand: operandName }),
      null,
    )
    const maxError = worst?.error ?? 0
    const mode = small ? 'jacobian' : 'directions'
    const ok = maxError <= settings.tolerance
    const formula = describeNode(gradientOf(apply, name)(given).node)
    reports.push({ operand: operandName, ok, maxError, mode, compared: compared.length, worst, formula })
  }
  return reports
}

/** Every element of the operand against every element of the result. */
async function compareJacobian(
  apply: Apply,
  given: Given,
  name: string,
  operand: Tensor,
  settings: Settings,
): Promise<CheckedDerivative[]> {
  const values = (await operand.data()) as Float64Array
  const own = separate(operand)
  const result = apply(new Map(given).set(name, own))
  const rows: ArrayLike<number>[] = []
  for (let at = 0; at < result.size; at++) {
    const adjoint = tensorOf(
      Float64Array.from({ length: result.size }, (_, other) => (other === at ? 1 : 0)),
      result.shape,
    )
    const [gradient] = adjoints([[result.node, adjoint.cast(result.dtype).node]], [own.node])
    rows.push(gradient ? await new Tensor(gradient).data() : new Float64Array(operand.size))
  }
  const resultAt = (moved: Float64Array) => apply(new Map(given).set(name, tensorOf(moved, operand.shape))).data()
  const middle = await resultAt(values)
  const compared: CheckedDerivative[] = []
  for (let element = 0; element < values.length; element++) {
    const step = settings.step * Math.max(1, Math.abs(values[element]))
    const [left, right] = [
      await resultAt(values.with(element, values[element] - step)),
      await resultAt(values.with(element, values[element] + step)),
    ]
    for (let at = 0; at < result.size; at++) {
      compared.push({
        operand: name,
        element: positionOf(element, operand.shape),
        result: positionOf(at, result.shape),
        ...compare(rows[at][element], left[at], middle[at], right[at], step),
      })
    }
  }
  return compared
}

/** A random combination of the result along random directions of the operand. */
async function compareDirections(
  apply: Apply,
  given: Given,
  name: string,
  operand: Tensor,
  settings: Settings,
): Promise<CheckedDerivative[]> {
  const values = (await operand.data()) as Float64Array
  const gradient = await gradientOf(apply, name)(given).data()
  const lossAt = (moved: Float64Array): Promise<number> =>
    combination(apply(new Map(given).set(name, tensorOf(moved, operand.shape)))).item()
  const middle = await lossAt(values)
  const compared: CheckedDerivative[] = []
  for (let trial = 0; trial < settings.directions; trial++) {
    const direction = noise(values.length, settings.seed, 0, 1 + trial)
    const { step } = settings
    const along = (sign: number): Promise<number> =>
      lossAt(values.map((value, at) => value + sign * step * direction[at]))
    const analytic = direction.reduce((sum, part, at) => sum + part * gradient[at], 0)
    const [left, right] = [await along(-1), await along(1)]
    compared.push({ operand: name, element: null, result: null, ...compare(analytic, left, middle, right, step) })
  }
  return compared
}

/** One-sided slopes of a smooth function differ by about a step. */
const kinkSize = 1e-2

function compare(analytic: number, left: number, middle: number, right: number, step: number) {
  const numeric = (right - left) / (2 * step)
  const difference = Math.abs(analytic - numeric) / Math.max(1, Math.abs(analytic), Math.abs(numeric))
  const error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
  const slopes = [(middle - left) / step, (right - middle) / step] as const
  const isKink = Math.abs(slopes[1] - slopes[0]) > kinkSize * Math.max(1, Math.abs(numeric))
  return { analytic, numeric, error, kink: isKink ? slopes : null }
}

function positionOf(offset: number, shape: Shape): number[] {
  const position: number[] = []
  let rest = offset
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    position.unshift(rest % shape[axis])
    rest = Math.floor(rest / shape[axis])
  }
  return position
}

function reportOf(reports: readonly OperandReport[], tolerance: number): GradcheckReport {
  const worst = reports.reduce<OperandReport | null>(
    (largest, next) => (largest && largest.maxError >= next.maxError ? largest : next),
    null,
  )
  return {
    ok: reports.every(({ ok }) => ok),
    maxError: worst?.maxError ?? 0,
    tolerance,
    perOperand: Object.fromEntries(reports.map((report) => [report.operand, report])),
    worst: worst?.worst ?? null,
    toString: () => reports.map((report) => line(report, tolerance)).join('\n'),
  }
}

function line({ operand, ok, maxError, mode, compared, worst, formula }: OperandReport, tolerance: number): string {
  if (ok)
    return `right  by ${operand}: ${compared} ${mode === 'jacobian' ? 'derivatives' : 'directions'}, largest error ${maxError.toExponential(1)}`
  const { element, result, analytic, numeric, kink } = worst!
  const place = element
    ? `at [${element}]${result && result.length > 0 ? `, of result [${result}]` : ''}`
    : 'along a random direction'
  const hint = kink
    ? `; the slopes to the left and right, ${kink.map((slope) => slope.toPrecision(5)).join(' and ')}, show a kink: move the operand off it (jitter)`
    : ''
  return (
    `WRONG  by ${operand}, the most ${place}: ${analytic.toPrecision(8)} where differences give ${numeric.toPrecision(8)} ` +
    `(error ${maxError.toExponential(1)}, allowed ${tolerance.toExponential(1)})${hint}\n       ${formula}`
  )
}
