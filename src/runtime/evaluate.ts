// Un-compiled code: tensors computed when their numbers are asked for.

import type { TypedArray } from '../dtype.ts'
import { EinfoldError } from '../errors.ts'
import { parameterVersion, storedNode } from '../graph/build.ts'
import { type Evaluator, setEvaluator } from '../graph/evaluator.ts'
import type { DataNode, Node, ParameterCell, ParameterNode } from '../graph/node.ts'
import { activeTrace } from '../graph/tracing.ts'
import { device } from './devices.ts'
import { runRequest } from './programs.ts'
import { forget, fromRealized, numbersOf, remember } from './realized.ts'
import { peekLeaf, readLeaf, releaseLeaf } from './storage.ts'

type Leaf = DataNode | ParameterNode

const isLeaf = (node: Node): node is Leaf => node.kind === 'data' || node.kind === 'parameter'

/** Computes what is not yet computed, all in one program. */
function realize(nodes: readonly Node[]): readonly Leaf[] {
  if (nodes.every(isLeaf)) return nodes
  const cut = fromRealized(nodes)
  const missing = [...new Set(cut.filter((node) => !isLeaf(node)))]
  if (missing.length > 0 && activeTrace()) {
    throw new EinfoldError(
      'read-in-step',
      'numbers cannot be read while a step is being compiled: they do not exist yet; return the tensor from the step and read it afterwards',
    )
  }
  const computed = new Map<Node, DataNode>()
  if (missing.length > 0) {
    const refs = runRequest(device(), missing)
    for (const [at, node] of missing.entries()) computed.set(node, storedNode(refs[at], node.shape, node.dtype))
  }
  return nodes.map((node, at) => {
    const leaf = cut[at]
    if (isLeaf(leaf)) return leaf
    const numbers = computed.get(leaf)!
    remember(node, numbers)
    return numbers
  })
}

/** Evaluations after which the event loop gets a turn: memory that nothing refers to is known as such only between its turns. */
const evaluationsPerTurn = 128
let evaluations = 0

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

const evaluator: Evaluator = {
  evaluate: async (nodes: readonly Node[]): Promise<TypedArray[]> => {
    const values = await Promise.all(realize(nodes).map(readLeaf))
    if (++evaluations % evaluationsPerTurn === 0) await turn()
    return values
  },
  realize,
  assign: (cell: ParameterCell, value: Node): void => {
    const trace = activeTrace()
    if (trace) {
      trace.assign(cell, value)
      return
    }
    // Computed for the parameter alone: a step may later write over it. The old node keeps its numbers.
    const [ref] = runRequest(device(), fromRealized([value]))
    cell.current = parameterVersion(cell, ref, value.shape, value.dtype)
  },
  peek: (node: Node): TypedArray | null => {
    const leaf = isLeaf(node) ? node : numbersOf(node)
    return leaf ? peekLeaf(leaf) : null
  },
  release: (node: Node): void => {
    const numbers = numbersOf(node)
    if (numbers) releaseLeaf(numbers)
    forget(node)
    releaseLeaf(node)
  },
}

setEvaluator(evaluator)
