// Bold, faint and coloured text, where it can be shown.

/** How text is set off; functions that return it unchanged when there is no colour. */
export interface Style {
  bold(text: string): string
  faint(text: string): string
  good(text: string): string
  bad(text: string): string
}

/** `colour` is false for files, pipes, and whoever has set NO_COLOR (https://no-color.org). */
export function styleFor(colour: boolean): Style {
  const wrap = (on: number, off: number) => (text: string) => (colour ? `\x1b[${on}m${text}\x1b[${off}m` : text)
  return { bold: wrap(1, 22), faint: wrap(2, 22), good: wrap(32, 39), bad: wrap(31, 39) }
}
