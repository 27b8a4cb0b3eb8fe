#!/usr/bin/env node
// The program einfold.
import { commandLine } from './commandLine.ts'
import { styleFor } from './style.ts'

// A reader that has seen enough (`einfold explain … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.exitCode = await commandLine(process.argv.slice(2), {
  print: (text = '') => void process.stdout.write(`${text}\n`),
  complain: (text) => void process.stderr.write(`${text}\n`),
  style: styleFor(process.stdout.isTTY === true && !process.env.NO_COLOR),
})
