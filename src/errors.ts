/** Every error Einfold throws on bad input. `code` is stable and made for programs; `message` is made for people. */
export class EinfoldError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** A stretch of formula text: offsets of its first character and of the one after its last. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A mistake in a formula: `message` says what and how to mend it, over the line of text with a caret under the place. */
export class FormulaError extends EinfoldError {
  readonly text: string
  readonly span: Span

  constructor(code: string, message: string, text: string, span: Span) {
    super(code, `${message}\n\n${underline(text, span)}`)
    this.text = text
    this.span = span
  }
}

/** Operands whose shapes or dtypes do not fit the operation. */
export class ShapeError extends EinfoldError {}

/** A file, a download or a data set that is not what it should be. */
export class DataError extends EinfoldError {}

/** A device that is absent, or that cannot do what was asked. */
export class DeviceError extends EinfoldError {}

/** The line of `text` that holds `span`, with carets under the span. */
function underline(text: string, span: Span): string {
  const lineStart = span.start === 0 ? 0 : text.lastIndexOf('\n', span.start - 1) + 1
  const newline = text.indexOf('\n', span.start)
  const lineEnd = newline < 0 ? text.length : newline
  const width = Math.max(1, Math.min(span.end, lineEnd) - span.start)
  return `  ${text.slice(lineStart, lineEnd)}\n  ${' '.repeat(span.start - lineStart)}${'^'.repeat(width)}`
}
