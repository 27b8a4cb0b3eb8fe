// What a command of the command line is.
import type { Style } from './style.ts'

/** Where a command writes. */
export interface Terminal {
  /** Standard output, a line at a time (or several, with newlines). */
  print(text?: string): void
  /** Standard error. */
  complain(text: string): void
  readonly style: Style
}

export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** All that `einfold NAME --help` prints. */
  readonly help: string
  /** Runs with what stands after the command's name. Gives the exit code. Throws UsageError, and EinfoldError. */
  run(args: readonly string[], terminal: Terminal): Promise<number>
}

/** The command line was not understood: exit code 2. */
export class UsageError extends Error {}
