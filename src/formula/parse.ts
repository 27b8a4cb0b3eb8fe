// Formula text to tree: recursive descent with precedence climbing over the tokens of lex.ts.
import type { FormulaError, Span } from '../errors.ts'
import { isScalarFunction, scalarFunctions } from '../expression/functions.ts'
import type { Expr, FormulaTree, Range, ReductionOperator, Statement } from '../expression/tree.ts'
import { checkNames } from './check.ts'
import { lex, type Reader, type Token } from './lex.ts'
import { binaryLevel, isBinaryOperator, isReduction, level, numberNames } from './precedence.ts'
import {
  chainedComparison,
  emptyFormula,
  missingAssign,
  missingBody,
  missingOperator,
  notARange,
  reservedName,
  tooDeep,
  unexpected,
  unknownFunction,
  wrongArity,
} from './syntax-errors.ts'

/** Brackets, signs and powers may nest this deep; the trees of sums and products may be this many operators high. */
const nestingLimit = 200
const heightLimit = 1000

/**
 * Reads a formula: statements `name[axes] = expression`, separated by line ends or `;`.
 * Every node carries its span. Throws FormulaError with a caret under the mistake.
 */
export function parse(text: string): FormulaTree {
  const reader: Reader = { text, tokens: lex(text), at: 0, depth: 0 }
  const statements: Statement[] = []
  while (here(reader).kind === 'break') reader.at++
  if (here(reader).kind === 'end') throw emptyFormula(text)
  while (here(reader).kind !== 'end') {
    statements.push(parseStatement(reader))
    if (here(reader).kind !== 'end' && here(reader).kind !== 'break') throw afterExpression(reader)
    while (here(reader).kind === 'break') reader.at++
  }
  const tree = { statements }
  checkNames(tree, text)
  return tree
}

/** Reads a single expression, as it stands on the right of `=`; names are not checked. Throws FormulaError. */
export function parseExpression(text: string): Expr {
  const reader: Reader = { text, tokens: lex(text), at: 0, depth: 0 }
  if (here(reader).kind === 'end') throw emptyFormula(text)
  const expr = parseValue(reader)
  if (here(reader).kind !== 'end') throw afterExpression(reader)
  return expr
}

function parseStatement(reader: Reader): Statement {
  const first = here(reader)
  if (first.kind !== 'name') throw missingAssign(reader)
  const after = reader.tokens[reader.at + 1]
  const head = after.text === '[' ? reader.tokens[after.close + 1] : after
  if (head.text !== '=') throw missingAssign(reader, head)
  requireFree(reader, first)
  const start = reader.at
  reader.at++
  const axes = here(reader).text === '[' ? parseList(reader, parseAxis) : []
  reader.at++
  const value = parseValue(reader)
  return { name: first.text, axes, value, span: spanFrom(reader, start) }
}

function parseValue(reader: Reader): Expr {
  const expr = parseBinary(reader, level.or)
  const deep = deeperThan(expr, heightLimit)
  if (deep) throw tooDeep(reader.text, deep.span!)
  return expr
}

/** The first node found under more than `limit` others. Without recursion, since the tree may be too high for it. */
function deeperThan(expr: Expr, limit: number): Expr | undefined {
  const waiting: [Expr, number][] = [[expr, 0]]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [part, depth] = next
    if (depth > limit) return part
    if (part.kind === 'read') for (const at of part.at) waiting.push([at, depth + 1])
    else if (part.kind === 'unary') waiting.push([part.arg, depth + 1])
    else if (part.kind === 'binary') waiting.push([part.left, depth + 1], [part.right, depth + 1])
    else if (part.kind === 'call') for (const arg of part.args) waiting.push([arg, depth + 1])
    else if (part.kind === 'reduce') waiting.push([part.body, depth + 1])
  }
  return undefined
}

/** Operators of at least the given level, and their operands. */
function parseBinary(reader: Reader, least: number): Expr {
  const start = reader.at
  if (++reader.depth > nestingLimit) throw tooDeep(reader.text, here(reader).span)
  let left = here(reader).text === 'not' ? parseNot(reader, least) : parseUnary(reader)
  let compared = false
  for (;;) {
    const op = here(reader).text
    // The power operator is taken by parsePower, so that it binds tighter than the sign before it.
    if (!isBinaryOperator(op) || binaryLevel[op] < least) break
    if (compared && binaryLevel[op] === level.compare) throw chainedComparison(reader, here(reader).span)
    compared = binaryLevel[op] === level.compare
    reader.at++
    const right = parseBinary(reader, binaryLevel[op] + 1)
    left = { kind: 'binary', op, left, right, span: spanFrom(reader, start) }
  }
  reader.depth--
  return left
}

function parseNot(reader: Reader, least: number): Expr {
  const start = reader.at
  if (least > level.not) {
    throw unexpected(reader, '`not` binds looser than what stands before it.', 'Put it in parentheses: (not …).')
  }
  reader.at++
  const arg = parseBinary(reader, level.not)
  return { kind: 'unary', op: 'not', arg, span: spanFrom(reader, start) }
}

