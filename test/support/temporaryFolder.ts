import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A new empty folder, removed when the test ends. */
export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'einfold-test-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Sets an environment variable (removes it when `value` is undefined) until the test ends. */
export function setEnvironment(context: TestContext, name: string, value: string | undefined): void {
  const before = process.env[name]
  const assign = (to: string | undefined): void => {
    if (to === undefined) delete process.env[name]
    else process.env[name] = to
  }
  assign(value)
  context.after(() => assign(before))
}
