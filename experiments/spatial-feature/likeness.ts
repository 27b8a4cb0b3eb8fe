// Whether filters that are not shared become alike all the same.
import type { Parameter } from '../../src/graph/parameter.ts'
import type { Sequential } from '../../src/nn/index.ts'
import type { SpatialOptions } from './spatialFeature.ts'

/**
 * For each layer of windows [outChannels, rows, columns, inChannels, kernel, kernel]: the mean cosine between a filter and
 * its neighbour to the right. 1 is a convolution; filters drawn apart have 0. Nothing for weights that are stored densely.
 */
export async function likenesses(net: Sequential, { storage }: SpatialOptions): Promise<readonly number[]> {
  if (storage === 'dense') return []
  const weights = net.parameters().filter(({ shape }) => shape.length === 6)
  return Promise.all(weights.map(likenessOf))
}

async function likenessOf(weight: Parameter): Promise<number> {
  const values = await weight.data()
  const [outChannels, rows, columns, ...window] = weight.shape
  const length = window.reduce((product, extent) => product * extent, 1)
  let [sum, pairs] = [0, 0]
  for (let filter = 0; filter < outChannels * rows * columns; filter++) {
    if (filter % columns === columns - 1) continue
    let [product, own, next] = [0, 0, 0]
    for (let at = filter * length; at < (filter + 1) * length; at++) {
      const [a, b] = [values[at], values[at + length]]
      product += a * b
      own += a * a
      next += b * b
    }
    sum += product / Math.sqrt(own * next)
    pairs++
  }
  return sum / pairs
}
