// Runs the command line: here, or as people do, in a process of its own.
import { spawn } from 'node:child_process'
import { commandLine } from '../../src/cli/commandLine.ts'
import { styleFor } from '../../src/cli/style.ts'

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export async function einfold(...args: string[]): Promise<Finished> {
  let stdout = ''
  let stderr = ''
  const code = await commandLine(args, {
    print: (text = '') => {
      stdout += `${text}\n`
    },
    complain: (text) => {
      stderr += `${text}\n`
    },
    style: styleFor(false),
  })
  return { code, stdout, stderr }
}

export function einfoldProcess(...args: string[]): Promise<Finished> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
    env: { ...process.env, EINFOLD_DEVICE: 'js' },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (text) => {
    stdout += text
  })
  child.stderr.on('data', (text) => {
    stderr += text
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
}
