import { sizeOf } from '../graph/node.ts'
import type { Tensor } from '../graph/tensor.ts'
import { apply } from './apply.ts'
import { badOption, checkRank } from './checks.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import type { Layout, PerAxis, Window } from './spatial.ts'
import {
  axesOf,
  checkLayout,
  extentOperands,
  extentsOver,
  firstSpatialAxis,
  isPadded,
  perAxis,
  placed,
  positions,
  resultAxes,
  windowIndices,
  windowsOf,
} from './spatial.ts'

export interface PoolingOptions {
  /** The kernel's size when left out, so that windows do not overlap. */
  readonly stride?: PerAxis
  /** At most half of the kernel; 0 when left out. */
  readonly padding?: PerAxis
  readonly layout?: Layout
}

export interface AveragePoolingOptions extends PoolingOptions {
  /** Whether padding counts as zeros (true when left out), or is left out of the average. */
  readonly countIncludePad?: boolean
}

/** As `maxPool2d`, over [batch, channels, length]. */
export const maxPool1d = (kernel: PerAxis, options?: PoolingOptions): Layer => maxPool(1, kernel, options)

/** The largest element of each window: [n,c,h,w] to [n,c,(h + 2·padding - kernel) / stride + 1, …], rounded down. */
export const maxPool2d = (kernel: PerAxis, options?: PoolingOptions): Layer => maxPool(2, kernel, options)

/** As `maxPool2d`, over [batch, channels, depth, height, width]. */
export const maxPool3d = (kernel: PerAxis, options?: PoolingOptions): Layer => maxPool(3, kernel, options)

/** As `avgPool2d`, over [batch, channels, length]. */
export const avgPool1d = (kernel: PerAxis, options?: AveragePoolingOptions): Layer => avgPool(1, kernel, options)

/** The mean of each window, with the shapes of `maxPool2d`. */
export const avgPool2d = (kernel: PerAxis, options?: AveragePoolingOptions): Layer => avgPool(2, kernel, options)

/** As `avgPool2d`, over [batch, channels, depth, height, width]. */
export const avgPool3d = (kernel: PerAxis, options?: AveragePoolingOptions): Layer => avgPool(3, kernel, options)

const maxPool = (rank: number, kernel: PerAxis, options: PoolingOptions = {}): Layer =>
  pooling(`maxPool${rank}d`, rank, kernel, options, (ranges, x) => `max(${ranges}) ${x}`)

function avgPool(rank: number, kernel: PerAxis, options: AveragePoolingOptions = {}): Layer {
  const { countIncludePad = true } = options
  return pooling(`avgPool${rank}d`, rank, kernel, options, (ranges, x, windows) => {
    if (!countIncludePad || !isPadded(windows)) return `mean(${ranges}) ${x}`
    return `sum(${ranges}) ${x} / ${sizeOf(windows.map(({ size }) => size))}`
  })
}

function pooling(
  kind: string,
  rank: number,
  kernel: PerAxis,
  options: PoolingOptions,
  reduce: (ranges: string, x: string, windows: readonly Window[]) => string,
): Layer {
  const { layout = 'NCHW' } = options
  const sizes = perAxis(kind, 'the kernel', kernel, rank, 1)
  const name = `${kind}(${sizes.join('×')})`
  checkLayout(name, layout)
  const windows = windowsOf(name, sizes, { ...options, stride: options.stride ?? sizes })
  checkPadding(name, windows)
  const padded = isPadded(windows)
  const ranges = windows.map(({ size }, axis) => `${windowIndices[axis]}<${size}`).join(',')
  const x = `x${padded ? '?' : ''}${placed(layout, 'n', 'c', positions(windows))}`
  const formula = `z${placed(layout, 'n', 'c', resultAxes(rank, padded))} = ${reduce(ranges, x, windows)}`
  return defineLayer({
    name,
    formula,
    forward: (x: Tensor) => {
      checkRank(name, x, axesOf(layout, rank))
      const extents = extentsOver(name, x, firstSpatialAxis(layout), windows)
      return apply(formula, { x, ...(padded ? extentOperands(extents) : {}) })
    },
  })
}

/** No window may lie in the padding alone. */
function checkPadding(layer: string, windows: readonly Window[]): void {
  for (const { size, before } of windows) {
    if (2 * before > size)
      throw badOption(layer, `padding is ${before}; it must be at most half of the kernel's ${size}`)
  }
}
