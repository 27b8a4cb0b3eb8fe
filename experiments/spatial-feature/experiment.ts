// Convolution without weight transport: the document's networks on CIFAR-10, and what its way to store weights does.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { numberFlag } from '../../src/cli/arguments.ts'
import type { Split } from '../../src/data/index.ts'
import { precisions } from '../../src/device/precision.ts'
import { device, type Precision, precision, setPrecision } from '../../src/index.ts'
import { saveParameters } from '../../src/io/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { type EpochRecord, progressLog } from '../../src/train/index.ts'
import type { Experiment, Outcome, Settings } from '../experiment.ts'
import { choice, choices, textFlag } from '../flagValues.ts'
import { imagesFor, subset } from '../imageData.ts'
import { paragraph, percent, type Section, surroundings, table, writePage } from '../page.ts'
import { runFolder } from '../report.ts'
import { runParts } from '../runParts.ts'
import { type Densified, densify } from './densifying.ts'
import { reported, trainingCurves, weightMaps, zeroBars } from './figures.ts'
import { flags, type Part, parts } from './flags.ts'
import { likenesses } from './likeness.ts'
import { type ModelName, type ModelOptions, model, modelNames, modelTitles } from './models.ts'
import { stepCost } from './speed.ts'
import { documentRecipe, type Recipe, schedules, train } from './training.ts'

export const experiment: Experiment = {
  name: 'spatial-feature',
  summary: 'filters wired in place against a convolution on CIFAR-10, and what zeros become when they are trained',
  flags,
  run,
}

interface Plan {
  readonly settings: Settings
  readonly parts: readonly Part[]
  readonly models: readonly ModelName[]
  readonly split: Split
  readonly options: ModelOptions
  readonly recipe: Recipe
  readonly precision: Precision
  /** Of steps that are timed, for each network. */
  readonly milliseconds: number
  readonly folder: string
}

/** What a part adds to the report. */
interface Found {
  readonly section: Section
  readonly results: Readonly<Record<string, unknown>>
  readonly accuracies?: Readonly<Partial<Record<ModelName, number>>>
}

async function run(settings: Settings): Promise<Outcome> {
  const plan = await planOf(settings)
  const usual = precision().allowed
  setPrecision(plan.precision)
  try {
    return await report(plan)
  } finally {
    setPrecision(usual)
  }
}

async function report(plan: Plan): Promise<Outcome> {
  const { settings, options, recipe, split, folder } = plan
  settings.print(`${split.train.name}, on the device ${device().name}`)
  const began = performance.now()
  const found = await runParts(plan, plan.parts, titles, runPart)
  const accuracies: Partial<Record<ModelName, number>> = Object.assign({}, ...found.map((one) => one.accuracies))
  const known = Object.values(accuracies)
  const answers = Object.entries(accuracies).map(
    ([name, share]) => `${modelTitles[name as ModelName]} answers ${percent(share)} of the test images right. `,
  )
  const seconds = (performance.now() - began) / 1000
  await writePage(folder, {
    title: experiment.name,
    summary: `${answers.join('')}Done in ${seconds.toFixed(0)} s.`,
    settings: [
      ['images', `${split.train.name}, ${split.train.shape[0].toLocaleString('en')}`],
      ['networks', plan.models.map((name) => modelTitles[name]).join(', ')],
      ['width', String(options.width)],
      ['fan-in', options.fanIn ?? 'right'],
      ['storage', options.storage ?? 'windows'],
      ['epochs', String(recipe.epochs)],
      ['batch size', String(recipe.batchSize)],
      ['learning rate', `${recipe.lr}, ${recipe.schedule}`],
      ['augmentation', recipe.augment ? 'crops of the image padded by 4, mirrorings' : 'none'],
      ['allowed precision', plan.precision],
      ...surroundings(settings.seed),
    ],
    sections: found.map(({ section }) => section),
    results: Object.assign({}, ...found.map(({ results }) => results)),
  })
  settings.print(`\nreport ${folder}/report.html`)
  return { testAccuracy: known.length > 0 ? Math.max(...known) : undefined, folder }
}

