// einfold bench: runs the benchmarks of a checkout.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, UsageError } from './command.ts'

export const bench: Command = {
  name: 'bench',
  summary: 'measure how fast things are (in a checkout of the repository)',
  help: `einfold bench [WORKLOAD …]

  Runs bench/main.ts of the repository with the arguments given, and without any lists workloads and flags.
  Benchmarks are not part of the package: clone the repository for them.
`,
  async run(args) {
    const folder = benchFolder()
    if (!folder)
      throw new UsageError('benchmarks are run from a checkout of the repository, and there is no bench/main.ts here')
    const { status } = spawnSync(process.execPath, ['--import', 'tsx', join(folder, 'main.ts'), ...args], {
      stdio: 'inherit',
      // tsx is looked for from here.
      cwd: dirname(folder),
    })
    return status ?? 1
  },
}

/** The folder bench/ beside src/, or two levels up from the built file; null where there is none. */
function benchFolder(): string | null {
  const here = dirname(fileURLToPath(import.meta.url))
  const candidates = [join(here, '../../bench'), join(here, '../../../bench')]
  return candidates.find((folder) => existsSync(join(folder, 'main.ts'))) ?? null
}
