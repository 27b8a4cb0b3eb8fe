// An experiment in parts, one after the other.
import type { Settings } from './experiment.ts'

/** What each part found; parts that come after an interruption are left out. */
export async function runParts<Part extends string, Plan extends { readonly settings: Settings }, Found>(
  plan: Plan,
  parts: readonly Part[],
  titles: Readonly<Record<Part, string>>,
  run: Readonly<Record<Part, (plan: Plan) => Promise<Found>>>,
): Promise<readonly Found[]> {
  const { print, signal } = plan.settings
  const found: Found[] = []
  for (const part of parts) {
    if (signal.aborted) break
    print(`\n${titles[part]}`)
    found.push(await run[part](plan))
  }
  return found
}
