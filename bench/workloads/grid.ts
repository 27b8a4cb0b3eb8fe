// Neural grids: 128 layers of units that see their two neighbours.
import { crossEntropy, linear, neuralGrid, sequential } from '../../src/nn/index.ts'
import { adam } from '../../src/optim/index.ts'
import { classData, normalData, type Prepared, training, type Workload } from '../workload.ts'

export const grid: readonly Workload[] = [gridOf(128, 64), gridOf(128, 256), gridOf(512, 64)]

function gridOf(height: number, batch: number): Workload {
  return {
    name: `grid-${height}-b${batch}`,
    about: `dense 784 to ${height}, 128 grid layers with sin, dense to 10; Adam, batch ${batch}`,
    prepare: (size) => (size === 'full' ? prepare(784, height, 128, batch) : prepare(12, 6, 3, 2)),
  }
}

function prepare(inputs: number, height: number, layers: number, batch: number): Prepared {
  return training({
    net: sequential(linear(inputs, height), neuralGrid({ height, layers }, { activation: 'sin' }), linear(height, 10)),
    loss: crossEntropy,
    optimizer: adam({ lr: 1e-4 }),
    x: normalData([batch, inputs], 0),
    y: classData(batch, 10, 1),
    flops: null,
  })
}
