// What an experiment's own flags say.
import { UsageError } from '../src/cli/command.ts'
import type { Settings } from './experiment.ts'

/** The text of a flag that takes one. */
export const textFlag = (value: string | boolean | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined

/** One of some names. Throws UsageError for what is none of `accepted`. */
export function choice<T extends string>(settings: Settings, flag: string, accepted: readonly T[]): T | undefined {
  const [first, ...more] = choices(settings, flag, accepted) ?? []
  if (more.length > 0) throw new UsageError(`--${flag} takes one name, not ${more.length + 1}`)
  return first
}

/** Several, with commas between them. Throws UsageError. */
export function choices<T extends string>(
  { flags: own = {} }: Settings,
  flag: string,
  accepted: readonly T[],
): readonly T[] | undefined {
  return textFlag(own[flag])
    ?.split(',')
    .map((value) => {
      const found = accepted.find((one) => one === value)
      if (!found) throw new UsageError(`--${flag} ${value}: it must be one of ${accepted.join(', ')}`)
      return found
    })
}
