// einfold devices: what can compute here.
import { device, devices as known } from '../index.ts'
import { parseFlags } from './arguments.ts'
import type { Command } from './command.ts'

export const devices: Command = {
  name: 'devices',
  summary: 'what can compute on this machine',
  help: `einfold devices

  Lists the devices, and marks the one that is used unless --device names another. Under each stands what
  it computes matrix products in at each precision (setPrecision).
`,
  async run(args, { print, style }) {
    parseFlags(args, {}, 'devices')
    const chosen = device().name
    for (const { name, available, about, precision } of known()) {
      const mark = name === chosen ? '*' : ' '
      const line = `${mark} ${name.padEnd(8)} ${about}`
      print(available ? line : style.faint(line))
      if (!available) continue
      for (const allowed of ['highest', 'high', 'medium'] as const) {
        print(style.faint(`    products, ${allowed.padEnd(7)}  ${precision(allowed)?.about}`))
      }
    }
    return 0
  },
}
