// The public derivatives of tensors: gradients, and products with a Jacobian from either side.

import { isFloat } from '../dtype.ts'
import { ShapeError } from '../errors.ts'
import { number } from '../expression/tree.ts'
import { comprehension } from '../graph/build.ts'
import type { Node } from '../graph/node.ts'
import { Tensor } from '../graph/tensor.ts'
import { separate } from './customGradient.ts'
import { tangents } from './forward.ts'
import { axesOf } from './ranges.ts'
import { adjoints } from './reverse.ts'

/** A tensor of the rank of `T`, whatever else `T` is. */
export type Like<T> = T extends Tensor<infer Rank> ? Tensor<Rank> : never

/** For each of some tensors, a tensor of the same shape and dtype. */
export type Gradients<Wrt> = Wrt extends Tensor ? Like<Wrt> : { [Key in keyof Wrt]: Like<Wrt[Key]> }

/** What gradients can be taken by: one tensor, several, or several by name. */
export type Variables = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>

/**
 * The gradient of a scalar by tensors that it was computed from: for each one of the same shape and dtype, in the form in
 * which `wrt` was given. Zero by a tensor on which the loss does not depend. Gradients are tensors like any other, and
 * can be differentiated again.
 *
 * Throws ShapeError `loss-not-scalar` unless the loss has rank 0, and `not-differentiable` for tensors of integers.
 */
export function grad<const Wrt extends Variables>(loss: Tensor, wrt: Wrt): Gradients<Wrt> {
  checkLoss(loss)
  const variables = listOf(wrt)
  for (const [name, variable] of variables) checkFloat(variable, `grad: by ${name}`)
  const nodes = variables.map(([, variable]) => variable.node)
  const found = adjoints([[loss.node, filled(loss.node, 1)]], nodes)
  return inFormOf(
    wrt,
    nodes.map((node, at) => new Tensor(found[at] ?? filled(node, 0))),
  )
}

/**
 * The function that gives the value of `fn` together with its gradients by all of its arguments (tensors of floats).
 * Throws as `grad` does.
 */
export function valueAndGrad<Inputs extends readonly Tensor[]>(
  fn: (...inputs: Inputs) => Tensor,
): (...inputs: Inputs) => { value: Tensor<0>; gradients: Gradients<Inputs> } {
  return (...inputs) => {
    const own = separateAll(inputs)
    const value = fn(...own)
    return { value: value as Tensor<0>, gradients: grad(value, own) as Gradients<Inputs> }
  }
}

/**
 * The value of a function, and its pullback: from an adjoint of the value (of the value's shape) to the adjoints of the
 * inputs. For a scalar loss of the value, the adjoint is the loss's gradient by it.
 * Throws ShapeError `not-differentiable` for integers, and `shape-mismatch` for an adjoint of another shape.
 */
export function vjp<Inputs extends readonly Tensor[], Rank extends number>(
  fn: (...inputs: Inputs) => Tensor<Rank>,
  inputs: Inputs,
): { value: Tensor<Rank>; pullback: (adjoint: Tensor) => Gradients<Inputs> } {
  for (const [at, input] of inputs.entries()) checkFloat(input, `vjp: by input ${at}`)
  const own = separateAll(inputs)
  const value = fn(...own)
  checkFloat(value, 'vjp: the value')
  const pullback = (adjoint: Tensor): Gradients<Inputs> => {
    checkShape(adjoint, value, 'vjp: the adjoint')
    const nodes = own.map(({ node }) => node)
    const found = adjoints([[value.node, adjoint.cast(value.dtype).node]], nodes)
    return nodes.map((node, at) => new Tensor(found[at] ?? filled(node, 0))) as unknown as Gradients<Inputs>
  }
  return { value, pullback }
}

/**
 * The value of a function, and how it changes when its inputs change along `inputTangents` (of the inputs' shapes):
 * forward mode, at the cost of a few evaluations whatever the number of results.
 * Throws ShapeError `not-differentiable` for integers, and `shape-mismatch`.
 */
export function jvp<Inputs extends readonly Tensor[], Rank extends number>(
  fn: (...inputs: Inputs) => Tensor<Rank>,
  inputs: Inputs,
  inputTangents: readonly Tensor[],
): { value: Tensor<Rank>; tangent: Tensor<Rank> } {
  if (inputTangents.length !== inputs.length) {
    throw new ShapeError(
      'shape-mismatch',
      `jvp: ${inputs.length} inputs need as many tangents, not ${inputTangents.length}`,
    )
  }
  for (const [at, input] of inputs.entries()) {
    checkFloat(input, `jvp: along input ${at}`)
    checkShape(inputTangents[at], input, `jvp: the tangent of input ${at}`)
  }
  const own = separateAll(inputs)
  const value = fn(...own)
  const given = own.map(({ node }, at) => [node, inputTangents[at].cast(inputs[at].dtype).node] as const)
  const [tangent] = tangents(given, [value.node])
  return { value, tangent: new Tensor(tangent ?? filled(value.node, 0)) }
}

/** The same numbers as nodes of their own, so that two equal inputs are told apart. */
export const separateAll = <Inputs extends readonly Tensor[]>(inputs: Inputs): Inputs =>
  inputs.map((input) => separate(input)) as unknown as Inputs

/** A node's shape and dtype, with one value everywhere. */
export const filled = ({ shape, dtype }: Pick<Node, 'shape' | 'dtype'>, value: number): Node =>
  comprehension({ axes: axesOf(shape), body: number(value), operands: {}, dtype })

function listOf(wrt: Variables): [name: string, variable: Tensor][] {
  if (wrt instanceof Tensor) return [['the tensor', wrt]]
  if (Array.isArray(wrt)) return wrt.map((variable, at) => [`tensor ${at}`, variable])
  return Object.entries(wrt)
}

function inFormOf<Wrt extends Variables>(wrt: Wrt, gradients: readonly Tensor[]): Gradients<Wrt> {
  if (wrt instanceof Tensor) return gradients[0] as Gradients<Wrt>
  if (Array.isArray(wrt)) return gradients as unknown as Gradients<Wrt>
  return Object.fromEntries(Object.keys(wrt).map((name, at) => [name, gradients[at]])) as Gradients<Wrt>
}

export function checkLoss(loss: Tensor): void {
  if (loss.rank !== 0) {
    throw new ShapeError(
      'loss-not-scalar',
      `grad: the loss has shape [${loss.shape}], and only a scalar has a gradient; reduce it with sum() or mean(), ` +
        'or use vjp or jacobian',
    )
  }
  checkFloat(loss, 'grad: the loss')
}

export function checkFloat({ dtype }: Tensor, what: string): void {
  if (!isFloat(dtype)) {
    throw new ShapeError('not-differentiable', `${what} is ${dtype}, and derivatives need f32 or f64; cast it first`)
  }
}

function checkShape(tensor: Tensor, like: Tensor, what: string): void {
  if (tensor.rank === like.rank && tensor.shape.every((extent, axis) => extent === like.shape[axis])) return
  throw new ShapeError('shape-mismatch', `${what} has shape [${tensor.shape}]; it must be [${like.shape}]`)
}
