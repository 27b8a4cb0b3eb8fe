// What a trained grid looks like: its activations by class, its weights and biases.
import type { ImageSet } from '../../src/data/index.ts'
import { compile, formula, fromArray, stack, type Tensor } from '../../src/index.ts'
import type { GridNetwork } from './network.ts'

/** By layer, then unit (the units of a plane in rows). */
export type LayerMap = readonly (readonly number[])[]

/** For each class, the mean activations over its images: before the grid, and behind each of its layers. */
export async function activationMaps(
  network: GridNetwork,
  { images, labels, shape, classes }: ImageSet,
): Promise<readonly LayerMap[]> {
  const [n] = shape
  const means = formula('m[k,p] = sum(b) y[b,k] * x[b,p] / max(1, sum(e) y[e,k])')
  const run = compile((bytes: Tensor, numbers: Tensor) => {
    const y = numbers.oneHot(classes.length)
    const signals = [
      network.before(
        bytes
          .cast('f32')
          .mul(2 / 255)
          .sub(1),
      ),
    ]
    for (const layer of network.grid) signals.push(layer(signals[signals.length - 1]))
    return stack(signals.map((signal) => means({ y, x: signal.reshape([n, signal.size / n]) })))
  })
  const result = run(fromArray(images, shape), fromArray(labels, [n]))
  const values = await result.data()
  const [layers, , units] = result.shape
  return classes.map((_, k) =>
    Array.from({ length: layers }, (_, layer) =>
      Array.from(values.subarray((layer * classes.length + k) * units, (layer * classes.length + k + 1) * units)),
    ),
  )
}

/** Where the classes differ: the maps less their mean. */
export function distinctMaps(maps: readonly LayerMap[]): readonly LayerMap[] {
  const mean = maps[0].map((layer, at) =>
    layer.map((_, unit) => maps.reduce((total, map) => total + map[at][unit] / maps.length, 0)),
  )
  return maps.map((map) => map.map((layer, at) => layer.map((value, unit) => value - mean[at][unit])))
}

/** Of the grid; a layer's first parameter is its weights, its second its biases. */
export async function parameterMaps({
  grid,
}: GridNetwork): Promise<{ readonly weights: LayerMap; readonly biases: LayerMap }> {
  const read = (at: 0 | 1): Promise<LayerMap> =>
    Promise.all(grid.map(async (layer) => Array.from(await layer.parameters()[at].data())))
  return { weights: await read(0), biases: await read(1) }
}
