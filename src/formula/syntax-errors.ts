// What the parser says of a formula it cannot read: what is wrong, where, and what would be right.
import { FormulaError, type Span } from '../errors.ts'
import { isScalarFunction, type ScalarFunctionName, scalarFunctions } from '../expression/functions.ts'
import type { Reader, Token } from './lex.ts'
import { nearest } from './nearest.ts'
import { isReduction, reductionNames } from './precedence.ts'

export const emptyFormula = (text: string): FormulaError =>
  new FormulaError(
    'empty-formula',
    'The formula is empty. Write a result and what it is, such as z[i] = 2*x[i].',
    text,
    endOf(text),
  )

/** A statement that does not begin `name =` or `name[axes] =`. */
export function missingAssign(reader: Reader, head?: Token): FormulaError {
  const first = reader.tokens[reader.at]
  if (first.kind === 'symbol' && reader.at > 0 && '+-*/%^<=>='.includes(first.text)) {
    return new FormulaError(
      'assign-missing',
      `A line cannot begin with \`${first.text}\`. To go on with the line above, end that one with \`${first.text}\`.`,
      reader.text,
      first.span,
    )
  }
  const missing = head ?? first
  const compares = missing.text === '=='
  return new FormulaError(
    'assign-missing',
    compares
      ? '`==` compares. Write a single `=` between the result and what it is.'
      : 'A `=` is missing here. A formula names its result first, with its axes: z[i] = 2*x[i], or z = 1 without axes.',
    reader.text,
    missing.span,
  )
}

export function missingOperator(reader: Reader): FormulaError {
  const before = reader.tokens[reader.at - 1]
  const token = reader.tokens[reader.at]
  if (before.kind === 'name' && (isScalarFunction(before.text) || isReduction(before.text))) {
    return new FormulaError(
      'missing-operator',
      `\`${before.text}\` needs parentheses. Write ${usage(before.text)}.`,
      reader.text,
      before.span,
    )
  }
  const bracket = token.text === '['
  return new FormulaError(
    'missing-operator',
    bracket
      ? 'Only a tensor can be followed by `[`. Write its name before the brackets, as in x[i].'
      : `Between \`${before.text}\` and \`${token.text}\` an operator or a comma is missing. A product is written with *.`,
    reader.text,
    { start: before.span.start, end: token.span.end },
  )
}

export function missingBody(reader: Reader, op: string, start: number): FormulaError {
  const ranges = reader.text.slice(reader.tokens[start].span.start, reader.tokens[reader.at - 1].span.end)
  const two = isScalarFunction(op) ? `, or give ${op} two values: ${op}(a, b)` : ''
  return new FormulaError(
    'missing-body',
    `\`${ranges}\` has nothing to reduce. Write what it reduces after it: ${ranges} x[…]${two}.`,
    reader.text,
    { start: reader.tokens[start].span.start, end: reader.tokens[reader.at - 1].span.end },
  )
}

/** A reduction's parentheses, or (without `op`) the axes of a statement, that hold something else than ranges. */
export function notARange(reader: Reader, op: string | undefined, start: number): FormulaError {
  const from = reader.tokens[start].span.start
  let end = start
  for (; ![',', ')', ']', ''].includes(reader.tokens[end].text); end++) {
    if (reader.tokens[end].close >= 0) end = reader.tokens[end].close
  }
  const span = { start: from, end: Math.max(from + 1, reader.tokens[Math.max(start, end - 1)].span.end) }
  const found = reader.text.slice(span.start, span.end)
  return new FormulaError(
    'bad-range',
    op === undefined
      ? `\`${found}\` is not an axis. On the left of = write an index, i, or one with its extent, i<10; it starts at 0.`
      : `\`${found}\` is not a range. In the parentheses of ${op} write the indices it runs over, i or i<10 or ` +
          `-1<=i<=1, and what it reduces after them: ${op}(i) x[i].`,
    reader.text,
    span,
  )
}

export const chainedComparison = (reader: Reader, span: Span): FormulaError =>
  new FormulaError(
    'chained-comparison',
    'Comparisons do not chain. Write both and join them: a < b and b < c.',
    reader.text,
    span,
  )

