// einfold devices: what can compute here.
import { device, devices as known } from '../index.ts'
import { parseFlags } from './arguments.ts'
import type { Command } from './command.ts'

export const devices: Command = {
  name: 'devices',
  summary: 'what can compute on this machine',
  help: `einfold devices

  Lists the devices, and marks the one that is used unless --device names another.
`,
  async run(args, { print, style }) {
    parseFlags(args, {}, 'devices')
    const chosen = device().name
    for (const { name, available, about } of known()) {
      const mark = name === chosen ? '*' : ' '
      const line = `${mark} ${name.padEnd(8)} ${about}`
      print(available ? line : style.faint(line))
    }
    return 0
  },
}