/** A sign and what it stands before. A minus right before a number is the number's own, except that -2^2 is -(2^2). */
function parseUnary(reader: Reader): Expr {
  if (here(reader).text !== '-') return parsePower(reader)
  const start = reader.at
  reader.at++
  const value = numberAt(reader)
  if (value !== undefined && !Number.isNaN(value) && reader.tokens[reader.at + 1].text !== '^') {
    reader.at++
    return { kind: 'number', value: -value, span: spanFrom(reader, start) }
  }
  if (++reader.depth > nestingLimit) throw tooDeep(reader.text, here(reader).span)
  const arg = parseUnary(reader)
  reader.depth--
  return { kind: 'unary', op: '-', arg, span: spanFrom(reader, start) }
}

function parsePower(reader: Reader): Expr {
  const start = reader.at
  const left = parseAtom(reader)
  if (here(reader).text !== '^') return left
  reader.at++
  if (++reader.depth > nestingLimit) throw tooDeep(reader.text, here(reader).span)
  const right = parseUnary(reader)
  reader.depth--
  return { kind: 'binary', op: '^', left, right, span: spanFrom(reader, start) }
}

function parseAtom(reader: Reader): Expr {
  const start = reader.at
  const token = here(reader)
  const next = reader.tokens[reader.at + 1]?.text
  const value = numberAt(reader)
  if (value !== undefined) {
    if (token.kind === 'name' && (next === '[' || next === '?')) throw reservedName(reader.text, token)
    reader.at++
    return { kind: 'number', value, span: token.span }
  }
  if (token.text === '(') {
    reader.at++
    const inner = parseBinary(reader, level.or)
    if (reader.at !== reader.tokens[start].close) throw afterExpression(reader)
    reader.at++
    return inner
  }
  if (token.kind !== 'name' || isWordOperator(token.text)) throw unexpected(reader)
  if (next === '(') return parseCall(reader)
  if (next === '[' || next === '?') return parseRead(reader)
  reader.at++
  return { kind: 'name', name: token.text, span: token.span }
}

/** The value of the number, or of the name of a number, that stands here. */
function numberAt(reader: Reader): number | undefined {
  const { kind, text } = here(reader)
  if (kind === 'number') return Number(text)
  return kind === 'name' && Object.hasOwn(numberNames, text) ? numberNames[text] : undefined
}

function parseRead(reader: Reader): Expr {
  const start = reader.at
  requireFree(reader, here(reader))
  reader.at++
  const maybe = here(reader).text === '?'
  if (maybe) reader.at++
  if (here(reader).text !== '[') {
    throw unexpected(reader, '`?` marks a read that may fall outside.', 'Write the indices after it: x?[i+1].')
  }
  const at = parseList(reader, (inner) => parseBinary(inner, level.or))
  return { kind: 'read', tensor: reader.tokens[start].text, at, maybe, span: spanFrom(reader, start) }
}

function parseCall(reader: Reader): Expr {
  const start = reader.at
  const name = here(reader)
  if (isReduction(name.text) && isReductionHere(reader, name.text)) return parseReduction(reader, name.text)
  if (!isScalarFunction(name.text)) throw unknownFunction(reader, name)
  reader.at++
  const empty = reader.tokens[reader.at + 1].text === ')'
  const args = empty ? [] : parseList(reader, (inner) => parseBinary(inner, level.or))
  if (empty) reader.at += 2
  const span = spanFrom(reader, start)
  if (args.length !== scalarFunctions[name.text].arity) throw wrongArity(reader.text, name.text, args.length, span)
  return { kind: 'call', fn: name.text, args, span }
}

/**
 * Whether the operator's name begins a reduction. Only `max` and `min` are functions as well, of two values: they are
 * reductions when a term follows the closing parenthesis, or, before a minus sign, when the parentheses hold ranges
 * that cannot be two values: `max(a,b) - c` subtracts, `max(i) -x[i]` and `max(u<2,v<2) -x[u,v]` do not.
 */
function isReductionHere(reader: Reader, op: ReductionOperator): boolean {
  if (!isScalarFunction(op)) return true
  const open = reader.tokens[reader.at + 1]
  const next = reader.tokens[open.close + 1]
  const forms = argumentForms(reader)
  if (startsTerm(next)) return forms.every((form) => form !== 'value')
  const onlyRanges = forms.every((form) => form !== 'value') && (forms.length !== 2 || forms.includes('bounded'))
  return onlyRanges && (next.text === '-' || forms.length !== 2)
}

/** What stands between the commas of the brackets that open after here: a bare name, a range with a bound, or a value. */
function argumentForms(reader: Reader): ('name' | 'bounded' | 'value')[] {
  const { tokens } = reader
  const last = tokens[reader.at + 1].close
  const forms: ('name' | 'bounded' | 'value')[] = []
  for (let from = reader.at + 2; from < last; ) {
    let to = from
    let between = 0
    for (; to < last && tokens[to].text !== ','; to++) {
      if (tokens[to].text === '<=') between++
      if (tokens[to].close >= 0) to = tokens[to].close
    }
    if (tokens[from].kind === 'name' && to === from + 1) forms.push('name')
    else if ((tokens[from].kind === 'name' && tokens[from + 1].text === '<') || between === 2) forms.push('bounded')
    else forms.push('value')
    from = to + 1
  }
  return forms
}

