// Sums of adjoints in fewer steps: parts that do not overlap are put side by side, and sums of like products become one sum.
import { type Expr, name, number, read } from '../expression/tree.ts'
import { comprehension } from '../graph/build.ts'
import { type BoundRange, type ComprehensionNode, type Node, sizeOf } from '../graph/node.ts'
import { concat, stack } from '../graph/operations/join.ts'
import { reshape } from '../graph/operations/view.ts'
import { sameExpr } from './algebra.ts'
import { axesOf, freshName } from './ranges.ts'

/** A tensor of zeros but for one part along one axis: what a slice of a tensor hands back. */
interface Window {
  readonly node: Node
  readonly part: Node
  readonly axis: number
  readonly start: number
  readonly extent: number
}

/** Nodes with the same sum as those given, and fewer where some are windows side by side or sums of the same products. */
export const joined = (nodes: readonly Node[]): readonly Node[] => joinSums(joinWindows(nodes))

function joinWindows(nodes: readonly Node[]): readonly Node[] {
  const windows = nodes.flatMap((node) => windowOf(node) ?? [])
  if (windows.length < 2) return nodes
  const [{ axis, node }] = windows
  const own = windows.filter((window) => window.axis === axis).toSorted((a, b) => a.start - b.start)
  const parts: Node[] = []
  let end = 0
  const fill = (until: number): void => {
    if (until > end) parts.push(zeros(node.shape.with(axis, until - end), node))
  }
  for (const { start, extent, part } of own) {
    if (start < end) return nodes
    fill(start)
    parts.push(part)
    end = start + extent
  }
  fill(node.shape[axis])
  if (own.length < 2) return nodes
  const found = new Set(own.map((window) => window.node))
  return [concat(parts, axis), ...nodes.filter((other) => !found.has(other))]
}

const zeros = (shape: readonly number[], { dtype }: Node): Node =>
  comprehension({ axes: axesOf(shape), body: number(0), operands: new Map(), dtype })

/** The window that a node is: `dy?[i,j-2]`, or `where(2 == j, dy[i], 0)`; null for any other. */
function windowOf(node: Node): Window | null {
  if (node.kind !== 'comprehension' || node.reduction || node.axes.some(({ start }) => start !== 0)) return null
  const { body, axes, operands } = node
  if (body.kind === 'read' && body.maybe) {
    const part = operands.get(body.tensor)!
    if (part.dtype !== node.dtype || part.shape.length !== axes.length) return null
    const starts = body.at.map((at, position) => shiftOf(at, axes[position].index))
    const moved = axes.flatMap(({ extent }, position) =>
      starts[position] !== 0 || part.shape[position] !== extent ? [position] : [],
    )
    const [axis] = moved
    const start = starts[axis]
    if (moved.length !== 1 || start === null || start < 0 || start + part.shape[axis] > axes[axis].extent) return null
    return { node, part, axis, start, extent: part.shape[axis] }
  }
  if (body.kind !== 'call' || body.fn !== 'where') return null
  const [condition, value, other] = body.args
  if (condition.kind !== 'binary' || condition.op !== '==' || condition.left.kind !== 'number') return null
  if (other.kind !== 'number' || other.value !== 0 || value.kind !== 'read' || value.maybe) return null
  const { right } = condition
  const axis = axes.findIndex(({ index }) => right.kind === 'name' && right.name === index)
  const part = operands.get(value.tensor)!
  const start = condition.left.value
  if (axis < 0 || start < 0 || start >= axes[axis].extent || part.dtype !== node.dtype) return null
  // The part has all other axes in order, and perhaps one of extent 1 in the place of this one.
  const names = axes.filter((_, position) => position !== axis).map(({ index }) => name(index))
  const whole = part.shape.length === axes.length ? names.toSpliced(axis, 0, number(0)) : names
  const shape = node.shape.with(axis, 1)
  const isWhole = value.at.length === whole.length && value.at.every((at, position) => sameExpr(at, whole[position]))
  if (!isWhole || sizeOf(part.shape) !== sizeOf(shape)) return null
  return { node, part: reshape(part, shape), axis, start, extent: 1 }
}

