// What each name of a statement means: an index, a constant or a tensor. Afterwards every index has a name of its own.
import type { Span } from '../../errors.ts'
import type { Expr, Range, ReadExpr, ReduceExpr, Statement } from '../../expression/tree.ts'
import { mapChildren, number } from '../../expression/tree.ts'
import { nearest } from '../../formula/nearest.ts'
import { affineOf } from '../../index/index.ts'
import type { Node } from '../node.ts'
import type { Source } from './source.ts'
import { count, fail, list, shapeText, written } from './source.ts'

/** What a formula may name besides indices. */
export interface Environment {
  /** Tensors by name: operands and the statements above. */
  readonly tensors: ReadonlyMap<string, Node>
  readonly numbers: ReadonlyMap<string, number>
  /** Every name asked for so far. */
  readonly used: Set<string>
}

/** An index of a statement. `extent` is null until something tells it. */
export interface Index {
  /** Unique in the statement; differs from the written name where that occurs twice. */
  readonly id: string
  readonly name: string
  readonly start: number
  extent: number | null
  readonly isAxis: boolean
  readonly span: Span | undefined
}

/** A statement whose names are all known: names are ids of indices, constants are numbers. */
export interface Resolved {
  readonly axes: readonly Index[]
  /** All indices by id, outer ones before inner ones. */
  readonly indices: ReadonlyMap<string, Index>
  readonly value: Expr
}

/** Index ids by the names that are in scope. */
type Scope = ReadonlyMap<string, string>

interface Context {
  readonly source: Source
  readonly environment: Environment
  readonly statement: string
  readonly indices: Map<string, Index>
}

/** Throws a FormulaError for a name that means nothing, a wrong rank, a bad bound, a reduction inside an index. */
export function resolveNames(statement: Statement, environment: Environment, source: Source): Resolved {
  const context: Context = { source, environment, statement: statement.name, indices: new Map() }
  const scope = bind(statement.axes, new Map(), true, context)
  const axes = [...context.indices.values()]
  return { axes, indices: context.indices, value: resolve(statement.value, scope, false, context) }
}

function resolve(expr: Expr, scope: Scope, inIndex: boolean, context: Context): Expr {
  switch (expr.kind) {
    case 'number':
      if (inIndex && !Number.isInteger(expr.value)) notWhole(expr, context)
      return expr
    case 'name': {
      const id = scope.get(expr.name)
      if (id !== undefined) return id === expr.name ? expr : { ...expr, name: id }
      return resolveConstant(expr.name, expr.span, scope, inIndex, context)
    }
    case 'read':
      return resolveRead(expr, scope, context)
    case 'reduce': {
      if (inIndex) {
        const fix = 'Compute it in a statement of its own and read that here.'
        fail(context.source, 'reduction-in-index', `An index cannot hold a ${expr.op}. ${fix}`, expr.span)
      }
      return resolveReduce(expr, scope, context)
    }
    default:
      return mapChildren(expr, (part) => resolve(part, scope, inIndex, context))
  }
}

function resolveReduce(expr: ReduceExpr, scope: Scope, context: Context): Expr {
  const inner = bind(expr.ranges, scope, false, context)
  const ranges = expr.ranges.map((range): Range => ({ ...range, index: inner.get(range.index)! }))
  return { ...expr, ranges, body: resolve(expr.body, inner, false, context) }
}

/** Gives each range an id of its own and puts it in scope. */
function bind(ranges: readonly Range[], scope: Scope, areAxes: boolean, context: Context): Scope {
  const inner = new Map(scope)
  for (const range of ranges) {
    let id = range.index
    while (context.indices.has(id)) id += "'"
    inner.set(range.index, id)
    const { start, extent } = boundOf(range, context)
    context.indices.set(id, { id, name: range.index, start, extent, isAxis: areAxes, span: range.span })
  }
  return inner
}

function boundOf({ index, bound, span }: Range, context: Context): { start: number; extent: number | null } {
  if (bound.kind === 'inferred') return { start: 0, extent: null }
  const start = bound.kind === 'extent' ? 0 : wholeConstant(bound.start, context)
  const extent =
    bound.kind === 'extent' ? wholeConstant(bound.extent, context) : wholeConstant(bound.last, context) - start + 1
  if (extent < 1) {
    const range =
      bound.kind === 'extent' ? `0 <= ${index} < ${extent}` : `${start} <= ${index} <= ${start + extent - 1}`
    const fix = 'An index takes at least one value.'
    fail(context.source, 'extent-not-positive', `There is no ${index} with ${range}. ${fix}`, span)
  }
  return { start, extent }
}

