// How strong the signal is behind each layer of a grid, and the gradient before it.
import { compile, formula, grad, random, stack, type Tensor } from '../../src/index.ts'
import type { Activation } from './network.ts'

export interface VarianceOptions {
  readonly height: number
  readonly layers: number
  /** How often weights are drawn. */
  readonly draws: number
  readonly seed: number
}

export interface Strengths {
  readonly activation: Activation | 'none'
  readonly fanOut: 1 | 3
  /** The variance of a unit before the grid and behind each layer: its mean over draws, and the draw in the middle. */
  readonly signal: Course
  /** The variance of the derivative of an error by a unit, 1 behind the last layer. */
  readonly gradient: Course
}

export interface Course {
  readonly mean: readonly number[]
  readonly median: readonly number[]
}

/** Of the grid for Xavier's bound with fan in 3 and fan out 3 and 1, and inputs from N(0,1). */
export async function strengths(options: VarianceOptions): Promise<readonly Strengths[]> {
  const found: Strengths[] = []
  for (const activation of ['none', 'tanh', 'sin'] as const) {
    const measure = measuring(activation, options.layers)
    for (const fanOut of [3, 1] as const)
      found.push({ activation, fanOut, ...(await course(measure, fanOut, options)) })
  }
  return found
}

type Measuring = (x: Tensor, w: Tensor, error: Tensor) => { readonly signal: Tensor; readonly gradient: Tensor }

const samples = 16

/** x and the error are [samples, units], weights [layers, units]; biases are 0, as they begin. */
function measuring(activation: Activation | 'none', layers: number): Measuring {
  const sum = 'sum(-1<=q<=1) w?[p+q] * x?[b,p+q]'
  const layer = formula(`z[b,p<H] = ${activation === 'none' ? sum : `${activation}(${sum})`}`)
  const strength = (signals: readonly Tensor[]): Tensor => stack(signals.map((signal) => signal.square().mean()))
  return compile((x: Tensor, w: Tensor, error: Tensor) => {
    const signals = [x]
    for (let at = 0; at < layers; at++) signals.push(layer({ x: signals[at], w: w.slice(at), H: x.shape[1] }))
    const gradients = grad(signals[layers].mul(error).sum(), signals)
    return { signal: strength(signals), gradient: strength(gradients) }
  })
}

async function course(
  measure: Measuring,
  fanOut: number,
  { height, layers, draws, seed }: VarianceOptions,
): Promise<{ readonly signal: Course; readonly gradient: Course }> {
  const bound = Math.sqrt(6 / (3 + fanOut))
  const signals: number[][] = []
  const gradients: number[][] = []
  for (let draw = 0; draw < draws; draw++) {
    const from = (stream: number) => ({ seed: seed + 1000 * draw, stream })
    const x = random.normal([samples, height], from(0)).detach()
    const error = random.normal([samples, height], from(1)).detach()
    const w = random.uniform([layers, height], { ...from(2), low: -bound, high: bound }).detach()
    const { signal, gradient } = measure(x, w, error)
    signals.push(Array.from(await signal.data()))
    gradients.push(Array.from(await gradient.data()))
  }
  return { signal: over(signals), gradient: over(gradients) }
}

/** Rows are draws. */
function over(rows: readonly (readonly number[])[]): Course {
  const columns = rows[0].map((_, at) => rows.map((row) => row[at]))
  return {
    mean: columns.map((values) => values.reduce((a, b) => a + b, 0) / values.length),
    median: columns.map((values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]),
  }
}

/**
 * What is expected of the signal without activation for fan out 3: a unit is the sum of those that it sees, each times a
 * variance of ⅓, and outside there is nothing.
 */
export function expectedStrength({ height, layers }: Pick<VarianceOptions, 'height' | 'layers'>): readonly number[] {
  let units: readonly number[] = Array.from({ length: height }, () => 1)
  const means = [1]
  for (let layer = 0; layer < layers; layer++) {
    const before = units
    units = before.map((middle, p) => ((before[p - 1] ?? 0) + middle + (before[p + 1] ?? 0)) / 3)
    means.push(units.reduce((a, b) => a + b) / height)
  }
  return means
}
