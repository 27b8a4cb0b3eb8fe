#!/usr/bin/env node
// The command line: finds the command, runs it, and turns errors into exit codes.
import { EinfoldError } from '../errors.ts'
import { nearest } from '../formula/nearest.ts'
import { bench } from './bench.ts'
import { check } from './check.ts'
import { type Command, type Terminal, UsageError } from './command.ts'
import { data } from './data.ts'
import { devices } from './devices.ts'
import { explain } from './explain.ts'
import { run } from './run.ts'
import { styleFor } from './style.ts'

const commands: readonly Command[] = [run, explain, check, data, devices, bench]

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

async function main(args: readonly string[], terminal: Terminal): Promise<number> {
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

const terminal: Terminal = {
  print: (text = '') => void process.stdout.write(`${text}\n`),
  complain: (text) => void process.stderr.write(`${text}\n`),
  style: styleFor(process.stdout.isTTY === true && !process.env.NO_COLOR),
}

// A reader that has seen enough (`einfold explain … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

try {
  process.exitCode = await main(process.argv.slice(2), terminal)
} catch (error) {
  if (error instanceof UsageError) {
    terminal.complain(`einfold: ${error.message}\n\neinfold --help shows what there is.`)
    process.exitCode = 2
  } else if (error instanceof EinfoldError) {
    terminal.complain(`einfold: ${error.message}`)
    process.exitCode = 1
  } else throw error
}
