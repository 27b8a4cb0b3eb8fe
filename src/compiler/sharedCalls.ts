// Functions of the same arguments are computed once, where their values can be kept instead of what they are made of.
import { type Expr, mapChildren, name, read, walk } from '../expression/tree.ts'
import { comprehension } from '../graph/build.ts'
import { type BoundRange, type ComprehensionNode, type Node, operandsOf, sizeOf } from '../graph/node.ts'
import { affineOf, bounds } from '../index/index.ts'
import { costOf, expressionsOf, functionCost, intervalsOf, isLeaf, rangesOf, resolve } from './reads.ts'
import { type Request, reachable } from './request.ts'
import { rewrite } from './rewrite.ts'

/**
 * The same request with functions that several nodes need of the same arguments as nodes of their own, as in the derivative
 * of the gates of a recurrent layer: where nothing but these functions reads the arguments later, their values take up no more
 * memory than the arguments would.
 */
export function shareCalls(request: Request): Request {
  const shared = sharedCalls(request)
  if (shared.size === 0) return request
  return rewrite(
    request,
    (node) => node,
    (node) => readingShared(node, shared),
  )
}

/** The node with shared functions as reads; a node that is such a function stays one. */
function readingShared(node: Node, shared: ReadonlySet<Node>): Node {
  if (node.kind !== 'comprehension') return node
  const operands = new Map(node.operands)
  const names = new Map<Node, string>()
  const replaced = (expr: Expr): Expr => {
    const found = callOf(node, expr)
    if (!found || found.value === node || !shared.has(found.value)) return mapChildren(expr, replaced)
    const operand = names.get(found.value) ?? `${found.fn} ${names.size}`
    names.set(found.value, operand)
    operands.set(operand, found.value)
    return read(
      operand,
      found.ranges.map(({ index }) => name(index)),
    )
  }
  const body = replaced(node.body)
  return body === node.body ? node : comprehension({ ...node, body, operands })
}

/** What costs less is computed again rather than stored and read. */
const leastCost = 12

interface FoundCall {
  readonly fn: string
  /** The function over just the indices that it depends on: one node for equal calls, wherever they stand. */
  readonly value: ComprehensionNode
  readonly ranges: readonly BoundRange[]
}

const known = new WeakMap<ComprehensionNode, Map<Expr, FoundCall | null>>()

/** A costly function of f32 numbers in a node's body, as a node of its own; null where an expression is none. */
function callOf(node: ComprehensionNode, expr: Expr): FoundCall | null {
  if (node.dtype !== 'f32' || expr.kind !== 'call' || functionCost(expr.fn) < leastCost) return null
  const calls = known.get(node) ?? new Map<Expr, FoundCall | null>()
  known.set(node, calls)
  const call = calls.get(expr) ?? (calls.has(expr) ? null : callAlone(node, expr))
  calls.set(expr, call)
  return call
}

function callAlone(node: ComprehensionNode, expr: Expr & { readonly kind: 'call' }): FoundCall | null {
  const names = new Set<string>()
  const intervals = intervalsOf(node)
  let isPlain = true
  walk(expr, (part) => {
    if (part.kind === 'name') names.add(part.name)
    if (part.kind !== 'read') return
    const { dtype, shape } = node.operands.get(part.tensor)!
    const isInside = part.at.every((at, axis) => {
      const index = affineOf(at, intervals)
      if (!index) return false
      const { min, max } = bounds(index, intervals)
      return part.maybe || (min >= 0 && max < shape[axis])
    })
    if (dtype !== 'f32' || !isInside) isPlain = false
  })
  const ranges = [...node.axes, ...rangesOf(node)].filter(({ index }) => names.has(index))
  if (!isPlain || ranges.length === 0 || ranges.some(({ start }) => start !== 0)) return null
  const value = comprehension({ axes: ranges, body: expr, operands: node.operands })
  return value.kind === 'comprehension' && value.dtype === 'f32' ? { fn: expr.fn, value, ranges } : null
}

