// What is to be computed: some values, and new values of parameters.
import { copyNode } from '../graph/build.ts'
import { type Node, operandsOf, type ParameterNode } from '../graph/node.ts'
import { type ComputedNode, resolve } from './reads.ts'

export interface Update {
  readonly parameter: ParameterNode
  readonly value: Node
}

/** Outputs are read after the run; updates replace the numbers of parameters. All see the parameters as they were before. */
export interface Request {
  readonly outputs: readonly Node[]
  readonly updates: readonly Update[]
}

/** The request with every wanted value a node that computes (views and leaves are wrapped in a copy). */
export interface ComputedRequest {
  readonly outputs: readonly ComputedNode[]
  readonly updates: readonly { readonly parameter: ParameterNode; readonly value: ComputedNode }[]
}

export function computedRequest(request: Request): ComputedRequest {
  return {
    outputs: request.outputs.map(computed),
    updates: request.updates.map(({ parameter, value }) => ({ parameter, value: computed(value) })),
  }
}

function computed(node: Node): ComputedNode {
  const plain = resolve(node)
  if (plain.kind === 'comprehension' || plain.kind === 'scatter') return plain
  return copyNode(plain)
}

/**
 * All nodes a request needs, operands before their users, in an order that follows from the structure alone: the same
 * computation always becomes the same program. The updates are followed from the last to the first, as gradients arise, so
 * that what a gradient needs is done with early.
 */
export function reachable(request: Request): readonly Node[] {
  const done = new Set<Node>()
  const wanted = [...request.outputs, ...request.updates.map((update) => update.value).reverse()]
  for (const root of wanted) {
    const open: Node[] = [root]
    while (open.length > 0) {
      const node = open[open.length - 1]
      const missing = done.has(node) ? [] : operandsOf(node).filter((operand) => !done.has(operand))
      if (missing.length > 0) open.push(...missing.reverse())
      else {
        open.pop()
        done.add(node)
      }
    }
  }
  return [...done]
}
