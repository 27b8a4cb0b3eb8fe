// What computes tensors. The graph only says what they are; a runtime registers itself here.
import type { TypedArray } from '../dtype.ts'
import { EinfoldError } from '../errors.ts'
import type { Node, ParameterCell } from './node.ts'

export interface Evaluator {
  /** The elements of each node, row-major, as arrays that belong to the caller. */
  evaluate(nodes: readonly Node[]): Promise<TypedArray[]>
  /** Computes the nodes now; each as a node that is only its numbers. */
  realize(nodes: readonly Node[]): readonly Node[]
  /** Makes `value`, of the parameter's shape and dtype, the parameter's value for all that is built afterwards. */
  assign(parameter: ParameterCell, value: Node): void
  /** The elements of a node that is computed, where they can be had at once; computes nothing. */
  peek?(node: Node): TypedArray | null
  /** Gives back at once the memory that holds a node's numbers. */
  release(node: Node): void
}

let current: Evaluator | null = null

export function setEvaluator(evaluator: Evaluator): void {
  current = evaluator
}

/** The elements of a node where they are at hand, for printing. */
export const peek = (node: Node): TypedArray | null => current?.peek?.(node) ?? null

/** Throws EinfoldError `no-evaluator` when none is set. */
export function evaluator(): Evaluator {
  if (current) return current
  throw new EinfoldError('no-evaluator', "nothing is there to compute tensors; import 'einfold', or call setEvaluator")
}
