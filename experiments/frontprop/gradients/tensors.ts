// The gradients of the mean error by all weights at once, as formulas on tensors: forwards, and backwards.
import { formula, grad, jacobian, jvp, type Tensor } from '../../../src/index.ts'
import { mse } from '../../../src/nn/index.ts'
import { denseText } from '../network.ts'

/** weights[k] of shape [n + 1, m], inputs x [b, first size], targets t [b, last size]; all of one dtype. */
export interface Problem {
  readonly weights: readonly Tensor[]
  readonly x: Tensor
  readonly t: Tensor
}

const dense = formula(denseText)

const advance = (x: Tensor, w: Tensor): Tensor => dense({ w, x, n: x.shape[1] })

/** The mean over samples and outputs of (O - t)²: the document's E, averaged over the batch. */
export const errorOf = (weights: readonly Tensor[], { x, t }: Pick<Problem, 'x' | 't'>): Tensor =>
  mse(weights.reduce(advance, x), t)

/** Reverse mode: one sweep from the error back to all weights. */
export const reverseGradient = (problem: Problem): readonly Tensor[] =>
  grad(errorOf(problem.weights, problem), problem.weights)

/** Forward accumulation in general: the axes of a weight matrix are carried along from it to the error. */
export const forwardGradient = (problem: Problem): readonly Tensor[] =>
  problem.weights.map((own, k) => {
    const error = (w: Tensor): Tensor => errorOf(problem.weights.with(k, w), problem)
    return jacobian(error, own, { mode: 'forward' })
  })

/** The derivative along one direction of weight matrix k (of its shape): a single tangent goes along with the run. */
export const directionalDerivative = (problem: Problem, k: number, direction: Tensor): Tensor => {
  const error = (w: Tensor): Tensor => errorOf(problem.weights.with(k, w), problem)
  return jvp(error, [problem.weights[k]], [direction]).tangent
}

/** g'(h) from g(h), for the sigmoid. */
const slope = formula('s[b,q] = a[b,q] * (1 - a[b,q])')
/** A layer's activations with its bias unit. */
const withBias = formula('u[b,i<n+1] = where(i < n, a?[b,i], 1)')

/** The case k = l - 1 of equation (2), for all q, i and j: D[b,q,i,j] = ∂a^l_q / ∂w^k_ij. */
export const firstTangent = formula('D[b,q,i,j<m] = where(q == j, s[b,q] * u[b,i], 0)')
/** The case k < l - 1. The bias unit's row of w is left out: its activation does not change. */
export const nextTangent = formula("D'[b,q,i,j] = s[b,q] * sum(r<n) w[r,q] * D[b,r,i,j]")
/** Equation (1), averaged over the batch. */
export const gatherTangents = formula('dw[i,j] = 2 / (size * batch) * sum(b,q) (a[b,q] - t[b,q]) * D[b,q,i,j]')

interface Run {
  /** Of each layer, the input's first. */
  readonly activations: readonly Tensor[]
  readonly slopes: readonly Tensor[]
}

function runOf({ weights, x }: Problem): Run {
  const activations = [x]
  for (const w of weights) activations.push(advance(activations.at(-1)!, w))
  return { activations, slopes: activations.map((a) => slope({ a })) }
}

/** Equation (2) for all q, i, j at once, layer by layer: the document's matrices. */
export function matricisedGradient(problem: Problem): readonly Tensor[] {
  const { weights, t } = problem
  const { activations, slopes } = runOf(problem)
  const last = weights.length
  return weights.map((_, k) => {
    const u = withBias({ a: activations[k], n: activations[k].shape[1] })
    let D = firstTangent({ s: slopes[k + 1], u, m: slopes[k + 1].shape[1] }) as Tensor
    for (let l = k + 2; l <= last; l++)
      D = nextTangent({ s: slopes[l], w: weights[l - 1], D, n: activations[l - 1].shape[1] })
    const [batch, size] = t.shape
    return gatherTangents({ a: activations[last], t, D, size, batch })
  })
}

/** ∂a^l_q / ∂h^{k+1}_j, which does not depend on i: ∂a^l_q / ∂w^k_ij is this times a^k_i. */
const firstShared = formula('M[b,q,j<m] = where(q == j, s[b,q], 0)')
const nextShared = formula("M'[b,q,j] = s[b,q] * sum(r<n) w[r,q] * M[b,r,j]")
const gatherShared = formula('e[b,j] = 2 / (size * batch) * sum(q) (a[b,q] - t[b,q]) * M[b,q,j]')
const spread = formula('dw[i,j] = sum(b) u[b,i] * e[b,j]')

/** Still forwards, but the factor a^k_i, which all of equation (2) has in common, is multiplied in at the end. */
export function factoredGradient(problem: Problem): readonly Tensor[] {
  const { weights, t } = problem
  const { activations, slopes } = runOf(problem)
  const last = weights.length
  return weights.map((_, k) => {
    const u = withBias({ a: activations[k], n: activations[k].shape[1] })
    let M = firstShared({ s: slopes[k + 1], m: slopes[k + 1].shape[1] }) as Tensor
    for (let l = k + 2; l <= last; l++)
      M = nextShared({ s: slopes[l], w: weights[l - 1], M, n: activations[l - 1].shape[1] })
    const [batch, size] = t.shape
    return spread({ u, e: gatherShared({ a: activations[last], t, M, size, batch }) })
  })
}
