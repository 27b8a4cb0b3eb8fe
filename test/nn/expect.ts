// How layers are tested: values against blocks, gradients against central differences.
import assert from 'node:assert/strict'
import { grad } from '../../src/autodiff/index.ts'
import { isFloat } from '../../src/dtype.ts'
import { tensor } from '../../src/graph/index.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import '../../src/index.ts'
import type { Module } from '../../src/nn/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'
import type { Block } from './reference.ts'
import { sumOver } from './reference.ts'

let drawings = 0

/** Numbers in [-1, 1), other ones at each call. */
export function random(shape: readonly number[], dtype: 'f32' | 'f64' = 'f64'): Tensor {
  const stream = drawings++
  const size = sumOver(shape, () => 1)
  const values = Float64Array.from({ length: size }, (_, i) => 2 * uniformAt(7, stream, 0, i) - 1)
  return tensor(values, { shape, dtype })
}

/** Gives all parameters numbers of their own, so that none is at a special value such as 0. */
export function scramble(layer: Module): void {
  for (const parameter of layer.parameters()) parameter.assign(random(parameter.shape))
}

export async function expectClose(found: Tensor, expected: Block, tolerance = 1e-10): Promise<void> {
  assert.deepEqual(found.shape, expected.shape)
  const values = await found.data()
  for (let i = 0; i < values.length; i++) {
    const off = Math.abs(values[i] - expected.values[i])
    const isClose = off <= tolerance * Math.max(1, Math.abs(expected.values[i]))
    assert(isClose, `element ${i} of [${found.shape}] is ${values[i]}, not ${expected.values[i]}`)
  }
}

/**
 * Checks the gradients of an f64 layer by its parameters and by `x`: along a random direction for each, against central
 * differences of a random combination of all results. `call` computes the results, by default `layer(x)`.
 */
export async function expectGradients(
  layer: Module & ((x: Tensor) => Tensor),
  x: Tensor,
  call: (x: Tensor) => Tensor = layer,
): Promise<void> {
  const weights = random(call(x).shape)
  const loss = (input: Tensor): Tensor => call(input).mul(weights).sum()
  const step = 1e-5
  const inputs = isFloat(x.dtype) ? [x] : []
  const parameters = layer.parameters()
  const gradients = grad(loss(x), [...inputs, ...parameters])
  const names = [...inputs.map(() => 'the input'), ...layer.namedParameters().map(([name]) => name)]
  for (const [at, gradient] of gradients.entries()) {
    const direction = random(gradient.shape)
    const derived = await gradient.mul(direction).sum().item()
    const parameter = parameters[at - inputs.length]
    const start = parameter && tensor(await parameter.data(), { shape: parameter.shape, dtype: 'f64' })
    const lossAt = async (offset: number): Promise<number> => {
      if (!parameter) return loss(x.add(direction.mul(offset))).item()
      parameter.assign(start.add(direction.mul(offset)))
      const value = await loss(x).item()
      parameter.assign(start)
      return value
    }
    const measured = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step)
    const isClose = Math.abs(derived - measured) <= 1e-6 * Math.max(1, Math.abs(measured))
    assert(isClose, `${layer.name}: along the gradient by ${names[at]}: derived ${derived}, measured ${measured}`)
  }
}
