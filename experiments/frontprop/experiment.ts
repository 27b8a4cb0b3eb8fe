// The document's feed-forward networks, and every way to their gradients.

import { numberFlag } from '../../src/cli/arguments.ts'
import type { Split } from '../../src/data/index.ts'
import { device } from '../../src/index.ts'
import { sideBySide } from '../../src/plot/index.ts'
import { progressLog } from '../../src/train/index.ts'
import type { Experiment, Outcome, Settings } from '../experiment.ts'
import { choice, choices, textFlag } from '../flagValues.ts'
import { imagesFor, subset } from '../imageData.ts'
import { paragraph, percent, type Section, surroundings, table, writePage } from '../page.ts'
import { runFolder } from '../report.ts'
import { runParts } from '../runParts.ts'
import { agreementSizes, agreements } from './agreement.ts'
import {
  durationText,
  evolution,
  hitCurves,
  lossCurves,
  type Named,
  type Reported,
  reconstructions,
  timeBars,
} from './figures.ts'
import { flags, type Part, parts } from './flags.ts'
import { evolve } from './genetic.ts'
import { autoencoderSizes, classifierSizes, type Initialization, initializationNames } from './network.ts'
import { type MethodTime, timeMethods } from './timing.ts'
import { documentRecipe, pixelsOf, type Recipe, trainAutoencoder, trainClassifier } from './training.ts'

export const experiment: Experiment = {
  name: 'frontprop',
  summary: 'gradients forwards and backwards, a digit classifier, an autoencoder and a genetic algorithm on MNIST',
  flags,
  run,
}

interface Plan {
  readonly settings: Settings
  readonly parts: readonly Part[]
  readonly split: Split
  readonly recipe: Recipe
  readonly chosen: readonly Initialization[]
  readonly generations: number
  /** Milliseconds for each method that is timed. */
  readonly timing: number
}

/** What a part adds to the report. */
interface Found {
  readonly section: Section
  readonly results: Readonly<Record<string, unknown>>
  readonly testAccuracy?: number
}

async function run(settings: Settings): Promise<Outcome> {
  const plan = await planOf(settings)
  const { recipe, split, generations } = plan
  settings.print(`${split.train.name}, on the device ${device().name}`)
  const began = performance.now()
  const found = await runParts(plan, plan.parts, titles, runPart)
  const accuracies = found.flatMap(({ testAccuracy }) => testAccuracy ?? [])
  const testAccuracy = accuracies.length > 0 ? Math.max(...accuracies) : undefined
  const folder = await runFolder(settings.out, experiment.name)
  const seconds = (performance.now() - began) / 1000
  await writePage(folder, {
    title: 'frontprop',
    summary:
      testAccuracy === undefined
        ? `Done in ${seconds.toFixed(0)} s.`
        : `The best classifier answers ${percent(testAccuracy)} of the test images right. Done in ${seconds.toFixed(0)} s.`,
    settings: [
      ['images', `${split.train.name}, ${split.train.shape[0].toLocaleString('en')}`],
      ['epochs', String(recipe.epochs)],
      ['batch size', String(recipe.batchSize)],
      ['optimiser', recipe.optimizer === 'adam' ? 'Adam' : 'SGD with momentum 0.5'],
      ['learning rate', String(recipe.lr ?? (recipe.optimizer === 'adam' ? 0.01 : 10))],
      ['loss', recipe.loss],
      ['dropout', String(recipe.dropout)],
      ['generations', String(generations)],
      ...surroundings(settings.seed),
    ],
    sections: found.map(({ section }) => section),
    results: Object.assign({}, ...found.map(({ results }) => results)),
  })
  settings.print(`\nreport ${folder}/report.html`)
  return { testAccuracy, folder }
}

async function planOf(settings: Settings): Promise<Plan> {
  const { quick = false, limit, seed, signal, print, flags: own = {} } = settings
  const recipe: Recipe = {
    ...documentRecipe,
    epochs: settings.epochs ?? (quick ? 8 : documentRecipe.epochs),
    batchSize: settings.batchSize ?? (quick ? 100 : documentRecipe.batchSize),
    lr: settings.lr,
    optimizer: choice(settings, 'optimizer', ['sgd', 'adam'] as const) ?? 'sgd',
    loss: choice(settings, 'loss', ['mse', 'cross-entropy'] as const) ?? 'mse',
    dropout: numberFlag(textFlag(own.dropout), 'dropout', 'number above 0') ?? 0,
    seed,
    signal,
    log: progressLog(),
  }
  const initialization = choice(settings, 'init', ['kaiming', 'pytorch', 'normal'] as const)
  const usual = parts.filter((part) => part !== 'wishes' || !(quick || hasWishes(recipe)))
  const chosen = choices(settings, 'part', parts) ?? usual
  const generations = numberFlag(textFlag(own.generations), 'generations', 'whole number above 0')
  const slow = device().name === 'js'
  const all = await imagesFor('mnist', settings)
  const most = limit ?? (quick ? 6000 : slow ? 12_000 : all.train.shape[0])
  return {
    settings,
    parts: chosen,
    split: subset(all, most, Math.ceil(most / 6), print),
    recipe,
    chosen: initialization ? [initialization] : ['kaiming', 'pytorch', 'normal'],
    generations: generations ?? (quick || slow ? 60 : 3000),
    timing: quick ? 60 : 500,
  }
}

