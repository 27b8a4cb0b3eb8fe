// The constructors of nodes. Nodes of equal structure are one object while it is alive, so that shared work is seen as such.
import type { Dtype, TypedArray } from '../dtype.ts'
import { EinfoldError } from '../errors.ts'
import { isScalarFunction, scalarFunctions } from '../expression/functions.ts'
import { simplify } from '../expression/simplify.ts'
import type { Expr, ReadExpr } from '../expression/tree.ts'
import type {
  BoundRange,
  ComprehensionNode,
  DataNode,
  InputNode,
  Node,
  ParameterCell,
  ParameterNode,
  Reduction,
  RuleNode,
  ScatterNode,
  Shape,
  StorageRef,
} from './node.ts'
import { sizeOf } from './node.ts'
import { dtypeOf, reductionDtype } from './typing.ts'

export type Operands = ReadonlyMap<string, Node> | Readonly<Record<string, Node>>

/**
 * A comprehension; see `ComprehensionNode` for what body, reduction and operands mean. Operands that nothing reads are left
 * out. The body is simplified; `dtype` is inferred when absent. A comprehension that copies a tensor is that tensor.
 * Throws an EinfoldError `invalid-node` when names, ranks or extents do not fit.
 */
export function comprehension(parts: {
  readonly axes: readonly BoundRange[]
  readonly reduction?: Reduction | null
  readonly body: Expr
  readonly operands: Operands
  readonly dtype?: Dtype
}): Node {
  const { axes } = parts
  const reduction = parts.reduction ?? null
  const given = operandMap(parts.operands)
  const bodyDtype = dtypeOf(parts.body, (name) => operand(given, name).dtype)
  const dtype = parts.dtype ?? (reduction ? reductionDtype(reduction.op, bodyDtype) : bodyDtype)
  const body = simplify(parts.body)
  const where = reduction?.where ? simplify(reduction.where) : null
  if (!reduction && body.kind === 'read') {
    const of = operand(given, body.tensor)
    if (of.dtype === dtype && isWholeRead(body, axes, of.shape)) return of
  }
  const key = new KeyWriter(given)
  key.text = `c${dtype}`
  key.bindAll(axes)
  for (const { start, index } of axes) if (start !== 0) invalid(`axis ${index} starts at ${start}, not at 0`)
  if (reduction) {
    key.text += `|${reduction.op}`
    key.bindAll(reduction.ranges)
  }
  key.text += ':'
  key.write(body)
  if (where) {
    key.text += '?'
    key.write(where)
  }
  return unique(
    key.text,
    (id): ComprehensionNode => ({
      kind: 'comprehension',
      id,
      shape: axes.map((axis) => axis.extent),
      dtype,
      axes,
      reduction: reduction && { ...reduction, where },
      body,
      operands: key.used,
    }),
  )
}

/** The same numbers in memory of their own. */
export function copyNode(of: Node): ComprehensionNode {
  const axes = of.shape.map((extent, axis) => ({ index: `i${axis}`, start: 0, extent }))
  const at = axes.map((axis): Expr => ({ kind: 'name', name: axis.index }))
  return {
    kind: 'comprehension',
    id: nextId(),
    shape: of.shape,
    dtype: of.dtype,
    axes,
    reduction: null,
    body: { kind: 'read', tensor: 'x', at, maybe: false },
    operands: new Map([['x', of]]),
  }
}

/** Whether a read over the axes gives the very tensor that is read. */
const isWholeRead = ({ at }: ReadExpr, axes: readonly BoundRange[], shape: Shape): boolean =>
  at.length === axes.length &&
  at.length === shape.length &&
  at.every(
    (index, axis) => index.kind === 'name' && index.name === axes[axis].index && axes[axis].extent === shape[axis],
  )

