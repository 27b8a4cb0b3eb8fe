// Activations as layers, for `sequential`; inside a formula they are functions.
import type { Tensor } from '../graph/tensor.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'

const activation = (name: string, forward: (x: Tensor) => Tensor): Layer =>
  defineLayer({ name, formula: `z[i] = ${name}(x[i])`, forward })

export const tanh = (): Layer => activation('tanh', (x) => x.tanh())

/** max(x, 0). */
export const relu = (): Layer => activation('relu', (x) => x.relu())

/** 1 / (1 + exp(-x)). */
export const sigmoid = (): Layer => activation('sigmoid', (x) => x.sigmoid())

/** x times the normal distribution function at x. */
export const gelu = (): Layer => activation('gelu', (x) => x.gelu())

/** x * sigmoid(x). */
export const silu = (): Layer => activation('silu', (x) => x.silu())

/** log(1 + exp(x)). */
export const softplus = (): Layer => activation('softplus', (x) => x.softplus())

export const sin = (): Layer => activation('sin', (x) => x.sin())

/** exp(x) / sum(exp(x)) over an axis; the last when left out. */
export const softmax = (axis = -1): Layer =>
  defineLayer({
    name: 'softmax',
    formula: axis === -1 ? 'z[b,i] = exp(x[b,i]) / sum(j) exp(x[b,j])' : undefined,
    forward: (x: Tensor) => x.softmax(axis),
  })