function sharedCalls(request: Request): ReadonlySet<Node> {
  const nodes = reachable(request)
  const calls = new Map<ComprehensionNode, number>()
  for (const node of nodes) {
    for (const value of new Set(callsIn(node))) calls.set(value, (calls.get(value) ?? 0) + 1)
  }
  let shared = new Set([...calls.keys()].filter((value) => calls.get(value)! > 1))
  const readers = readersOf(nodes)
  const wanted = new Set([...request.outputs, ...request.updates.map(({ value }) => value)].map(resolve))
  for (let before = -1; shared.size > 0 && shared.size !== before; ) {
    before = shared.size
    const freed = freedBy(shared, readers, wanted)
    shared = new Set([...shared].filter((value) => sourcesOf(value).some((source) => freed.has(source))))
  }
  return shared
}

function callsIn(node: Node): readonly ComprehensionNode[] {
  const found: ComprehensionNode[] = []
  if (node.kind !== 'comprehension') return found
  walk(node.body, (part) => {
    const call = callOf(node, part)
    if (call) found.push(call.value)
  })
  return found
}

/** Who reads each node, in order; registered rules are only what they stand for. */
function readersOf(nodes: readonly Node[]): ReadonlyMap<Node, readonly Node[]> {
  const readers = new Map<Node, Node[]>()
  for (const node of nodes) {
    if (node.kind === 'rule') continue
    for (const operand of new Set(operandsOf(node).map(resolve))) {
      const known = readers.get(operand)
      if (known) known.push(node)
      else readers.set(operand, [node])
    }
  }
  return readers
}

/** The sources that need not be stored when calls are, and of which the calls take no more memory. */
function freedBy(
  shared: ReadonlySet<ComprehensionNode>,
  readers: ReadonlyMap<Node, readonly Node[]>,
  wanted: ReadonlySet<Node>,
): ReadonlySet<Node> {
  const sizes = new Map<Node, number>()
  for (const value of shared) {
    for (const source of new Set(sourcesOf(value))) sizes.set(source, (sizes.get(source) ?? 0) + sizeOf(value.shape))
  }
  const isFreed = (source: Node): boolean => {
    if (sizes.get(source)! > sizeOf(source.shape)) return false
    const reads = readsBeyond(source, readers, wanted)
    if (!reads) return false
    const first = Math.min(...reads.map(({ reader }) => reader.id))
    return reads.every(({ reader, of }) => reader.id === first || !readsOutside(reader, of, shared))
  }
  return new Set([...sizes.keys()].filter(isFreed))
}

interface Reading {
  readonly reader: Node
  readonly of: Node
}

/** Who reads a node in the end, through what is computed anew in its readers; null where the node itself is wanted. */
function readsBeyond(
  node: Node,
  readers: ReadonlyMap<Node, readonly Node[]>,
  wanted: ReadonlySet<Node>,
): readonly Reading[] | null {
  const found: Reading[] = []
  const open = [node]
  for (const of of open) {
    if (wanted.has(of)) return null
    for (const reader of readers.get(of) ?? []) {
      if (isSeenThrough(reader)) open.push(reader)
      else found.push({ reader, of })
    }
  }
  return found
}

/** Whether a node reads an operand elsewhere than in shared functions. */
function readsOutside(reader: Node, operand: Node, shared: ReadonlySet<Node>): boolean {
  if (reader.kind !== 'comprehension') return true
  const isRead = (expr: Expr): boolean => {
    if (expr.kind === 'read' && resolve(reader.operands.get(expr.tensor)!) === operand) return true
    const call = callOf(reader, expr)
    if (call && call.value !== reader && shared.has(call.value)) return false
    let inside = false
    mapChildren(expr, (part) => {
      inside ||= isRead(part)
      return part
    })
    return inside
  }
  return expressionsOf(reader).some(isRead)
}

/** The nodes that are stored, or made only for what follows at once, and of which an argument is made. */
function sourcesOf(value: ComprehensionNode): readonly Node[] {
  const found: Node[] = []
  const open: Node[] = [...value.operands.values()].map(resolve)
  for (const node of open) {
    if (isSeenThrough(node)) open.push(...operandsOf(node).map(resolve))
    else if (!isLeaf(resolve(node))) found.push(node)
  }
  return found
}

/** Arithmetic of at most so many additions is computed anew wherever it is read. */
const cheapCost = 4

/** Views, and arithmetic that is cheap. */
const isSeenThrough = (node: Node): boolean =>
  node.kind === 'reshape' || (node.kind === 'comprehension' && !node.reduction && costOf(node.body) <= cheapCost)