/** The same elements under another shape of as many elements. A reshape of a reshape is one; one to the same shape is none. */
export function reshapeNode(of: Node, shape: Shape): Node {
  const root = of.kind === 'reshape' ? of.of : of
  if (sizeOf(shape) !== sizeOf(root.shape)) {
    invalid(
      `a tensor of shape [${root.shape}] has ${sizeOf(root.shape)} elements, shape [${shape}] has ${sizeOf(shape)}`,
    )
  }
  if (sameShape(root.shape, shape)) return root
  return unique(`r${root.id}[${shape}]`, (id) => ({
    kind: 'reshape',
    id,
    shape: [...shape],
    dtype: root.dtype,
    of: root,
  }))
}

/** Zeros to which values are added at computed positions; see `ScatterNode`. `dtype` is inferred when absent. */
export function scatterNode(parts: {
  readonly shape: Shape
  readonly ranges: readonly BoundRange[]
  readonly at: readonly Expr[]
  readonly value: Expr
  readonly operands: Operands
  readonly dtype?: Dtype
}): Node {
  const { shape, ranges, at } = parts
  const given = operandMap(parts.operands)
  const inferred = reductionDtype(
    'sum',
    dtypeOf(parts.value, (name) => operand(given, name).dtype),
  )
  const dtype = parts.dtype ?? inferred
  const value = simplify(parts.value)
  if (at.length !== shape.length) invalid(`a scatter into ${shape.length} dimensions has ${at.length} indices`)
  const key = new KeyWriter(given)
  key.text = `s${dtype}[${shape}]`
  key.bindAll(ranges)
  for (const index of at) {
    key.text += '@'
    key.write(index)
  }
  key.text += ':'
  key.write(value)
  return unique(
    key.text,
    (id): ScatterNode => ({ kind: 'scatter', id, shape: [...shape], dtype, ranges, at, value, operands: key.used }),
  )
}

/** `of` with a derivative of its own; see `RuleNode`. The same rule over the same nodes is one node. */
export function ruleNode(parts: Pick<RuleNode, 'rule' | 'of' | 'inputs' | 'vjp'>): Node {
  const { rule, of, inputs, vjp } = parts
  const key = `u${rule}|${of.id}|${inputs.map((input) => input.id)}`
  return unique(key, (id) => ({ kind: 'rule', id, shape: of.shape, dtype: of.dtype, rule, of, inputs, vjp }))
}

/** Data of up to so many elements is one node for all tensors of these numbers. */
export const sharedSize = 16

/** Numbers that are there. The array is kept, not copied; arrays of up to 16 elements are shared by value. */
export function dataNode(values: TypedArray, shape: Shape, dtype: Dtype): Node {
  checkLength(values, shape)
  const make = (id: number): Node => ({
    kind: 'data',
    id,
    shape: [...shape],
    dtype,
    storage: { host: values, device: null },
  })
  if (values.length > sharedSize) return make(nextId())
  return unique(`d${dtype}[${shape}]${Array.from(values, numberKey)}`, make)
}

/** A new parameter: a tensor that `assign` may change; each call makes a new one. */
export function parameterNode(name: string, values: TypedArray, shape: Shape, dtype: Dtype): ParameterNode {
  checkLength(values, shape)
  const cell = { name } as ParameterCell
  const node = parameterVersion(cell, { host: values, device: null }, shape, dtype)
  cell.current = node
  return node
}

/** A parameter after an assignment: a node of its own, over the given numbers. */
export function parameterVersion(cell: ParameterCell, storage: StorageRef, shape: Shape, dtype: Dtype): ParameterNode {
  return { kind: 'parameter', id: nextId(), shape: [...shape], dtype, cell, storage }
}

/** Numbers that the runtime has computed and holds. */
export function storedNode(storage: StorageRef, shape: Shape, dtype: Dtype): DataNode {
  return { kind: 'data', id: nextId(), shape: [...shape], dtype, storage }
}

/** The argument at `position` of a step being traced; each call makes a new one. */
export function inputNode(position: number, shape: Shape, dtype: Dtype): InputNode {
  return { kind: 'input', id: nextId(), shape: [...shape], dtype, position }
}