export function unknownFunction(reader: Reader, name: Token): FormulaError {
  const meant = Object.hasOwn(otherNames, name.text) ? otherNames[name.text] : nearest(name.text, callable)
  const isTensor = reader.tokens.some(
    (token, at) => token.text === name.text && ['[', '?'].includes(reader.tokens[at + 1]?.text),
  )
  const otherwise = `To read a tensor write ${name.text}[i]; to multiply write ${name.text}*(…).`
  const told = isTensor
    ? `\`${name.text}\` is a tensor, not a function.`
    : meant !== undefined
      ? `There is no function \`${name.text}\`. Did you mean \`${meant}\`, as in ${usage(meant)}?`
      : `There is no function \`${name.text}\`; there are ${callable.join(', ')}.`
  const shown = isTensor || meant === undefined ? `${told} ${otherwise}` : told
  return new FormulaError('unknown-function', shown, reader.text, name.span)
}

const callable: readonly string[] = [...new Set([...Object.keys(scalarFunctions), ...reductionNames])]

/** Functions under the names they have elsewhere. */
const otherNames: Readonly<Record<string, string>> = {
  ln: 'log',
  avg: 'mean',
  average: 'mean',
  product: 'prod',
  Σ: 'sum',
  Π: 'prod',
  maximum: 'max',
  minimum: 'min',
  power: 'pow',
  logistic: 'sigmoid',
  swish: 'silu',
  heaviside: 'where',
  if: 'where',
  select: 'where',
  arctan2: 'atan2',
  fabs: 'abs',
  clip: 'clamp',
  detach: 'stopGradient',
}

export function wrongArity(text: string, fn: ScalarFunctionName, given: number, span: Span): FormulaError {
  const { arity, about } = scalarFunctions[fn]
  const written = about.startsWith(`${fn}(`) ? about : `${usage(fn)}: ${about}`
  const reduction = isReduction(fn) ? ` As a reduction it is followed by what it reduces: ${fn}(i) x[i].` : ''
  const message = `\`${fn}\` takes ${argumentsOf(arity)}, not ${given}. Write ${written}.${reduction}`
  return new FormulaError('wrong-arity', message, text, span)
}

const argumentsOf = (count: number): string => (count === 1 ? '1 argument' : `${count} arguments`)

/** How a function or a reduction is written. */
function usage(fn: string): string {
  if (!isScalarFunction(fn)) return `${fn}(i) x[i]`
  const args = signatures[fn] ?? (scalarFunctions[fn].arity === 1 ? 'x' : 'x, y')
  return `${fn}(${args})`
}

const signatures: Readonly<Record<string, string>> = {
  clamp: 'x, low, high',
  where: 'condition, a, b',
  uniform: 'seed, stream, step, i',
  atan2: 'y, x',
}

export const reservedName = (text: string, token: Token): FormulaError =>
  new FormulaError(
    'reserved-name',
    `\`${token.text}\` has a meaning of its own in formulas and cannot name a tensor or an index. Choose another name.`,
    text,
    token.span,
  )

export const tooDeep = (text: string, span: Span): FormulaError =>
  new FormulaError(
    'too-deep',
    'The formula is nested too deeply here. Give parts of it names, in statements of their own above it.',
    text,
    span,
  )

/** A token that cannot stand where the parser is; `what` says why if the parser knows. */
export function unexpected(reader: Reader, what?: string, fix?: string): FormulaError {
  const token = reader.tokens[reader.at]
  const before = reader.tokens[reader.at - 1]
  const after = before ? ` after \`${before.text}\`` : ''
  const over = token.kind === 'end' || token.kind === 'break'
  const told = over
    ? `The statement ends too early: a value is missing${after}. Write one, or remove what stands before it.`
    : `${what ?? `\`${token.text}\` cannot stand here${after}.`} ${fix ?? hints[token.text] ?? ''}`
  return new FormulaError('unexpected-token', told.trim(), reader.text, token.span)
}

const hints: Readonly<Record<string, string>> = {
  '=': 'To compare write ==; a further statement begins on a line of its own or after a semicolon.',
  ',': 'A comma stands between indices and between arguments only.',
  ')': 'A value is missing before it.',
  ']': 'An index is missing before it.',
  '*': 'A value is missing before it; a power is written x^2.',
  '?': 'It marks a read that may fall outside: x?[i+1].',
  '+': 'A value is missing before it; a number needs no plus sign.',
}

const endOf = (text: string): Span => ({ start: text.length, end: text.length })
