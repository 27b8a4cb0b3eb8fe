// The command line: finds the command, runs it, and turns errors into exit codes.
import { EinfoldError } from '../errors.ts'
import { nearest } from '../formula/nearest.ts'
import { bench } from './bench.ts'
import { check } from './check.ts'
import { type Command, type Terminal, UsageError } from './command.ts'
import { data } from './data.ts'
import { devices } from './devices.ts'
import { explain } from './explain.ts'
import { exportCommand } from './export.ts'
import { run } from './run.ts'

const commands: readonly Command[] = [run, explain, check, exportCommand, data, devices, bench]

const help = `einfold: neural networks written as the formulas in the paper

  A layer is an index formula. Einfold infers the ranges, derives the gradient as another formula, checks it
  against finite differences, and compiles forward, backward and optimiser into one function.

Commands
${commands.map(({ name, summary }) => `  ${name.padEnd(9)} ${summary}`).join('\n')}

  einfold COMMAND --help tells more about each.

Begin with
  einfold run conv-from-scratch                 train a small network on images
  einfold explain "z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]"
                                                see the gradients and the code of a dense layer
  einfold check "z[n] = sum(k<3) x[n+k] * w[k]" prove its gradients against finite differences

Formulas
  z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]        a dense layer: the sum covers the product, and stops at +
  x[c,2*i+u]                                    reads may have any whole-number arithmetic in their indices
  x?[p-1]                                       a read that may fall outside, where it counts as 0
  sum(-1<=q<=1)  max(u<2,v<2)  i<28             ranges that cannot be inferred are written down
`

/** Runs `einfold ARGS`. Gives the exit code: 1 for what failed, 2 for what was not understood. */
export async function commandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(args, terminal)
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.complain(`einfold: ${error.message}\n\neinfold --help shows what there is.`)
      return 2
    }
    if (!(error instanceof EinfoldError)) throw error
    terminal.complain(`einfold: ${error.message}`)
    return 1
  }
}

async function dispatch(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = name === 'help' ? commands.find((command) => command.name === rest[0]) : undefined
    terminal.print((about?.help ?? help).trimEnd())
    return 0
  }
  const command = commands.find((known) => known.name === name)
  if (!command) {
    const meant = nearest(
      name,
      commands.map((known) => known.name),
    )
    const names = commands.map((known) => known.name).join(', ')
    throw new UsageError(`there is no command ${name}; ${meant ? `did you mean ${meant}?` : `there are ${names}`}`)
  }
  const end = rest.indexOf('--')
  const flags = end < 0 ? rest : rest.slice(0, end)
  if (flags.includes('--help') || flags.includes('-h')) {
    terminal.print(command.help.trimEnd())
    return 0
  }
  return command.run(rest, terminal)
}
