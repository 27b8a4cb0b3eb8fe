// A convolutional network on Fashion-MNIST, as small as one can be: trained, and how an attempt to write it by hand failed.
import { numberFlag } from '../../src/cli/arguments.ts'
import { UsageError } from '../../src/cli/command.ts'
import type { Split } from '../../src/data/index.ts'
import { device, type Tensor } from '../../src/index.ts'
import { confusion, evaluate } from '../../src/train/index.ts'
import type { Experiment, Outcome, Settings } from '../experiment.ts'
import { choice, choices, textFlag } from '../flagValues.ts'
import { imagesFor, subset } from '../imageData.ts'
import { code, paragraph, percent, type Section, surroundings, table, writePage } from '../page.ts'
import { classifierSections, runFolder } from '../report.ts'
import { mistakesAsText, mistakesOf, perClassText } from '../results.ts'
import { storyCurves, trainingCurves, variantFigure } from './figures.ts'
import { flags, type Part, parts } from './flags.ts'
import { claims, judge, type Verdict } from './gradients.ts'
import { initializations, losses } from './network.ts'
import { type Course, type Recipe, recipes, schedules, train } from './recipe.ts'
import { reportedLosses, tell } from './story.ts'
import { compareVariants } from './variants.ts'

export const experiment: Experiment = {
  name: 'conv-from-scratch',
  summary: 'a convolution, tanh and a dense layer on Fashion-MNIST, and the gradients an attempt by hand got wrong',
  flags,
  run,
}

interface Plan {
  readonly settings: Settings
  readonly parts: readonly Part[]
  readonly split: Split
  readonly recipe: Recipe
  /** Without epochs, which each part has its own number of. */
  readonly course: Omit<Course, 'epochs'>
  readonly epochs: Readonly<Record<'training' | 'story' | 'variants', number>>
}

/** What a part adds to the report. */
interface Found {
  /** Said at its top. */
  readonly summary: string
  readonly sections: readonly Section[]
  readonly results: Readonly<Record<string, unknown>>
  readonly testAccuracy?: number
}

async function run(settings: Settings): Promise<Outcome> {
  const plan = await planOf(settings)
  const { split, recipe, course, epochs } = plan
  settings.print(`${split.train.name}, on the device ${device().name}`)
  const found: Found[] = []
  for (const part of plan.parts) {
    if (settings.signal.aborted && found.length > 0) break
    found.push(await runPart[part](plan))
  }
  const folder = await runFolder(settings.out, experiment.name)
  const trained = plan.parts.flatMap((part) => (part === 'gradients' ? [] : [`${part} ${epochs[part]}`]))
  await writePage(folder, {
    title: experiment.name,
    summary: found.map(({ summary }) => summary).join(' '),
    settings: [
      ['images', `${split.train.name}, ${split.train.shape[0].toLocaleString('en')}`],
      ['parts', plan.parts.join(', ')],
      ['epochs', trained.join(', ')],
      ['batch size', String(course.batchSize)],
      ['learning rate', `${recipe.lr}, ${recipe.schedule}`],
      ['weight decay', String(recipe.weightDecay)],
      ['gradients', recipe.gradients],
      ['loss', recipe.loss],
      ['weights begin', recipe.init],
      ['stride', String(recipe.stride)],
      ['pooling', recipe.pool],
      ...surroundings(settings.seed),
    ],
    sections: found.flatMap(({ sections }) => sections),
    results: Object.assign({}, ...found.map(({ results }) => results)),
  })
  settings.print(`report ${folder}/report.html`)
  return { testAccuracy: found.find(({ testAccuracy }) => testAccuracy !== undefined)?.testAccuracy, folder }
}

/** What fits into a minute on two cores, by device. */
function budget(quick: boolean): { readonly train: number; readonly test: number; readonly epochs: number } {
  if (quick) return { train: 1200, test: 400, epochs: 2 }
  return device().name === 'js' ? { train: 12_000, test: 2_000, epochs: 1 } : { train: 60_000, test: 10_000, epochs: 4 }
}

async function planOf(settings: Settings): Promise<Plan> {
  const { print, signal, seed, limit, epochs, batchSize = 60, quick = false } = settings
  const base = choice(settings, 'recipe', namesOf(recipes)) ?? 'short'
  const recipe = changed(recipes[base], settings)
  const chosen = choices(settings, 'part', [...parts, 'all'] as const) ?? [quick ? 'all' : 'training']
  const affordable = budget(quick)
  const all = await imagesFor('fashion-mnist', settings)
  const { train, test } = limit === undefined ? affordable : { train: limit, test: Math.ceil(limit / 6) }
  return {
    settings,
    parts: chosen.includes('all') ? parts : parts.filter((part) => chosen.includes(part)),
    split: subset(all, train, test, print),
    recipe,
    course: { batchSize, seed, signal },
    epochs: {
      training: epochs ?? (base === 'short' || quick ? affordable.epochs : 10),
      story: epochs ?? (quick ? affordable.epochs : reportedLosses.length),
      variants: epochs ?? affordable.epochs,
    },
  }
}

const namesOf = <Name extends string>(record: Readonly<Record<Name, unknown>>) => Object.keys(record) as Name[]

