// That loop, unfold, sparse matrix and formula are one operation: how far they are apart, in f64.
import { grad, type Tensor, tensor } from '../../src/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'
import { type GridNumbers, loopGradient, outputOf, runLoop } from './forms/loop.ts'
import { type FormName, formNames, formOf } from './forms/tensors.ts'
import type { Activation } from './network.ts'

export interface Agreement {
  readonly form: FormName
  readonly activation: Activation
  /** The largest distance from the loop in plain numbers, of any output. */
  readonly output: number
  /** Of any derivative by inputs, weights and biases. */
  readonly gradient: number
}

export const agreementSize = { height: 9, layers: 6, samples: 4 } as const

/** What all forms must keep to. */
export const allowed = 1e-12

/** Each form as a grid of several layers, against the loop over units in plain numbers. */
export async function agreements(seed: number): Promise<readonly Agreement[]> {
  const { height, layers, samples } = agreementSize
  const found: Agreement[] = []
  for (const activation of ['sin', 'tanh'] as const) {
    const drawn = draw(seed, height, layers, samples)
    const wanted = byLoop(drawn, activation)
    for (const form of formNames) {
      const { outputs, gradients } = await byTensors(drawn, formOf(form, height, activation))
      found.push({
        form,
        activation,
        output: distance(outputs, wanted.outputs),
        gradient: distance(gradients, wanted.gradients),
      })
    }
  }
  return found
}

interface Drawn {
  readonly height: number
  readonly grid: GridNumbers
  readonly inputs: readonly Float64Array[]
  /** The derivative of an error by the outputs, a row a sample: it makes a number of them. */
  readonly byOutputs: readonly Float64Array[]
}

function draw(seed: number, height: number, layers: number, samples: number): Drawn {
  const rows = (stream: number, count: number): Float64Array[] =>
    Array.from({ length: count }, (_, row) =>
      Float64Array.from({ length: height }, (_, at) => 2 * uniformAt(seed, stream, row, at) - 1),
    )
  return {
    height,
    grid: { w: rows(0, layers), c: rows(1, layers) },
    inputs: rows(2, samples),
    byOutputs: rows(3, samples),
  }
}

interface Numbers {
  readonly outputs: readonly number[]
  /** By inputs, then weights, then biases. */
  readonly gradients: readonly number[]
}

function byLoop({ height, grid, inputs, byOutputs }: Drawn, activation: Activation): Numbers {
  const options = { activation, reads: 'neighbours' } as const
  const into = {
    w: grid.w.map(() => new Float64Array(height)),
    c: grid.c.map(() => new Float64Array(height)),
  }
  const runs = inputs.map((x) => runLoop(grid, x, options))
  const byInputs = runs.map((run, at) => loopGradient(grid, run, byOutputs[at], options, into))
  return { outputs: flat(runs.map(outputOf)), gradients: flat([...byInputs, ...into.w, ...into.c]) }
}

async function byTensors(
  { height, grid, inputs, byOutputs }: Drawn,
  form: (x: Tensor, w: Tensor, c: Tensor) => Tensor,
): Promise<Numbers> {
  const matrix = (rows: readonly Float64Array[]): Tensor =>
    tensor(Float64Array.from(flat(rows)), { shape: [rows.length, height] })
  const [x, error] = [matrix(inputs), matrix(byOutputs)]
  const w = grid.w.map((values) => tensor(values, { shape: [height] }))
  const c = grid.c.map((values) => tensor(values, { shape: [height] }))
  const out = w.reduce<Tensor>((signal, weight, layer) => form(signal, weight, c[layer]), x)
  const gradients = grad(out.mul(error).sum(), [x, ...w, ...c])
  const read = async (of: Tensor): Promise<number[]> => Array.from(await of.data())
  return { outputs: await read(out), gradients: (await Promise.all(gradients.map(read))).flat() }
}

const flat = (rows: readonly Float64Array[]): number[] => rows.flatMap((row) => Array.from(row))

const distance = (found: readonly number[], wanted: readonly number[]): number => {
  if (found.length !== wanted.length) return Number.POSITIVE_INFINITY
  return found.reduce((far, value, at) => Math.max(far, Math.abs(value - wanted[at])), 0)
}