const hasWishes = ({ optimizer, loss, dropout }: Recipe): boolean =>
  optimizer !== 'sgd' || loss !== 'mse' || dropout > 0

const titles: Readonly<Record<Part, string>> = {
  gradients: 'The gradient in eight ways',
  classifier: 'The classifier',
  autoencoder: 'The autoencoder',
  wishes: "The document's wish list",
  genetic: 'The genetic algorithm',
}

const runPart: Readonly<Record<Part, (plan: Plan) => Promise<Found>>> = {
  gradients,
  classifier,
  autoencoder,
  wishes,
  genetic,
}

async function gradients({ settings: { print, seed }, split, timing }: Plan): Promise<Found> {
  const agreement = await agreements(seed)
  for (const { method, distance, bound } of agreement)
    print(`${method.padEnd(46)} off by at most ${distance.toExponential(1)} (allowed ${bound.toExponential(1)})`)
  const pixels = pixelsOf(split.train)
  const groups: { name: string; times: readonly MethodTime[] }[] = []
  for (const [what, sizes] of [
    ['classifier', classifierSizes(pixels, split.train.classes.length)],
    ['autoencoder', autoencoderSizes(pixels)],
  ] as const) {
    const times = await timeMethods(sizes, 60_000, timing)
    groups.push({ name: `${what} ${sizes.join('-')}`, times })
    for (const { method, epochSeconds, extrapolated } of times)
      print(
        `${what.padEnd(12)} ${method.padEnd(46)} ${durationText(epochSeconds)}${extrapolated ? ' (extrapolated)' : ''}`,
      )
  }
  const timed = groups.flatMap(({ name, times }) =>
    times.map(({ method, work, epochSeconds, measured, extrapolated }) => [
      `${name}: ${method}`,
      work.toExponential(1),
      durationText(epochSeconds),
      extrapolated ? `${measured.samples} samples, ${measured.weights} weights` : `${measured.samples} samples a batch`,
    ]),
  )
  return {
    section: {
      title: titles.gradients,
      parts: [
        paragraph(
          `In f64, on a network ${agreementSizes.join('-')} with five samples, against equation (2) as written:`,
        ),
        table(
          ['method', 'largest distance', 'allowed'],
          agreement.map(({ method, distance, bound }) => [method, distance.toExponential(1), bound.toExponential(1)]),
        ),
        { name: 'times', picture: timeBars(groups) },
        table(['method', 'multiply-adds a sample', 'an epoch', 'measured on'], timed),
      ],
    },
    results: { agreement, times: groups },
  }
}

/** What the document reports after 16 epochs. */
const reported: Readonly<Record<'classifier' | 'autoencoder', Reported>> = {
  classifier: {
    losses: [
      { name: 'reported, kaiming', from: 0.0159, to: 0.017, color: 0 },
      { name: 'reported, N(0,1)/√fan in', from: 0.0133, to: 0.0146, color: 2 },
    ],
    hits: [
      { name: 'reported, kaiming', from: 89.8, to: 91, color: 0 },
      { name: 'reported, N(0,1)/√fan in', from: 91.3, to: 92.3, color: 2 },
    ],
  },
  autoencoder: {
    losses: [
      { name: 'reported, kaiming', from: 0.056, to: 0.056, color: 0 },
      { name: 'reported, N(0,1)/√fan in', from: 0.047, to: 0.047, color: 2 },
    ],
    hits: [],
  },
}

const unreported: Reported = { losses: [], hits: [] }

type Trainer = typeof trainClassifier

async function trainEach(plan: Plan, trainer: Trainer): Promise<Named[]> {
  const runs: Named[] = []
  for (const initialization of plan.chosen) {
    if (plan.settings.signal.aborted && runs.length > 0) break
    plan.settings.print(initializationNames[initialization])
    const trained = await trainer(plan.split, { ...plan.recipe, initialization })
    runs.push({ name: initializationNames[initialization], trained })
  }
  return runs
}

const lossLabel = ({ loss }: Recipe): string => (loss === 'mse' ? 'mean squared error' : 'cross-entropy')