/** The value of a bound: an integer expression of numbers and constants; `/` rounds down, as in an index. */
function wholeConstant(expr: Expr, context: Context): number {
  const value = affineOf(resolve(expr, new Map(), true, context), new Map())
  if (value && value.terms.length === 0) return value.constant
  const shown = written(context.source, expr)
  const fix = 'Use whole numbers, constants, and + - * / %.'
  fail(context.source, 'bad-range', `The bound ${shown} is not a whole number known beforehand. ${fix}`, expr.span)
}

/** A bare name that is no index: a number, or a tensor of rank 0. */
function resolveConstant(name: string, span: Span | undefined, scope: Scope, inIndex: boolean, context: Context): Expr {
  const { environment, source } = context
  environment.used.add(name)
  const tensor = environment.tensors.get(name)
  if (tensor) {
    if (tensor.shape.length === 0) return { kind: 'read', tensor: name, at: [], maybe: false, span }
    const indices = sampleIndices(tensor.shape.length)
    const message = `${name} has shape ${shapeText(tensor.shape)} and stands here without indices.`
    fail(source, 'wrong-rank', `${message} Read one element, as in ${name}[${indices}].`, span)
  }
  const value = environment.numbers.get(name)
  if (value === undefined) unknownName(name, span, scope, context)
  const constant: Expr = { ...number(value), span }
  if (inIndex && !Number.isInteger(value)) notWhole(constant, context, name)
  return constant
}

function resolveRead(expr: ReadExpr, scope: Scope, context: Context): Expr {
  const { environment, source } = context
  const { tensor: name } = expr
  environment.used.add(name)
  const tensor = environment.tensors.get(name)
  if (!tensor) {
    const value = environment.numbers.get(name)
    if (value !== undefined) {
      fail(source, 'wrong-rank', `${name} is the number ${value} and has no indices. Write ${name} alone.`, expr.span)
    }
    if (scope.has(name)) {
      const fix = `Its value is ${name} alone; to multiply write ${name} * (…).`
      fail(source, 'index-as-tensor', `${name} is an index here, not a tensor. ${fix}`, expr.span)
    }
    missingOperand(name, expr.span, context)
  }
  const rank = tensor.shape.length
  if (rank !== expr.at.length) {
    const fix =
      rank === 0 ? `Write ${name} alone.` : `Read it as ${name}[${sampleIndices(rank)}], with one index a dimension.`
    const has = `${name} has ${count(rank, 'dimension')} (shape ${shapeText(tensor.shape)})`
    const message = `${has} and is read with ${count(expr.at.length, 'index', 'indices')}. ${fix}`
    fail(source, 'wrong-rank', message, expr.span)
  }
  return mapChildren(expr, (part) => resolve(part, scope, true, context))
}

const sampleIndices = (rank: number): string =>
  rank <= 6
    ? 'ijklmn'.slice(0, rank).split('').join(',')
    : Array.from({ length: rank }, (_, axis) => `i${axis}`).join(',')

function unknownName(name: string, span: Span | undefined, scope: Scope, context: Context): never {
  const { environment, source, statement } = context
  const known = [...scope.keys(), ...environment.tensors.keys(), ...environment.numbers.keys()]
  const meant = suggestion(name, known)
  const fix = meant
    ? `Did you mean ${meant}?`
    : `Give it as an operand, as in { ${name}: 2 }, or let it run as an index, as in ${statement}[${name}] or sum(${name}).`
  const message = `${name} is neither an index here nor an operand (${given(environment)}). ${fix}`
  fail(source, 'unknown-name', message, span)
}

function missingOperand(name: string, span: Span | undefined, context: Context): never {
  const { environment, source } = context
  const meant = suggestion(name, [...environment.tensors.keys(), ...environment.numbers.keys()])
  const fix = meant ? `Did you mean ${meant}?` : `Give it with the others: { ${name}: … }.`
  const message = `The formula reads ${name}, but there is no operand ${name} (${given(environment)}). ${fix}`
  fail(source, 'missing-operand', message, span && { start: span.start, end: span.start + name.length })
}

function given({ tensors, numbers }: Environment): string {
  const names = [...tensors.keys(), ...numbers.keys()]
  return names.length === 0 ? 'none was given' : `given: ${list(names)}`
}

/** The known name that was meant; single letters are too much alike to tell. */
const suggestion = (name: string, known: readonly string[]): string | undefined =>
  name.length > 1 ? nearest(name, known) : undefined

function notWhole(expr: Expr, { source }: Context, name?: string): never {
  const value = expr.kind === 'number' ? expr.value : Number.NaN
  const code = name === undefined ? 'float-in-index' : 'constant-not-integer'
  const message = `An index is a whole number, and ${name === undefined ? value : `${name} is ${value}`}.`
  fail(source, code, `${message} Inside an index, / divides and rounds down, as in x[i/2].`, expr.span)
}
