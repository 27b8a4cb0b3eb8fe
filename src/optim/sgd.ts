import type { Parameter } from '../graph/parameter.ts'
import type { Optimizer } from './optimizer.ts'
import { checkNumber, optimizerOf } from './optimizer.ts'

export interface SgdOptions {
  readonly lr: number
  /** How much of the step before stays in this one; 0 when left out. */
  readonly momentum?: number
  /** Whether the gradient counts as at the place the momentum leads to. Needs momentum. */
  readonly nesterov?: boolean
  /** This times the parameter is added to its gradient; 0 when left out. */
  readonly weightDecay?: number
}

/**
 * Gradient descent, as torch.optim.SGD without dampening. With g = gradient + weightDecay·p and b = momentum·b + g:
 * p = p - lr·b, or with `nesterov` p = p - lr·(g + momentum·b). Throws EinfoldError `bad-option`.
 */
export function sgd(options: SgdOptions): Optimizer {
  const { lr, momentum = 0, nesterov = false, weightDecay = 0 } = options
  const name = 'sgd'
  checkNumber(name, 'momentum', momentum, (value) => value >= 0, '0 or more')
  checkNumber(name, 'weightDecay', weightDecay, (value) => value >= 0, '0 or more')
  if (nesterov) checkNumber(name, 'momentum', momentum, (value) => value > 0, 'more than 0 for nesterov')
  return optimizerOf<{ momentum?: Parameter }>({
    name,
    lr,
    counts: false,
    stateFor: (like) => (momentum === 0 ? {} : { momentum: like() }),
    next: (parameter, gradient, state, shared) => {
      const g = weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay))
      if (!state.momentum) return parameter.sub(g.mul(shared.lr))
      const b = state.momentum.mul(momentum).add(g)
      state.momentum.assign(b)
      return parameter.sub((nesterov ? g.add(b.mul(momentum)) : b).mul(shared.lr))
    },
  })
}