async function planOf(settings: Settings): Promise<Plan> {
  const { quick = false, limit, seed, signal, print, flags: own = {} } = settings
  const isSmall = quick || device().name === 'js'
  const chosenParts = choices(settings, 'part', parts) ?? parts
  const models = choices(settings, 'model', modelNames) ?? modelNames
  const fanIn = choice(settings, 'fan-in', ['right', 'original'] as const)
  const storage = choice(settings, 'storage', ['windows', 'dense'] as const)
  const schedule = choice(settings, 'schedule', Object.keys(schedules) as (keyof typeof schedules)[])
  const width = numberFlag(textFlag(own.width), 'width', 'number above 0') ?? (isSmall ? 0.25 : 1)
  const all = await imagesFor('cifar-10', settings)
  const most = limit ?? (isSmall ? 3000 : all.train.shape[0])
  const split = subset(all, most, limit === undefined && !isSmall ? all.test.shape[0] : Math.ceil(most / 6), print)
  const [, channels, side] = split.train.shape
  return {
    settings,
    parts: chosenParts,
    models,
    split,
    options: { channels, side, classes: split.train.classes.length, width, fanIn, storage },
    recipe: {
      ...documentRecipe,
      epochs: settings.epochs ?? (quick ? 3 : documentRecipe.epochs),
      batchSize: settings.batchSize ?? documentRecipe.batchSize,
      lr: settings.lr ?? documentRecipe.lr,
      schedule: schedule ?? documentRecipe.schedule,
      augment: own.plain !== true,
      seed,
      signal,
      log: progressLog(),
    },
    precision: choice(settings, 'precision', precisions) ?? 'highest',
    milliseconds: quick ? 300 : 5000,
    folder: await runFolder(settings.out, experiment.name),
  }
}

const count = (value: number): string => value.toLocaleString('en')

const titles: Readonly<Record<Part, string>> = {
  cost: 'What a step costs',
  dense: 'Zeros that are trained',
  training: 'Training',
}

const runPart: Readonly<Record<Part, (plan: Plan) => Promise<Found>>> = { cost, dense, training }

async function cost({ settings: { print, seed }, models, options, recipe, milliseconds }: Plan): Promise<Found> {
  const costs = []
  for (const name of models) {
    manualSeed(seed)
    const one = await stepCost(name, options, { ...recipe, milliseconds })
    costs.push(one)
    print(
      `${modelTitles[name].padEnd(32)} ${one.times.medianMs.toFixed(1)} ms a step, ${one.memory.peak.toFixed(0)} MiB so far`,
    )
  }
  const head = [
    `a step of ${recipe.batchSize} images`,
    'parameters',
    'wired weights',
    "as the document's six axes",
    'ms (median)',
    'ms (shortest)',
    'MiB of the step',
    'MiB of parameters and moments',
    'peak MiB of the process so far',
  ]
  const rows = costs.map((one) => [
    modelTitles[one.model],
    count(one.parameters),
    one.meaningful > 0 ? count(one.meaningful) : 'none',
    one.stored > 0 ? count(one.stored) : 'none',
    one.times.medianMs.toFixed(1),
    one.times.shortestMs.toFixed(1),
    one.memory.arena.toFixed(1),
    one.memory.state.toFixed(1),
    one.memory.peak.toFixed(0),
  ])
  return { section: { title: titles.cost, parts: [table(head, rows)] }, results: { cost: costs } }
}

async function dense({ settings: { print }, options, recipe, split }: Plan): Promise<Found> {
  const { batchSize, lr, seed } = recipe
  // At full width the six axes take some gigabytes with gradients and moments; a quarter shows the same.
  const { width: wanted = 1, storage } = options
  const width = storage === 'dense' ? wanted : Math.min(wanted, 0.25)
  const found = await densify(split, {
    model: { ...options, width },
    batchSize: Math.min(batchSize, split.train.shape[0]),
    lr,
    seed,
    looks: [1, 20],
  })
  const { layers, distance } = found
  const total = (value: (layer: Densified['layers'][number]) => number): number =>
    layers.reduce((sum, layer) => sum + value(layer), 0)
  const [stored, meaningful] = [total((layer) => layer.stored), total((layer) => layer.meaningful)]
  const zeros = layers[0].standings.map((_, look) => total(({ standings }) => standings[look].zeros))
  print(`${count(stored)} weights stored, ${count(meaningful)} of them in windows`)
  for (const [look, { step }] of layers[0].standings.entries())
    print(`zeros after ${step} steps: ${count(zeros[look])} (${percent(zeros[look] / stored)})`)
  const rows = layers.map((layer) => [
    `${layer.inChannels}×${layer.side}×${layer.side} → ${layer.outChannels}, ${layer.kernel}×${layer.kernel}`,
    count(layer.stored),
    count(layer.meaningful),
    ...layer.standings.flatMap((at) => [count(at.zeros), percent(at.outside)]),
  ])
  const head = ['layer', 'stored', 'in windows']
  for (const { step } of layers[0].standings)
    head.push(`zeros after ${step} steps`, `squares outside windows after ${step} steps`)
  return {
    section: {
      title: titles.dense,
      parts: [
        paragraph(
          `SpatialDenseNet, ${width} of its width, its weights in the document's six axes. Before the first step it ` +
            `answers as the one of windows does (the outputs differ by ${distance.toExponential(1)} at most).`,
        ),
        table(head, rows),
        { name: 'zeros', picture: zeroBars(found) },
        paragraph('All weights from one channel into the unit in the middle of the first layer:'),
        { name: 'weight-maps', picture: weightMaps(found) },
      ],
    },
    results: { dense: { width, ...found } },
  }
}