/** A recipe, but for what the flags say. Throws UsageError. */
function changed(base: Recipe, settings: Settings): Recipe {
  const gradients = choice(settings, 'gradients', ['derived', 'document'] as const) ?? base.gradients
  const recipe: Recipe = {
    gradients,
    loss: choice(settings, 'loss', namesOf(losses)) ?? base.loss,
    init: choice(settings, 'init', namesOf(initializations)) ?? base.init,
    // The document's gradients know no bias.
    bias: base.bias && gradients === 'derived',
    lr: settings.lr ?? base.lr,
    weightDecay:
      numberFlag(textFlag(settings.flags?.['weight-decay']), 'weight-decay', 'number above 0') ?? base.weightDecay,
    schedule: choice(settings, 'schedule', namesOf(schedules)) ?? base.schedule,
    pool: choice(settings, 'pool', ['none', 'max', 'average'] as const) ?? base.pool,
    stride: numberFlag(textFlag(settings.flags?.stride), 'stride', 'whole number above 0') ?? base.stride,
  }
  if (recipe.gradients === 'document' && recipe.stride !== 1)
    throw new UsageError(`--stride ${recipe.stride}: the document's gradients are for a stride of 1`)
  return recipe
}

const runPart: Readonly<Record<Part, (plan: Plan) => Promise<Found>>> = { training, gradients, story, variants }

async function training({ settings: { print }, split, recipe, course, epochs }: Plan): Promise<Found> {
  const began = performance.now()
  const validation = epochs.training > 1 ? split.test : undefined
  const { net, history } = await train(split, recipe, { ...course, epochs: epochs.training, validation })
  // Not with the signal: what an interrupted training has learnt is judged all the same.
  const { predictions } = await evaluate(net, split.test)
  const found = confusion(split.test.labels, predictions, split.test.classes)
  const mistakes = mistakesOf(split.test, predictions, 24)
  const seconds = (performance.now() - began) / 1000

  print(`\n${net}\n\n${perClassText(found)}\n\n${mistakesAsText(split.test, mistakes.slice(0, 3))}`)
  const count = split.test.shape[0].toLocaleString('en')
  const accuracy = percent(found.accuracy)
  print(`\ntest accuracy ${accuracy} on ${count} images, after ${seconds.toFixed(0)} s`)
  const sections = classifierSections({
    epochs: history.epochs,
    confusion: found,
    test: split.test,
    mistakes,
    pictures: { title: 'The 16 windows of the convolution', matrices: await windows(net.parameters()[0]) },
  })
  const curves = validation && { name: 'training', picture: trainingCurves(history.epochs) }
  return {
    summary: `${accuracy} of ${count} test images answered right, after ${seconds.toFixed(0)} s of training and testing.`,
    sections: curves ? [{ title: 'Curves', parts: [curves] }, ...sections] : sections,
    results: { ended: history.ended, epochs: history.epochs, testAccuracy: found.accuracy, confusion: found },
    testAccuracy: found.accuracy,
  }
}

/** The first input channel of every window, [16, 5, 5]. */
async function windows(weight: Tensor): Promise<number[][][]> {
  return (await (weight.slice(null, 0) as Tensor<3>).array()) as number[][][]
}

async function gradients({ settings: { print } }: Plan): Promise<Found> {
  print('\nThe gradients before einfold check')
  const verdicts: Verdict[] = []
  for (const claim of claims) {
    const verdict = await judge(claim)
    verdicts.push(verdict)
    print(`${verdict.isRight ? 'right' : 'WRONG'}  ${verdict.title}`)
  }
  const wrong = verdicts.filter(({ isRight }) => !isRight).length
  return {
    summary: `Of ${verdicts.length} gradients that were written by hand ${wrong} are wrong.`,
    sections: [
      {
        title: 'Gradients that were written by hand',
        parts: verdicts.flatMap(({ title, isRight, command, output }) => [
          paragraph(`${title}: ${isRight ? 'right' : 'wrong'}`),
          code(`${command}\n\n${output}`),
        ]),
      },
    ],
    results: { gradients: verdicts },
  }
}

async function story({ settings: { print }, split, course, epochs }: Plan): Promise<Found> {
  print('\nFrom the document to here')
  const chapters = await tell(split, { ...course, epochs: epochs.story }, print)
  const rows = chapters.map(({ name, epochs }): (string | number)[] => [
    name,
    ...[1, 2, epochs.length].map((epoch) => epochs[epoch - 1]?.validationLoss?.toFixed(3) ?? ''),
    ...[1, 2, epochs.length].map((epoch) => percent(epochs[epoch - 1]?.validationAccuracy)),
  ])
  const [first, second] = reportedLosses
  const head = ['', ...['loss', 'accuracy'].flatMap((what) => [`${what} after 1`, 'after 2', 'at last'])]
  return {
    summary: '',
    sections: [
      {
        title: 'From the document to here',
        parts: [
          paragraph("Judged by the test set, and by the document's loss: its gradient is that of the cross-entropy."),
          { name: 'story', picture: storyCurves(chapters) },
          table(head, [['reported', first, second, reportedLosses.at(-1) ?? '', '', '', ''], ...rows]),
        ],
      },
    ],
    results: { story: chapters },
  }
}

async function variants({ settings: { print }, split, recipe, course, epochs }: Plan): Promise<Found> {
  print('\nPooling and strides')
  const compared = await compareVariants(split, recipe, { ...course, epochs: epochs.variants }, print)
  return {
    summary: '',
    sections: [
      {
        title: 'Pooling and strides',
        parts: [
          { name: 'variants', picture: variantFigure(compared) },
          table(
            ['', 'parameters', 'seen by the dense layer', 'test accuracy', 'ms a step'],
            compared.map(({ name, parameters, features, testAccuracy, stepMs }) => [
              name,
              parameters.toLocaleString('en'),
              features.toLocaleString('en'),
              percent(testAccuracy),
              stepMs.toPrecision(3),
            ]),
          ),
        ],
      },
    ],
    results: { variants: compared },
  }
}
