import type { Parameter } from '../graph/parameter.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Optimizer } from './optimizer.ts'
import { checkNumber, optimizerOf } from './optimizer.ts'

export interface AdamOptions {
  /** 0.001 when left out. */
  readonly lr?: number
  /** How much of the mean of gradients, and of that of their squares, stays; 0.9 and 0.999 when left out. */
  readonly betas?: readonly [number, number]
  /** Added to the root of the mean square; 1e-8 when left out. */
  readonly eps?: number
  /** `adam`: this times the parameter is added to its gradient, 0 when left out. `adamW`: the parameter shrinks by lr times this, 0.01 when left out. */
  readonly weightDecay?: number
}

/**
 * Adam, as torch.optim.Adam: with m and v the running means of gradient and squared gradient, at step t
 * p = p - lr / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + eps). Source: Kingma and Ba, 2015. Throws EinfoldError `bad-option`.
 */
export const adam = (options: AdamOptions = {}): Optimizer => adamLike('adam', options, options.weightDecay ?? 0, false)

/** Adam with the weight decay apart from the gradient. Source: Loshchilov and Hutter, 2019. Throws EinfoldError `bad-option`. */
export const adamW = (options: AdamOptions = {}): Optimizer =>
  adamLike('adamW', options, options.weightDecay ?? 0.01, true)

function adamLike(name: string, options: AdamOptions, weightDecay: number, decoupled: boolean): Optimizer {
  const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8 } = options
  for (const beta of betas)
    checkNumber(name, 'a beta', beta, (value) => value >= 0 && value < 1, '0 or more and less than 1')
  checkNumber(name, 'eps', eps, (value) => value >= 0, '0 or more')
  checkNumber(name, 'weightDecay', weightDecay, (value) => value >= 0, '0 or more')
  const [beta1, beta2] = betas
  return optimizerOf<{ mean: Parameter; square: Parameter }>({
    name,
    lr,
    counts: true,
    stateFor: (like) => ({ mean: like(), square: like() }),
    next: (parameter, gradient, state, shared) => {
      const isDecayed = weightDecay !== 0
      const g = isDecayed && !decoupled ? gradient.add(parameter.mul(weightDecay)) : gradient
      const p = isDecayed && decoupled ? parameter.sub(parameter.mul(shared.lr.mul(weightDecay))) : parameter
      const m = state.mean.mul(beta1).add(g.mul(1 - beta1))
      const v = state.square.mul(beta2).add(g.square().mul(1 - beta2))
      state.mean.assign(m)
      state.square.assign(v)
      const stepSize = shared.lr.div(oneLessPower(beta1, shared.step))
      const scale = v.sqrt().div(oneLessPower(beta2, shared.step).sqrt()).add(eps)
      return p.sub(m.div(scale).mul(stepSize))
    },
  })
}

/** 1 - base^exponent. By expm1: in f32 the difference itself would lose most digits for a base near 1. */
const oneLessPower = (base: number, exponent: Tensor): Tensor => exponent.mul(Math.log(base)).expm1().neg()
