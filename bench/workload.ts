// What a workload is: something to compile once and run often, on data that it makes itself.
import { type CompiledProgram, compile, grad, type Tensor } from '../src/index.ts'
import type { Layer } from '../src/nn/index.ts'
import type { Optimizer } from '../src/optim/index.ts'
import { normal, randint, uniform } from '../src/random/index.ts'

/** `full` is what is measured; `smoke` the same on a few tiny tensors, to see that it works. */
export type Size = 'full' | 'smoke'

export interface Workload {
  readonly name: string
  /** A line for the list of workloads. */
  readonly about: string
  prepare(size: Size): Prepared
}

export interface Prepared {
  /** Samples a step; null where there are none. */
  readonly batch: number | null
  /** Floating-point operations of a step's products, a multiply-add counted as two; null where they are not what counts. */
  readonly flops: number | null
  /** Runs a step. Reading the scalar that it gives waits for all of the step. */
  readonly step: () => Tensor
  readonly programs: readonly CompiledProgram[]
}

/** The same numbers at every run. Already on the device: steps measure no copying. */
export const normalData = (shape: readonly number[], stream: number): Tensor =>
  normal(shape, { seed: 1, stream }).detach()

export const uniformData = (shape: readonly number[], stream: number): Tensor =>
  uniform(shape, { seed: 1, stream }).detach()

export const classData = (count: number, classes: number, stream: number): Tensor =>
  randint(0, classes, [count], { seed: 1, stream }).detach()

/** A step of training, compiled whole: forward, backward and the update of all parameters. */
export function training(parts: {
  readonly net: Layer
  readonly loss: (prediction: Tensor, target: Tensor) => Tensor
  readonly optimizer: Optimizer
  readonly x: Tensor
  readonly y: Tensor
  readonly flops: number | null
}): Prepared {
  const { net, loss, optimizer, x, y, flops } = parts
  const parameters = net.parameters()
  const step = compile((x: Tensor, y: Tensor) => {
    const value = loss(net(x), y)
    optimizer.update(parameters, grad(value, parameters))
    return value
  })
  return { batch: x.shape[0], flops, step: () => step(x, y), programs: step.programs }
}

/**
 * Operations of a training step whose layers take so many multiply-adds a sample: one product forward, two backward, of which
 * the first layer does without the one for its input.
 */
export const trainingFlops = (batch: number, multiplyAdds: readonly number[]): number =>
  2 * batch * (3 * multiplyAdds.reduce((sum, each) => sum + each, 0) - multiplyAdds[0])