function startsTerm(token: Token): boolean {
  if (token.kind === 'name') return !isWordOperator(token.text)
  return token.kind === 'number' || token.text === '('
}

function parseReduction(reader: Reader, op: ReductionOperator): Expr {
  const start = reader.at
  reader.at++
  if (reader.tokens[reader.at + 1].text === ')') {
    throw unexpected({ ...reader, at: reader.at + 1 }, `\`${op}\` needs an index to run over.`, `Write ${op}(i) x[i].`)
  }
  const ranges = parseList(reader, (inner) => parseRange(inner, op))
  const next = here(reader)
  if (!startsTerm(next) && next.text !== '-' && next.text !== 'not') throw missingBody(reader, op, start)
  const body = parseBinary(reader, level.multiply)
  return { kind: 'reduce', op, ranges, body, span: spanFrom(reader, start) }
}

/** `i`, `i < extent`, or `start <= i <= last`. */
function parseRange(reader: Reader, op: string): Range {
  const start = reader.at
  const first = parseBinary(reader, level.add)
  const sign = here(reader).text
  if (first.kind === 'name' && (sign === ',' || sign === ')')) {
    return { index: indexName(reader, start), bound: { kind: 'inferred' }, span: spanFrom(reader, start) }
  }
  if (first.kind === 'name' && sign === '<') return parseExtent(reader, start, op)
  if (sign !== '<=' || reader.tokens[reader.at + 2].text !== '<=') throw notARange(reader, op, start)
  const index = indexName(reader, reader.at + 1)
  reader.at += 3
  const last = parseBinary(reader, level.add)
  requireListed(reader, start, op)
  return { index, bound: { kind: 'between', start: first, last }, span: spanFrom(reader, start) }
}

/** `i` or `i < extent` on the left of a statement: output axes start at 0. */
function parseAxis(reader: Reader): Range {
  const start = reader.at
  const sign = reader.tokens[reader.at + 1].text
  if (here(reader).kind === 'name' && (sign === ',' || sign === ']')) {
    reader.at++
    return { index: indexName(reader, start), bound: { kind: 'inferred' }, span: spanFrom(reader, start) }
  }
  if (here(reader).kind !== 'name' || sign !== '<') throw notARange(reader, undefined, start)
  reader.at++
  return parseExtent(reader, start)
}

function parseExtent(reader: Reader, start: number, op?: string): Range {
  const index = indexName(reader, start)
  reader.at++
  const extent = parseBinary(reader, level.add)
  requireListed(reader, start, op)
  return { index, bound: { kind: 'extent', extent }, span: spanFrom(reader, start) }
}

function indexName(reader: Reader, at: number): string {
  const token = reader.tokens[at]
  if (token.kind !== 'name')
    throw unexpected({ ...reader, at }, 'Here the name of an index is wanted.', 'A range is i, i<10, or -1<=i<=1.')
  requireFree(reader, token)
  return token.text
}

function requireListed(reader: Reader, start: number, op: string | undefined): void {
  const { text } = here(reader)
  if (text !== ',' && text !== ')' && text !== ']') throw notARange(reader, op, start)
}

/** The comma-separated items of the brackets that open here. */
function parseList<Item>(reader: Reader, parseItem: (reader: Reader) => Item): Item[] {
  const { close } = here(reader)
  const items: Item[] = []
  do {
    reader.at++
    if (reader.at === close && items.length === 0) {
      throw unexpected(
        reader,
        'These brackets are empty.',
        'Name the indices; a tensor of rank 0 has no brackets at all.',
      )
    }
    items.push(parseItem(reader))
  } while (here(reader).text === ',')
  if (reader.at !== close) throw afterExpression(reader)
  reader.at++
  return items
}

/** What to say of a token that follows a whole expression where none can. */
function afterExpression(reader: Reader): FormulaError {
  const { text } = here(reader)
  const before = reader.tokens[reader.at - 1]
  const term = startsTerm(here(reader)) || text === '['
  if (term && (before.kind !== 'symbol' || before.text === ')' || before.text === ']')) return missingOperator(reader)
  return unexpected(reader)
}

const here = (reader: Reader): Token => reader.tokens[reader.at]

const isWordOperator = (text: string): boolean => text === 'and' || text === 'or' || text === 'not'

function requireFree(reader: Reader, token: Token): void {
  if (isWordOperator(token.text) || Object.hasOwn(numberNames, token.text)) throw reservedName(reader.text, token)
}

/** From a token to the one just read. */
function spanFrom(reader: Reader, start: number): Span {
  return { start: reader.tokens[start].span.start, end: reader.tokens[reader.at - 1].span.end }
}
