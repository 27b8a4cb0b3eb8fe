// Formula text to tokens. Brackets are matched here, so that the parser can look behind a closing one,
// and line ends that only continue a statement are dropped here, so that the parser never sees them.
import { FormulaError, type Span } from '../errors.ts'

export interface Token {
  readonly kind: 'number' | 'name' | 'symbol' | 'break' | 'end'
  readonly text: string
  readonly span: Span
  /** For an opening bracket: the position of its closing bracket in the token list. */
  close: number
}

/** Where a parser stands in a formula, and how deep. */
export interface Reader {
  readonly text: string
  readonly tokens: readonly Token[]
  at: number
  depth: number
}

const blank = /[ \t\r\u00a0]+|#[^\n]*/y
const numeral = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const identifier = /[\p{L}_][\p{L}\p{M}\p{Nd}_]*'*/uy
const symbol = /<=|>=|==|!=|[-+*/%^<>=()[\],?]/y

/** Symbols and words after which a statement cannot be over, so that a line end there means nothing. */
const continues = new Set('<= >= == != + - * / % ^ < > = , ? and or not'.split(' '))

/** Splits a formula into tokens; the last one has kind `end`. Throws FormulaError. */
export function lex(text: string): Token[] {
  const tokens: Token[] = []
  const open: number[] = []
  const push = (kind: Token['kind'], found: string, start: number) =>
    tokens.push({ kind, text: found, span: { start, end: start + found.length }, close: -1 })

  for (let at = 0; at < text.length; ) {
    const skipped = matchAt(blank, text, at)
    if (skipped !== '') {
      at += skipped.length
      continue
    }
    const character = text[at]
    if (character === '\n' || character === ';') {
      const last = tokens.at(-1)
      const statementOver = last !== undefined && last.kind !== 'break' && open.length === 0
      if (character === ';' && open.length > 0) throw unclosed(text, tokens[open.at(-1)!])
      if (statementOver && (character === ';' || !continues.has(last.text))) push('break', character, at)
      at += 1
      continue
    }
    const kind = kindAt(text, at)
    const found = kind.found
    if (found === '(' || found === '[') open.push(tokens.length)
    if (found === ')' || found === ']') close(text, tokens, open, found, at)
    push(kind.kind, found, at)
    at += found.length
  }
  if (open.length > 0) throw unclosed(text, tokens[open.at(-1)!])
  push('end', '', tokens.at(-1)?.span.end ?? text.length)
  return tokens
}

function kindAt(text: string, at: number): { kind: Token['kind']; found: string } {
  for (const [kind, pattern] of patterns) {
    const found = matchAt(pattern, text, at)
    if (found !== '') return { kind, found }
  }
  throw unexpectedCharacter(text, at)
}

const patterns = [
  ['number', numeral],
  ['name', identifier],
  ['symbol', symbol],
] as const

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

function close(text: string, tokens: Token[], open: number[], found: string, at: number): void {
  const span = { start: at, end: at + 1 }
  const opener = open.pop()
  if (opener === undefined) {
    throw new FormulaError(
      'unbalanced-bracket',
      `This \`${found}\` closes nothing. Remove it, or add the \`${partner[found]}\` that it should close.`,
      text,
      span,
    )
  }
  const opened = tokens[opener]
  if (partner[found] !== opened.text) {
    throw new FormulaError(
      'unbalanced-bracket',
      `\`${opened.text}\` is closed by \`${found}\`. Write \`${partner[opened.text]}\` here: ` +
        '[ ] hold the indices of a tensor, ( ) hold everything else.',
      text,
      span,
    )
  }
  opened.close = tokens.length
}

const partner: Readonly<Record<string, string>> = { '(': ')', ')': '(', '[': ']', ']': '[' }

function unclosed(text: string, opened: Token): FormulaError {
  return new FormulaError(
    'unbalanced-bracket',
    `This \`${opened.text}\` is never closed. Add the missing \`${partner[opened.text]}\`.`,
    text,
    opened.span,
  )
}

function unexpectedCharacter(text: string, at: number): FormulaError {
  const character = String.fromCodePoint(text.codePointAt(at)!)
  const pair = text.slice(at, at + 2)
  const found = pair in fixes ? pair : character
  const fix = fixes[found] ?? 'A formula holds names, numbers, ( ) [ ] and the operators + - * / % ^ < <= > >= == !=.'
  return new FormulaError('unexpected-character', `\`${found}\` is not part of the formula language. ${fix}`, text, {
    start: at,
    end: at + found.length,
  })
}

/** What people write who come from paper or from another language. */
const fixes: Readonly<Record<string, string>> = {
  '×': 'Write * to multiply.',
  '·': 'Write * to multiply.',
  '⋅': 'Write * to multiply.',
  '÷': 'Write / to divide.',
  '−': 'Write - (the minus sign of the keyboard).',
  '–': 'Write - (the minus sign of the keyboard).',
  '≤': 'Write <=.',
  '≥': 'Write >=.',
  '≠': 'Write !=.',
  '²': 'Write ^2.',
  '³': 'Write ^3.',
  '√': 'Write sqrt(…).',
  '∞': 'Write inf.',
  '∑': 'Write sum(i) …, with the indices it runs over in the parentheses.',
  '∏': 'Write prod(i) …, with the indices it runs over in the parentheses.',
  '&&': 'Write and.',
  '||': 'Write or.',
  '!': 'Write not, or != for unequal.',
  '|': 'Write abs(…) for an absolute value, or for a logical or.',
  '&': 'Write and.',
  '~': 'Write not.',
  ':': 'There are no slices: give every axis an index, as in x[n,i].',
  '{': 'Write parentheses ( ).',
  '}': 'Write parentheses ( ).',
  '@': 'Write a matrix product as its formula: z[i,k] = sum(j) x[i,j] * y[j,k].',
  '.': 'Write a number as 0.5 or .5; names have no dots.',
  "'": "A prime stands behind a name, as in k'.",
}
