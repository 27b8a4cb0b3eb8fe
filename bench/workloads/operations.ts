// Single operations. Results go to parameters, so that every run writes to the same memory, as with PyTorch's `out=`.
import { compile, grad, type Parameter, type Tensor, zeros } from '../../src/index.ts'
import { conv2d, parameter } from '../../src/nn/index.ts'
import { adam } from '../../src/optim/index.ts'
import { normalData, type Prepared, type Size, type Workload } from '../workload.ts'

export const operations: readonly Workload[] = [
  ...[64, 512, 1024, 2048].map((n) => matmulOf(`matmul-${n}`, n, n, n)),
  matmulOf('matmul-skinny', 1000, 784, 16),
  {
    name: 'conv3x3',
    about: '64×64×32×32, 64 filters, padding 1; forward',
    prepare: (size) => convolution(size, false),
  },
  {
    name: 'conv3x3-backward',
    about: 'the same, forward and the gradients of input, weight and bias',
    prepare: (size) => convolution(size, true),
  },
  { name: 'tanh-chain', about: 'tanh(x·1.5 + 0.5)·2 of 10⁷ numbers', prepare: tanhChain },
  { name: 'softmax', about: '4096 rows of 1000', prepare: softmax },
  { name: 'adam', about: 'one update of 10⁷ parameters', prepare: adamUpdate },
]

function matmulOf(name: string, m: number, k: number, n: number): Workload {
  return {
    name,
    about: `${m}×${k} times ${k}×${n}`,
    prepare: (size) => {
      const [rows, inner, columns] = size === 'full' ? [m, k, n] : [5, 4, 3]
      const a = normalData([rows, inner], 0)
      const b = normalData([inner, columns], 1)
      return into([a, b], 2 * rows * inner * columns, (a, b) => [a.matmul(b)])
    },
  }
}

function convolution(size: Size, backward: boolean): Prepared {
  const [batch, channels, side] = size === 'full' ? [64, 64, 32] : [2, 3, 5]
  const layer = conv2d(channels, channels, 3, { padding: 1 })
  const shape = [batch, channels, side, side]
  const x = normalData(shape, 0)
  const flops = 2 * batch * side * side * channels * channels * 9
  if (!backward) return { ...into([x], flops, (x) => [layer(x)]), batch }
  const adjoint = normalData(shape, 1)
  const made = into([x, adjoint], 3 * flops, (x, adjoint) => {
    const z = layer(x)
    return [z, ...grad(z.mul(adjoint).sum(), [x, ...layer.parameters()])]
  })
  return { ...made, batch }
}

function tanhChain(size: Size): Prepared {
  const x = normalData([size === 'full' ? 10_000_000 : 100], 0)
  return into([x], null, (x) => [x.mul(1.5).add(0.5).tanh().mul(2)])
}

function softmax(size: Size): Prepared {
  const x = normalData(size === 'full' ? [4096, 1000] : [4, 10], 0)
  return into([x], null, (x) => [x.softmax(1)])
}

function adamUpdate(size: Size): Prepared {
  const count = size === 'full' ? 10_000_000 : 100
  const weight = parameter([count], zeros)
  const gradient = normalData([count], 0)
  const optimizer = adam({ lr: 1e-3 })
  const step = compile((gradient: Tensor) => {
    optimizer.update([weight], [gradient])
    return weight.at(0)
  })
  return { batch: null, flops: null, step: () => step(gradient), programs: step.programs }
}

/** A step that computes tensors into parameters of their shapes, and gives one element of the first. */
function into(inputs: readonly Tensor[], flops: number | null, compute: (...inputs: Tensor[]) => Tensor[]): Prepared {
  let results: Parameter[] | null = null
  const targets = (values: readonly Tensor[]): Parameter[] => {
    results ??= values.map(({ shape }) => parameter(shape, zeros))
    return results
  }
  const step = compile((...inputs: Tensor[]) => {
    const values = compute(...inputs)
    for (const [at, target] of targets(values).entries()) target.assign(values[at])
    return values[0].flatten().at(0)
  })
  return { batch: null, flops, step: () => step(...inputs), programs: step.programs }
}
