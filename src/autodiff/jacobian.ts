// All first, or all second, derivatives at once.
import { binary, call, type Expr, number, read } from '../expression/tree.ts'
import { comprehension } from '../graph/build.ts'
import type { Node, Shape } from '../graph/node.ts'
import { Tensor } from '../graph/tensor.ts'
import { separate } from './customGradient.ts'
import { checkFloat, checkLoss, filled, grad } from './derivatives.ts'
import { tangents } from './forward.ts'
import { axesOf, indexNames } from './ranges.ts'
import { adjoints } from './reverse.ts'

/**
 * The derivative of every element of `fn(x)` by every element of x, of shape [...shape of fn(x), ...shape of x]. `forward`
 * carries the axes of x along from input to result, `reverse` those of the result from result to input; when left out, the
 * mode that carries fewer elements. Throws ShapeError `not-differentiable` for integers.
 */
export function jacobian(
  fn: (x: Tensor) => Tensor,
  x: Tensor,
  options: { readonly mode?: 'forward' | 'reverse' } = {},
): Tensor {
  checkFloat(x, 'jacobian: x')
  const own = separate(x)
  const value = fn(own)
  checkFloat(value, 'jacobian: the value')
  const mode = options.mode ?? (x.size < value.size ? 'forward' : 'reverse')
  const found = mode === 'forward' ? forward(own.node, value.node) : reverse(own.node, value.node)
  return new Tensor(found ?? filled({ shape: [...value.shape, ...x.shape], dtype: x.dtype }, 0))
}

function reverse(x: Node, value: Node): Node | null {
  return adjoints([[value, identity(value)]], [x], value.shape)[0]
}

function forward(x: Node, value: Node): Node | null {
  const [tangent] = tangents([[x, identity(x)]], [value], x.shape)
  if (!tangent) return null
  const axes = axesOf([...value.shape, ...x.shape])
  const names = indexNames(axes)
  const at = [...names.slice(value.shape.length), ...names.slice(0, value.shape.length)]
  return comprehension({ axes, body: read('t', at), operands: { t: tangent }, dtype: tangent.dtype })
}

/** 1 where the first half of the indices equals the second. */
function identity({ shape, dtype }: { readonly shape: Shape; readonly dtype: Node['dtype'] }): Node {
  const axes = axesOf([...shape, ...shape])
  const names = indexNames(axes)
  const equal = shape.map((_, axis): Expr => binary('==', names[axis], names[shape.length + axis]))
  const body =
    equal.length === 0
      ? number(1)
      : call(
          'where',
          equal.reduce((all, next) => binary('and', all, next)),
          number(1),
          number(0),
        )
  return comprehension({ axes, body, operands: {}, dtype })
}

/**
 * The second derivatives of a scalar function by every pair of elements of x, of shape [...shape of x, ...shape of x]:
 * the Jacobian of its gradient. Throws ShapeError `loss-not-scalar` and `not-differentiable`.
 */
export function hessian(fn: (x: Tensor) => Tensor, x: Tensor): Tensor {
  const gradient = (at: Tensor): Tensor => {
    const loss = fn(at)
    checkLoss(loss)
    return grad(loss, at)
  }
  return jacobian(gradient, x, { mode: 'forward' })
}
