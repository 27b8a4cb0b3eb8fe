// Runs the test files under test/ (or those named on the command line) with node's own runner.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const named = process.argv.slice(2)
const found = readdirSync('test', { recursive: true })
  .map((name) => join('test', name))
  .filter((name) => name.endsWith('.test.ts'))
  .sort()
const files = named.length > 0 ? found.filter((file) => named.some((part) => file.includes(part))) : found
// The oracle computes unless a test chooses another device.
const env = { EINFOLD_DEVICE: 'js', ...process.env }
const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--test', ...files], { stdio: 'inherit', env })
process.exit(status ?? 1)
