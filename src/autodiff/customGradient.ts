// Derivatives that are not those of the formula: none at all, or one's own.
import { ShapeError } from '../errors.ts'
import { call, read } from '../expression/tree.ts'
import { comprehension, ruleNode } from '../graph/build.ts'
import type { Node } from '../graph/node.ts'
import { Tensor } from '../graph/tensor.ts'
import { axesOf, indexNames } from './ranges.ts'

/** The same numbers, taken as constants by all derivatives. */
export function stopGradient<Rank extends number>(x: Tensor<Rank>): Tensor<Rank> {
  const axes = axesOf(x.shape)
  const body = call('stopGradient', read('x', indexNames(axes)))
  return new Tensor(comprehension({ axes, body, operands: { x: x.node }, dtype: x.dtype }))
}

/**
 * `fn` with a derivative of one's own: `vjp` is given the adjoint of the result, the result and the inputs, and returns the
 * adjoint of each input (of its shape; null for zero). It must be linear in the adjoint; forward mode and second
 * derivatives follow from it. Tensors that `fn` uses besides its inputs are constants to derivatives.
 * Derivatives throw ShapeError `custom-gradient-shape` when `vjp` returns too few adjoints or one of another shape.
 *
 * @example the straight-through estimator
 * const roundThrough = customGradient((x: Tensor) => x.round(), (adjoint) => [adjoint])
 */
export function customGradient<Inputs extends readonly Tensor[], Rank extends number>(
  fn: (...inputs: Inputs) => Tensor<Rank>,
  vjp: (adjoint: Tensor<Rank>, result: Tensor<Rank>, ...inputs: Inputs) => readonly (Tensor | null)[],
): (...inputs: Inputs) => Tensor<Rank> {
  return (...inputs) => {
    const result = ruleNode({
      rule: newRule('custom'),
      of: fn(...inputs).node,
      inputs: inputs.map(({ node }) => node),
      vjp: (adjoint) => {
        const parts = vjp(new Tensor(adjoint), new Tensor(result), ...inputs)
        if (parts.length !== inputs.length) {
          throw new ShapeError(
            'custom-gradient-shape',
            `customGradient: ${inputs.length} inputs need as many adjoints; vjp returned ${parts.length}`,
          )
        }
        return parts.map((part, at) => part && adjointOf(part, inputs[at], at))
      },
    })
    return new Tensor(result)
  }
}

function adjointOf(part: Tensor, { shape, dtype }: Tensor, at: number): Node {
  if (part.rank !== shape.length || part.shape.some((extent, axis) => extent !== shape[axis])) {
    throw new ShapeError(
      'custom-gradient-shape',
      `customGradient: vjp returned an adjoint of shape [${part.shape}] for input ${at}, whose shape is [${shape}]`,
    )
  }
  return part.cast(dtype).node
}

/** The same numbers as a node of its own, which derivatives can be taken by apart from all others. */
export function separate<Rank extends number>({ node }: Tensor<Rank>): Tensor<Rank> {
  return new Tensor(ruleNode({ rule: newRule('separate'), of: node, inputs: [node], vjp: (adjoint) => [adjoint] }))
}

let rules = 0

/** Rules of one name are taken to be one rule, so that each gets a name of its own. */
const newRule = (kind: string): string => `${kind} ${++rules}`