function standingsTable(runs: readonly Named[]): string {
  const head = [
    'after the last epoch',
    'loss',
    'validation loss',
    'hit rate',
    'validation hit rate',
    'seconds an epoch',
  ]
  const rows = runs.map(({ name, trained: { standings } }) => {
    const { loss, validationLoss, hitRate, validationHitRate } = standings.at(-1)!
    return [
      name,
      loss.toFixed(4),
      validationLoss.toFixed(4),
      percent(hitRate),
      percent(validationHitRate),
      epochText(standings),
    ]
  })
  return table(head, rows)
}

/** The shortest: the first epoch includes compiling, and what else the machine does can only make one longer. */
function epochText(standings: Named['trained']['standings']): string {
  const seconds = standings.slice(1).map((at) => at.seconds)
  return seconds.length === 0 ? '' : Math.min(...seconds).toFixed(3)
}

const standingsOf = (runs: readonly Named[]): Record<string, unknown> =>
  Object.fromEntries(runs.map(({ name, trained: { standings } }) => [name, standings]))

async function classifier(plan: Plan): Promise<Found> {
  const runs = await trainEach(plan, trainClassifier)
  const asked = hasWishes(plan.recipe) ? unreported : reported.classifier
  const picture = sideBySide(
    lossCurves('Classifier', runs, lossLabel(plan.recipe), asked),
    hitCurves('Classifier', runs, asked),
  )
  return {
    section: { title: titles.classifier, parts: [{ name: 'classifier', picture }, standingsTable(runs)] },
    results: { classifier: standingsOf(runs) },
    testAccuracy: Math.max(...runs.map(({ trained }) => trained.standings.at(-1)!.validationHitRate ?? 0)),
  }
}

async function autoencoder(plan: Plan): Promise<Found> {
  const runs = await trainEach(plan, trainAutoencoder)
  const asked = hasWishes(plan.recipe) ? unreported : reported.autoencoder
  const picture = lossCurves('Autoencoder', runs, lossLabel(plan.recipe), asked)
  const digits = await reconstructions(plan.split.test, runs)
  return {
    section: {
      title: titles.autoencoder,
      parts: [{ name: 'autoencoder', picture }, standingsTable(runs), { name: 'reconstructions', picture: digits }],
    },
    results: { autoencoder: standingsOf(runs) },
  }
}

/** What the document wished for, one at a time and together, on its classifier. */
async function wishes(plan: Plan): Promise<Found> {
  const wanted: readonly (readonly [name: string, recipe: Partial<Recipe>])[] = [
    ['as the document', {}],
    ['dropout 0.1', { dropout: 0.1 }],
    ['Adam', { optimizer: 'adam' }],
    ['cross-entropy', { loss: 'cross-entropy', lr: 0.5 }],
    ['Adam and cross-entropy', { optimizer: 'adam', loss: 'cross-entropy' }],
  ]
  const runs: Named[] = []
  for (const [name, changes] of wanted) {
    if (plan.settings.signal.aborted && runs.length > 0) break
    plan.settings.print(name)
    runs.push({
      name,
      trained: await trainClassifier(plan.split, { ...plan.recipe, initialization: 'normal', ...changes }),
    })
  }
  const hits = hitCurves('Wishes', runs, reported.classifier)
  return {
    section: { title: titles.wishes, parts: [{ name: 'wishes', picture: hits }, standingsTable(runs)] },
    results: { wishes: standingsOf(runs) },
    testAccuracy: Math.max(...runs.map(({ trained }) => trained.standings.at(-1)!.validationHitRate ?? 0)),
  }
}

async function genetic({ settings, split, generations, recipe }: Plan): Promise<Found> {
  const { seed, signal, print } = settings
  const shared = { generations, seed, signal }
  const runs = [
    { name: "as the document's program", fittest: await evolve(split, { ...shared, batchSize: 10, original: true }) },
    { name: 'corrected', fittest: await evolve(split, { ...shared, batchSize: recipe.batchSize }) },
  ]
  for (const { name, fittest } of runs) {
    const best = Math.max(...fittest.map(({ hitRate }) => hitRate))
    print(`${name}: at last ${percent(fittest.at(-1)!.hitRate)}, at best ${percent(best)} of the test images`)
  }
  return {
    section: {
      title: titles.genetic,
      parts: [
        { name: 'genetic', picture: evolution(runs) },
        table(
          ['', 'generations', 'hit rate at last', 'error at last'],
          runs.map(({ name, fittest }) => {
            const { generation, hitRate, error } = fittest.at(-1)!
            return [name, generation, percent(hitRate), error.toFixed(4)]
          }),
        ),
      ],
    },
    results: { genetic: Object.fromEntries(runs.map(({ name, fittest }) => [name, fittest])) },
  }
}
