import type { Tensor } from '../graph/tensor.ts'
import { apply } from './apply.ts'
import { badOption, checkExtent, checkRank, checkWhole } from './checks.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import type { WeightOptions } from './linear.ts'
import { biasOf } from './linear.ts'
import { parameter, tellFans } from './parameter.ts'
import type { PerAxis } from './spatial.ts'
import { axesOf, perAxis, placed, positions, windowsOf } from './spatial.ts'

export interface LocallyConnectedOptions extends WeightOptions {
  readonly stride?: PerAxis
}

/**
 * A convolution without shared weights: every place of the result has filters of its own. [n, inChannels, h, w], of the one
 * size given, to [n, outChannels, (h - kernel) / stride + 1, …], rounded down. `weight` has shape
 * [outChannels, rows, columns, inChannels, kernel, kernel] for a result of so many rows and columns, `bias`
 * [outChannels, rows, columns]: only the windows are stored. Throws EinfoldError `bad-option`; called, ShapeError.
 */
export function locallyConnected(
  inChannels: number,
  size: readonly [height: number, width: number],
  outChannels: number,
  kernel: PerAxis,
  options: LocallyConnectedOptions = {},
): Layer {
  const sizes = perAxis('locallyConnected', 'the kernel', kernel, 2, 1)
  const name = `locallyConnected(${inChannels} → ${outChannels}, ${sizes.join('×')} on ${size.join('×')})`
  checkWhole(name, 'inChannels', inChannels, 1)
  checkWhole(name, 'outChannels', outChannels, 1)
  perAxis(name, 'the size', size, 2, 1)
  const windows = windowsOf(name, sizes, { stride: options.stride })
  const places = windows.map((window, axis) => {
    if (window.size <= size[axis]) return Math.floor((size[axis] - window.size) / window.stride) + 1
    throw badOption(name, `the kernel is larger than the input; on ${size.join('×')} it may be that large at most`)
  })
  const { dtype } = options
  const window = sizes[0] * sizes[1]
  const fans = { fanIn: inChannels * window, fanOut: outChannels * window }
  const weight = parameter([outChannels, ...places, inChannels, ...sizes], options.weightInit, {
    name: 'weight',
    dtype,
  })
  const bias = biasOf([outChannels, ...places], fans, options)
  tellFans(weight, fans)
  const x = placed('NCHW', 'n', 'c', positions(windows))
  const formula = `z[n,o,i,j] = ${bias ? 'bias[o,i,j] + ' : ''}sum(c,u,v) x${x} * weight[o,i,j,c,u,v]`
  return defineLayer({
    name,
    formula,
    parameters: { weight, bias },
    forward: (x: Tensor) => {
      checkRank(name, x, axesOf('NCHW', 2))
      checkExtent(name, x, 1, inChannels, 'channels')
      checkExtent(name, x, 2, size[0], 'rows')
      checkExtent(name, x, 3, size[1], 'columns')
      return apply(formula, { x, weight, bias })
    },
  })
}
