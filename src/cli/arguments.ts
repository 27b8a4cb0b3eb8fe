// Flags and positional arguments, checked; what is unknown is answered with what was probably meant.
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { nearest } from '../formula/nearest.ts'
import { UsageError } from './command.ts'

type Options = NonNullable<ParseArgsConfig['options']>

/** `parseArgs`, with positionals allowed and errors for people. Throws UsageError. */
export function parseFlags<const O extends Options>(args: readonly string[], options: O, command: string) {
  for (const { name, raw } of flagsIn(args, options)) {
    if (Object.hasOwn(options, name)) continue
    const meant = nearest(name, Object.keys(options))
    const known = Object.keys(options).map((flag) => `--${flag}`)
    const fix = meant ? `did you mean --${meant}?` : `its flags are ${known.join(', ')}`
    throw new UsageError(`einfold ${command} has no flag ${raw}; ${fix}`)
  }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    // What is left: a flag without its value, or a value where none is taken.
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function flagsIn(args: readonly string[], options: Options): { readonly name: string; readonly raw: string }[] {
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true })
  return tokens.flatMap((token) => (token.kind === 'option' ? [{ name: token.name, raw: token.rawName }] : []))
}

/** A number given to a flag; undefined when it was not given. Throws UsageError unless it is `accepted`. */
export function numberFlag(
  text: string | undefined,
  flag: string,
  accepted: 'whole number above 0' | 'whole number' | 'number above 0',
): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  const isWhole = accepted === 'number above 0' || Number.isSafeInteger(value)
  const isEnough = accepted === 'whole number' ? value >= 0 : value > 0
  if (text.trim() !== '' && Number.isFinite(value) && isWhole && isEnough) return value
  throw new UsageError(`--${flag} takes a ${accepted}, not ${JSON.stringify(text)}`)
}

/** The one positional argument of a command. Throws UsageError. */
export function onePositional(positionals: readonly string[], what: string, example: string): string {
  if (positionals.length === 1) return positionals[0]
  if (positionals.length === 0) throw new UsageError(`${what} is missing, as in:\n  ${example}`)
  throw new UsageError(
    `${positionals.length} arguments where one belongs: ${what} (is it in quotes?), as in:\n  ${example}`,
  )
}