/** How far an index expression lags behind an index; null where it is anything else. */
function shiftOf(at: Expr, index: string): number | null {
  if (at.kind === 'name') return at.name === index ? 0 : null
  if (at.kind !== 'binary' || at.left.kind !== 'name' || at.left.name !== index || at.right.kind !== 'number')
    return null
  return at.op === '-' ? at.right.value : at.op === '+' ? -at.right.value : null
}

/** From so many sums on, the copies that stand their operands side by side are worth making. */
const leastSums = 3

/** `Σ_i a[i] b[i] + Σ_i c[i] d[i] + …` as `Σ_{i,t} A[i,t] B[i,t]`: what every step of a recurrence adds to a gradient. */
function joinSums(nodes: readonly Node[]): readonly Node[] {
  const groups: ComprehensionNode[][] = []
  const others: Node[] = []
  for (const node of nodes) {
    if (!isPlainSum(node)) others.push(node)
    else {
      const group = groups.find(([first]) => isAlike(first, node))
      if (group) group.push(node)
      else groups.push([node])
    }
  }
  // Adjoints come from the last step to the first.
  return [...others, ...groups.flatMap((group) => (group.length < leastSums ? group : [oneSum(group.toReversed())]))]
}

/** A sum whose body reads tensors by plain indices alone. */
const isPlainSum = (node: Node): node is ComprehensionNode =>
  node.kind === 'comprehension' && node.reduction?.op === 'sum' && !node.reduction.where && isPlain(node.body)

const isPlain = (body: Expr): boolean =>
  body.kind === 'binary'
    ? body.op === '*' && isPlain(body.left) && isPlain(body.right)
    : body.kind === 'read' && !body.maybe && body.at.length > 0 && body.at.every(({ kind }) => kind === 'name')

function isAlike(a: ComprehensionNode, b: ComprehensionNode): boolean {
  if (a.dtype !== b.dtype || a.operands.size !== b.operands.size || !sameExpr(a.body, b.body)) return false
  if (!sameRanges(a.axes, b.axes) || !sameRanges(a.reduction!.ranges, b.reduction!.ranges)) return false
  return [...a.operands].every(([key, operand]) => {
    const other = b.operands.get(key)
    return other?.dtype === operand.dtype && other.shape.join() === operand.shape.join()
  })
}

const sameRanges = (a: readonly BoundRange[], b: readonly BoundRange[]): boolean =>
  a.length === b.length &&
  a.every(({ index, start, extent }, at) => b[at].index === index && b[at].start === start && b[at].extent === extent)

/** Operands that differ are stacked behind their first axis, where tensors over time have it. */
function oneSum(group: readonly ComprehensionNode[]): Node {
  const [first] = group
  const ranges = first.reduction!.ranges
  const step = freshName('t', new Set([...first.axes, ...ranges].map(({ index }) => index)))
  const operands = new Map<string, Node>()
  const stacked = new Set<string>()
  for (const [key, operand] of first.operands) {
    const all = group.map((node) => node.operands.get(key)!)
    if (all.every((one) => one === operand)) operands.set(key, operand)
    else {
      stacked.add(key)
      operands.set(key, stack(all, 1))
    }
  }
  const change = (expr: Expr): Expr => {
    if (expr.kind === 'binary') return { ...expr, left: change(expr.left), right: change(expr.right) }
    if (expr.kind !== 'read' || !stacked.has(expr.tensor)) return expr
    return read(expr.tensor, expr.at.toSpliced(1, 0, name(step)))
  }
  return comprehension({
    axes: first.axes,
    body: change(first.body),
    operands,
    dtype: first.dtype,
    reduction: { ...first.reduction!, ranges: [...ranges, { index: step, start: 0, extent: group.length }] },
  })
}
