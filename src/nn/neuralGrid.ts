import { zeros } from '../graph/creation.ts'
import type { Tensor } from '../graph/tensor.ts'
import { apply } from './apply.ts'
import { badOption, checkExtent, checkRank, checkWhole } from './checks.ts'
import { xavierUniform } from './initializers.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'
import type { Init } from './parameter.ts'
import { parameter, tellFans } from './parameter.ts'
import type { Sequential } from './sequential.ts'
import { sequential } from './sequential.ts'

export interface NeuralGridOptions {
  /** tanh when left out. */
  readonly activation?: 'tanh' | 'sin' | 'relu' | 'sigmoid' | 'none'
  /** Xavier uniform when left out, with the fans of the formula: 3 and 3 (9 and 9 with two axes). */
  readonly weightInit?: Init
  /** Zeros when left out. */
  readonly biasInit?: Init
  readonly dtype?: 'f32' | 'f64'
}

/** A whole grid: layers one after the other. */
export interface NeuralGridShape {
  readonly height: number
  /** With a width, each layer is a plane of units. */
  readonly width?: number
  readonly layers: number
}

/**
 * One layer of a neural grid: as many units as inputs, unit p sees its neighbours p-1, p, p+1 through weights that belong to
 * the neighbour, `z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])`, [batch, units]; for `[height, width]` a window
 * of 3×3 on [batch, height, width]. Parameters `w` and `c`, of the units' shape. With `{ height, layers }`, all layers of
 * a grid. Throws EinfoldError `bad-option`; called, ShapeError.
 */
export function neuralGrid(units: number | readonly [number, number], options?: NeuralGridOptions): Layer
export function neuralGrid(grid: NeuralGridShape, options?: NeuralGridOptions): Sequential
export function neuralGrid(
  size: number | readonly [number, number] | NeuralGridShape,
  options: NeuralGridOptions = {},
): Layer {
  if (typeof size === 'number') return gridLayer([size], options)
  if (!('layers' in size)) return gridLayer(size, options)
  const { height, width, layers } = size
  const units = width === undefined ? [height] : [height, width]
  checkWhole(`neuralGrid(${units.join('×')})`, 'layers', layers, 1)
  return sequential(...Array.from({ length: layers }, () => gridLayer(units, options)))
}

function gridLayer(units: readonly number[], options: NeuralGridOptions): Layer {
  const { activation = 'tanh', weightInit = xavierUniform(), biasInit = zeros, dtype } = options
  const name = `neuralGrid(${units.join('×')}, ${activation})`
  if (units.length < 1 || units.length > 2) throw badOption(name, 'a layer has one or two axes of units')
  for (const extent of units) checkWhole(name, 'the number of units', extent, 1)
  if (!activations.has(activation))
    throw badOption(name, `activation is '${activation}'; it must be one of ${[...activations].join(', ')}`)
  const fans = { fanIn: 3 ** units.length, fanOut: 3 ** units.length }
  const w = parameter(units, weightInit, { name: 'w', dtype })
  const c = parameter(units, biasInit, { name: 'c', dtype })
  tellFans(w, fans)
  tellFans(c, fans)
  const formula = gridText(units.length, activation)
  return defineLayer({
    name,
    formula,
    parameters: { w, c },
    forward: (x: Tensor) => {
      checkRank(name, x, ['batch', 'height', 'width'].slice(0, units.length + 1))
      for (const [axis, extent] of units.entries()) checkExtent(name, x, axis + 1, extent, 'units')
      return apply(formula, { x, w, c })
    },
  })
}

const activations = new Set(['tanh', 'sin', 'relu', 'sigmoid', 'none'])

function gridText(rank: number, activation: string): string {
  const [at, seen, over] = rank === 1 ? ['p', 'p+q', '-1<=q<=1'] : ['p,r', "p+q,r+q'", "-1<=q<=1,-1<=q'<=1"]
  const sum = `c[${at}] + sum(${over}) w?[${seen}] * x?[b,${seen}]`
  return `z[b,${at}] = ${activation === 'none' ? sum : `${activation}(${sum})`}`
}