let lastId = 0
const nextId = (): number => ++lastId

const alive = new Map<string, WeakRef<Node>>()
const forget = new FinalizationRegistry<string>((key) => {
  if (alive.get(key)?.deref() === undefined) alive.delete(key)
})

function unique(key: string, make: (id: number) => Node): Node {
  const known = alive.get(key)?.deref()
  if (known) return known
  const node = make(nextId())
  alive.set(key, new WeakRef(node))
  forget.register(node, key)
  return node
}

/**
 * Writes what makes a node what it is: operands by their ids, indices by their place, so that names do not matter.
 * Checks names, ranks and arities on the way.
 */
class KeyWriter {
  text = ''
  /** The operands read so far, in order of first use. */
  readonly used = new Map<string, Node>()
  private readonly given: ReadonlyMap<string, Node>
  private readonly places = new Map<string, number>()

  constructor(given: ReadonlyMap<string, Node>) {
    this.given = given
  }

  bindAll(ranges: readonly BoundRange[]): void {
    for (const { index, start, extent } of ranges) {
      if (this.places.has(index)) invalid(`the index ${index} is bound twice`)
      if (!Number.isSafeInteger(extent) || extent < 0) invalid(`the index ${index} has extent ${extent}`)
      if (!Number.isSafeInteger(start)) invalid(`the index ${index} starts at ${start}`)
      this.places.set(index, this.places.size)
      this.text += start === 0 ? `,${extent}` : `,${start}+${extent}`
    }
  }

  write(expr: Expr): void {
    switch (expr.kind) {
      case 'number':
        this.text += `#${numberKey(expr.value)}`
        return
      case 'name': {
        const place = this.places.get(expr.name)
        if (place === undefined) invalid(`${expr.name} is not an index here`)
        this.text += `i${place}`
        return
      }
      case 'read': {
        const of = operand(this.given, expr.tensor)
        if (of.shape.length !== expr.at.length) {
          invalid(`${expr.tensor} has ${of.shape.length} dimensions and is read with ${expr.at.length} indices`)
        }
        this.used.set(expr.tensor, of)
        this.text += `${expr.maybe ? '?' : ''}n${of.id}`
        if (expr.at.length > 0) this.writeAll(expr.at)
        return
      }
      case 'unary':
        this.text += expr.op === '-' ? '~' : '!'
        this.write(expr.arg)
        return
      case 'binary':
        this.text += `(${expr.op}`
        this.write(expr.left)
        this.write(expr.right)
        this.text += ')'
        return
      case 'call': {
        const { fn, args } = expr
        if (!isScalarFunction(fn)) invalid(`there is no function ${fn}`)
        if (args.length !== scalarFunctions[fn].arity) {
          invalid(`${fn} takes ${scalarFunctions[fn].arity} arguments, not ${args.length}`)
        }
        this.text += fn
        this.writeAll(args)
        return
      }
      case 'reduce':
        invalid(`a ${expr.op} inside a body: each reduction is a node of its own`)
    }
  }

  private writeAll(exprs: readonly Expr[]): void {
    this.text += '['
    for (const expr of exprs) {
      this.write(expr)
      this.text += ','
    }
    this.text += ']'
  }
}

const operandMap = (operands: Operands): ReadonlyMap<string, Node> =>
  operands instanceof Map ? operands : new Map(Object.entries(operands))

function operand(operands: ReadonlyMap<string, Node>, name: string): Node {
  return operands.get(name) ?? invalid(`there is no operand ${name}`)
}

function checkLength(values: TypedArray, shape: Shape): void {
  if (values.length !== sizeOf(shape)) invalid(`shape [${shape}] has ${sizeOf(shape)} elements, not ${values.length}`)
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((extent, axis) => extent === b[axis])

const numberKey = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))

function invalid(message: string): never {
  throw new EinfoldError('invalid-node', message)
}