interface Run {
  readonly model: ModelName
  readonly parameters: number
  readonly epochs: readonly EpochRecord[]
  /** Of neighbouring filters, for each wired layer, before and after training. */
  readonly likeness: { readonly before: readonly number[]; readonly after: readonly number[] }
}

async function training(plan: Plan): Promise<Found> {
  const { settings, models, options, recipe, split } = plan
  const runs: Run[] = []
  for (const name of models) {
    if (settings.signal.aborted && runs.length > 0) break
    settings.print(modelTitles[name])
    runs.push(await trainOne(name, plan))
  }
  const isDocuments = split.train.name.startsWith('cifar-10') && options.width === 1
  const head = [
    `after ${recipe.epochs} epochs`,
    'parameters',
    'loss in training',
    'test loss',
    'test accuracy',
    'reported accuracy',
    'seconds an epoch',
  ]
  const rows = runs.map(({ model: name, parameters, epochs }) => {
    const last = epochs.at(-1)
    return [
      modelTitles[name],
      count(parameters),
      last?.loss.toFixed(4) ?? '',
      last?.validationLoss?.toFixed(4) ?? '',
      percent(last?.validationAccuracy),
      isDocuments ? percent(reported[name]?.accuracy) : '',
      Math.min(...epochs.map(({ seconds }) => seconds)).toFixed(1),
    ]
  })
  const alike = runs.filter(({ likeness }) => likeness.before.length > 0)
  return {
    section: {
      title: titles.training,
      parts: [
        { name: 'training', picture: trainingCurves(runs, isDocuments) },
        table(head, rows),
        ...(alike.length > 0 ? [paragraph(likenessText), likenessTable(alike)] : []),
      ],
    },
    results: { training: runs },
    accuracies: Object.fromEntries(
      runs.flatMap(({ model: name, epochs }) => {
        const accuracy = epochs.at(-1)?.validationAccuracy
        return typeof accuracy === 'number' ? [[name, accuracy]] : []
      }),
    ),
  }
}

/** Parameters and figures are saved after every epoch. */
async function trainOne(name: ModelName, { options, recipe, split, folder }: Plan): Promise<Run> {
  manualSeed(recipe.seed)
  const { net } = model(name, options)
  const parameters = net.parameters().reduce((sum, { size }) => sum + size, 0)
  const before = await likenesses(net, options)
  const records: EpochRecord[] = []
  const epochs = await train(net, split, {
    ...recipe,
    onEpoch: async (record) => {
      records.push(record)
      await saveParameters(net, join(folder, `${name}.safetensors`))
      await writeFile(
        join(folder, `${name}.json`),
        `${JSON.stringify({ recipe: described(recipe), epochs: records }, null, 2)}\n`,
      )
    },
  })
  return { model: name, parameters, epochs, likeness: { before, after: await likenesses(net, options) } }
}

const described = ({ epochs, batchSize, lr, schedule, augment, seed }: Recipe) => ({
  epochs,
  batchSize,
  lr,
  schedule,
  augment,
  seed,
})

const likenessText =
  'Whether filters that are free to differ become alike: the mean cosine between a filter and its neighbour to the right, ' +
  'layer by layer. In a convolution it is 1.'

function likenessTable(runs: readonly Run[]): string {
  const rows = runs.flatMap(({ model: name, likeness: { before, after } }) => [
    [`${modelTitles[name]}, before training`, ...before.map((value) => value.toFixed(3))],
    ['after', ...after.map((value) => value.toFixed(3))],
  ])
  const layers = Math.max(...runs.map(({ likeness }) => likeness.before.length))
  return table(['', ...Array.from({ length: layers }, (_, at) => `layer ${at + 1}`)], rows)
}
