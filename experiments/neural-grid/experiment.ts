// The draft's neural grid: one operation in several forms, its times, its signals, what it learns and what that looks like.
import { numberFlag } from '../../src/cli/arguments.ts'
import { device } from '../../src/index.ts'
import { progressLog } from '../../src/train/index.ts'
import type { Experiment, Outcome, Settings } from '../experiment.ts'
import { choice, choices, textFlag } from '../flagValues.ts'
import { imagesFor, subset } from '../imageData.ts'
import { percent, surroundings, writePage } from '../page.ts'
import { runFolder } from '../report.ts'
import { runParts } from '../runParts.ts'
import { flags, parts } from './flags.ts'
import { activations, codeOptions, parseSize, readings, sizeText } from './network.ts'
import { type Plan, runPart, titles } from './parts.ts'
import { losses, type Recipe, schedules } from './training.ts'

export const experiment: Experiment = {
  name: 'neural-grid',
  summary: 'units in a grid that see their neighbours, on Fashion-MNIST: loop, unfold, sparse matrix and formula',
  flags,
  run,
}

async function run(settings: Settings): Promise<Outcome> {
  const plan = await planOf(settings)
  const { recipe, split } = plan
  settings.print(`${split.train.name}, on the device ${device().name}`)
  const began = performance.now()
  const found = await runParts(plan, plan.parts, titles, runPart)
  const testAccuracy = found.find((one) => one.testAccuracy !== undefined)?.testAccuracy
  const seconds = (performance.now() - began) / 1000
  const said = testAccuracy === undefined ? '' : `${percent(testAccuracy)} of the test images answered right. `
  const folder = await runFolder(settings.out, experiment.name)
  await writePage(folder, {
    title: experiment.name,
    summary: `${said}Done in ${seconds.toFixed(0)} s.`,
    settings: [
      ['images', `${split.train.name}, ${split.train.shape[0].toLocaleString('en')}`],
      ['grid', sizeText(recipe.network.size)],
      ['activation', recipe.network.activation],
      ['loss', recipe.loss],
      ['fan out', String(recipe.network.fanOut ?? 'as many as fan in')],
      ['reads', recipe.network.reads],
      ['dropout of pixels', String(recipe.network.dropout)],
      ['padded weights', recipe.network.padded ? 'yes' : 'no'],
      ['epochs', String(recipe.epochs)],
      ['batch size', String(recipe.batchSize)],
      ['learning rate', `${recipe.lr}, ${recipe.schedule === 'linear' ? 'falling to 0' : 'constant'}`],
      ...surroundings(settings.seed),
    ],
    sections: found.flatMap(({ sections }) => sections),
    results: Object.assign({}, ...found.map(({ results }) => results)),
  })
  settings.print(`\nreport ${folder}/report.html`)
  return { testAccuracy, folder }
}

async function planOf(settings: Settings): Promise<Plan> {
  const { quick = false, limit, seed, signal, print, flags: own = {} } = settings
  const loss = choice(settings, 'loss', losses) ?? 'cross-entropy'
  const grid = textFlag(own.grid)
  const recipe: Recipe = {
    network: {
      ...codeOptions,
      size: grid ? parseSize(grid) : quick ? { height: 32, layers: 16 } : codeOptions.size,
      activation: choice(settings, 'activation', activations) ?? codeOptions.activation,
      fanOut: numberFlag(textFlag(own['fan-out']), 'fan-out', 'whole number above 0'),
      reads: choice(settings, 'reads', readings) ?? codeOptions.reads,
      padded: own.padded === true,
      denseActivation: loss === 'half-mse',
      dropout: numberFlag(textFlag(own.dropout), 'dropout', 'number above 0') ?? 0,
    },
    loss,
    epochs: settings.epochs ?? (quick ? 8 : 60),
    batchSize: settings.batchSize ?? (quick ? 64 : 256),
    lr: settings.lr ?? (quick ? 1e-3 : 1e-4),
    schedule: choice(settings, 'schedule', schedules) ?? 'constant',
    seed,
    signal,
    log: progressLog(),
  }
  const slow = device().name === 'js'
  const wanted = choices(settings, 'part', parts) ?? parts
  const all = await imagesFor('fashion-mnist', settings)
  const most = limit ?? (quick ? 3000 : slow ? 12_000 : all.train.shape[0])
  return {
    settings,
    parts: wanted,
    split: subset(all, most, Math.ceil(most / 6), print),
    recipe,
    quick: quick || slow,
  }
}
