// einfold run: an experiment by name.
import type { Flags } from '../../experiments/experiment.ts'
import { experimentFlags, experiments } from '../../experiments/index.ts'
import { imageSetNames } from '../data/index.ts'
import { nearest } from '../formula/nearest.ts'
import { numberFlag, onePositional, parseFlags } from './arguments.ts'
import { type Command, UsageError } from './command.ts'
import { chooseDevice } from './device.ts'

const example = 'einfold run conv-from-scratch'
const names = Object.keys(experiments)

export const run: Command = {
  name: 'run',
  summary: 'train a network of the experiments, and save a report',
  help: `einfold run NAME [flags]

  Trains a network, shows how good it became, and saves a report that opens in a browser.
  Ctrl-C ends training after the current step; what was learnt is still judged and saved.

Experiments
${names.map((name) => `  ${name}`).join('\n')}

Flags
  --epochs N       how often every image is seen
  --batch N        images a step
  --lr X           the learning rate
  --seed N         of weights and order (0)
  --limit N        train on at most N images (and test on a sixth of that)
  --set NAME       the images: ${imageSetNames.join(', ')}
  --data FOLDER    a folder that holds image sets; else that of EINFOLD_DATA, else the cache
  --device NAME    what computes (einfold devices lists them)
  --quick          a minute's version, on the glyphs unless a set is named
  --out DIR        where reports go (runs)
${Object.entries(experimentFlags).map(ownFlagsText).join('')}
Examples
  ${example}
  einfold run conv-from-scratch --epochs 10 --device js
  einfold run frontprop --quick
  einfold run conv-from-scratch --set glyphs --limit 3000
`,
  async run(args, { print, complain }) {
    const own = experimentFlags[names.find((known) => args.includes(known)) ?? ''] ?? {}
    const { values, positionals } = parseFlags(args, { ...own, ...flags }, 'run')
    const name = onePositional(positionals, `the name of an experiment (there are: ${names.join(', ')})`, example)
    if (!Object.hasOwn(experiments, name)) {
      const meant = nearest(name, names)
      throw new UsageError(
        `there is no experiment ${name}; ${meant ? `did you mean ${meant}?` : `there are ${names.join(', ')}`}`,
      )
    }
    if (values.set !== undefined && !imageSetNames.some((known) => known === values.set)) {
      const meant = nearest(values.set, imageSetNames)
      const fix = meant ? `did you mean ${meant}?` : `there are ${imageSetNames.join(', ')}`
      throw new UsageError(`there is no image set ${values.set}; ${fix}`)
    }
    chooseDevice(values.device)
    const experiment = await experiments[name]()
    const stop = new AbortController()
    // Once: a second Ctrl-C ends the process at once.
    process.once('SIGINT', () => {
      complain('\nstopping after this step (Ctrl-C again to end at once)')
      stop.abort()
    })
    await experiment.run({
      epochs: numberFlag(values.epochs, 'epochs', 'whole number above 0'),
      batchSize: numberFlag(values.batch, 'batch', 'whole number above 0'),
      lr: numberFlag(values.lr, 'lr', 'number above 0'),
      seed: numberFlag(values.seed, 'seed', 'whole number') ?? 0,
      limit: numberFlag(values.limit, 'limit', 'whole number above 0'),
      set: values.set,
      data: values.data,
      quick: values.quick,
      flags: Object.fromEntries(
        Object.keys(own).map((flag) => [flag, (values as Record<string, string | boolean>)[flag]]),
      ),
      out: values.out ?? 'runs',
      signal: stop.signal,
      print,
    })
    return 0
  },
}

const flags = {
  epochs: { type: 'string' },
  batch: { type: 'string' },
  lr: { type: 'string' },
  seed: { type: 'string' },
  limit: { type: 'string' },
  set: { type: 'string' },
  data: { type: 'string' },
  device: { type: 'string' },
  quick: { type: 'boolean' },
  out: { type: 'string' },
} as const

function ownFlagsText([name, own]: [string, Flags]): string {
  const flagged = Object.entries(own).map(
    ([flag, { value, about }]) => [`  --${value ? `${flag} ${value}` : flag}`, about] as const,
  )
  const width = Math.max(19, ...flagged.map(([flag]) => flag.length + 2))
  return `\nFlags of ${name} only\n${flagged.map(([flag, about]) => flag.padEnd(width) + about).join('\n')}\n`
}
