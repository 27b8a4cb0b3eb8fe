// What each part does, prints and adds to the report.
import { type ImageSet, type Split, take } from '../../src/data/index.ts'
import type { Settings } from '../experiment.ts'
import { paragraph, percent, type Section, table } from '../page.ts'
import { agreementSize, agreements, allowed } from './agreement.ts'
import { matrixDrawing, unfoldDrawing } from './drawings.ts'
import {
  activationPictures,
  formTitles,
  isTimed,
  layerMatrix,
  type Named,
  parameterPictures,
  reachPictures,
  strengthPictures,
  timeLines,
  trainingCurves,
  variantBars,
} from './figures.ts'
import type { Part } from './flags.ts'
import { activationMaps, distinctMaps, parameterMaps } from './maps.ts'
import { type GridSize, type NetworkOptions, sizeText } from './network.ts'
import { reachEnds, reachOf } from './reach.ts'
import { type FormTime, otherTimes, timedForms, timeForms } from './timing.ts'
import { type Recipe, train } from './training.ts'
import { expectedStrength, strengths } from './variance.ts'

export interface Plan {
  readonly settings: Settings
  readonly parts: readonly Part[]
  readonly split: Split
  readonly recipe: Recipe
  readonly quick: boolean
}

/** What a part adds to the report. */
export interface Found {
  readonly sections: readonly Section[]
  readonly results: Readonly<Record<string, unknown>>
  readonly testAccuracy?: number
}

export const titles: Readonly<Record<Part, string>> = {
  forms: 'Loop, unfold, sparse matrix and formula are one operation',
  times: 'What each form costs',
  variance: 'Signal and gradient through the layers',
  training: 'Training',
  variants: 'Other settings',
  grids: 'Other grids',
}

export const runPart: Readonly<Record<Part, (plan: Plan) => Promise<Found>>> = {
  forms,
  times,
  variance,
  training,
  variants,
  grids,
}

async function forms({ settings: { print, seed } }: Plan): Promise<Found> {
  const found = await agreements(seed)
  for (const { form, activation, output, gradient } of found)
    print(
      `${form.padEnd(8)} with ${activation.padEnd(4)} is off by at most ${output.toExponential(1)}, its gradients by ${gradient.toExponential(1)}`,
    )
  const [height, layers] = [65, 16]
  const [asDrafted, right] = [reachOf('below', height, layers, seed), reachOf('neighbours', height, layers, seed)]
  const [least, most] = reachEnds(asDrafted)
  const [rightLeast, rightMost] = reachEnds(right)
  print(
    `After ${layers} layers the draft's loop carries a unit to those from ${least} to +${most} of it; the right one from ${rightLeast} to +${rightMost}.`,
  )
  const { height: units, layers: depth, samples } = agreementSize
  return {
    sections: [
      {
        title: titles.forms,
        parts: [
          { name: 'sparse-matrix', picture: matrixDrawing() },
          { name: 'unfold', picture: unfoldDrawing() },
          paragraph(
            `In f64, a grid of ${units} units and ${depth} layers with ${samples} samples, against the loop in plain numbers with its gradient by hand; allowed is ${allowed.toExponential(0)}. The form "loop" here has a tensor for each unit.`,
          ),
          table(
            ['form', 'activation', 'outputs off by', 'gradients off by'],
            found.map(({ form, activation, output, gradient }) => [
              form,
              activation,
              output.toExponential(1),
              gradient.toExponential(1),
            ]),
          ),
        ],
      },
      {
        title: "The draft's loop is off by one",
        parts: [
          paragraph(
            `Its array has a zero before the first unit, so unit i lies at i + 1; it is read at i - 1, i and i + 1: units i - 2, i - 1 and i. Below: what moves when the unit in the middle does. Nothing ever comes to smaller indices.`,
          ),
          { name: 'reach', picture: reachPictures(asDrafted, right) },
        ],
      },
    ],
    results: { agreement: found, reach: { layers, asDrafted: [least, most], right: [rightLeast, rightMost] } },
  }
}

/** The draft's, or in a quick run one like it. */
const timedSize = ({ quick, recipe }: Plan): GridSize =>
  quick && recipe.network.size.width === undefined ? recipe.network.size : { height: 128, layers: 128 }

async function times(plan: Plan): Promise<Found> {
  const { settings, split, quick } = plan
  const size = timedSize(plan)
  const batches = quick ? [1, 64] : [1, 16, 32, 64, 256]
  const found = await timeForms({
    size,
    batches,
    milliseconds: quick ? 50 : 800,
    images: split.train,
    signal: settings.signal,
    told: ({ form, batch, epochSeconds, extrapolated }) =>
      settings.print(
        `batch ${String(batch).padStart(3)}  ${formTitles[form].padEnd(40)} ${secondsText(epochSeconds)} s${extrapolated ? ' (extrapolated)' : ''}`,
      ),
  })
  return {
    sections: [
      {
        title: titles.times,
        parts: [
          paragraph(
            `Seconds an epoch of 60,000 images on a grid ${sizeText(size)}: forward, gradients, Adam. With ~: the median of some steps, times their number.`,
          ),
          timeTable(found, batches, isTimed(size)),
          { name: 'times', picture: timeLines(found, size) },
        ],
      },
    ],
    results: { times: found },
  }
}

function timeTable(found: readonly FormTime[], batches: readonly number[], withOthers: boolean): string {
  const rows = timedForms.map((form) => [
    formTitles[form],
    ...batches.map((batch) => {
      const time = found.find((one) => one.form === form && one.batch === batch)
      return time ? `${time.extrapolated ? '~' : ''}${secondsText(time.epochSeconds)}` : ''
    }),
  ])
  const others = otherTimes.map(({ name, seconds }) => [
    name,
    ...batches.map((batch) => (seconds[batch] === undefined ? '' : secondsText(seconds[batch]))),
  ])
  return table(['', ...batches.map((batch) => `batch ${batch}`)], withOthers ? [...others, ...rows] : rows)
}

const secondsText = (seconds: number): string =>
  seconds >= 100 ? Math.round(seconds).toLocaleString('en') : seconds.toPrecision(3)

async function variance({ settings: { seed, print }, quick }: Plan): Promise<Found> {
  const options = quick ? { height: 32, layers: 24, draws: 8, seed } : { height: 128, layers: 128, draws: 200, seed }
  const found = await strengths(options)
  const expected = expectedStrength(options)
  for (const { activation, fanOut, signal, gradient } of found)
    print(
      `${activation.padEnd(4)} fan out ${fanOut}: behind the last layer a signal of variance ${signal.median.at(-1)!.toExponential(1)}, before the first a gradient of ${gradient.median[0].toExponential(1)} (medians)`,
    )
  const { height, layers, draws } = options
  return {
    sections: [
      {
        title: titles.variance,
        parts: [
          paragraph(
            `A grid of ${height} units and ${layers} layers, inputs from N(0,1), weights from Xavier's bound √(6 / (fan in + fan out)) drawn ${draws} times. The gradient is that of an error whose derivatives by the last units are from N(0,1).`,
          ),
          { name: 'variance', picture: strengthPictures(found, expected) },
        ],
      },
    ],
    results: { variance: { ...options, expected, strengths: found } },
  }
}

/** What the draft's author reports for 64x64, in percent. */
const reported = 86.9

/** Settings as they were asked for; where nothing was, also some that the grid learns better with. */
function trainingsOf({ recipe, settings: { lr, epochs, flags: own = {} }, quick }: Plan): readonly Variant[] {
  const asked = { name: settingsText(recipe) }
  const isAsked = quick || lr !== undefined || epochs !== undefined || own.dropout || own.schedule
  if (isAsked) return [asked]
  const better: Variant = {
    name: '',
    network: { dropout: 0.1 },
    recipe: { lr: 2 * recipe.lr, schedule: 'linear', epochs: 100 },
  }
  return [asked, { ...better, name: settingsText(changed(recipe, better)) }]
}

const settingsText = ({ lr, schedule, network: { dropout } }: Recipe): string =>
  `learning rate ${lr}${schedule === 'linear' ? ' falling to 0' : ''}${dropout > 0 ? `, ${100 * dropout}% of pixels left out` : ''}`

const changed = (recipe: Recipe, { network, recipe: changes }: Variant): Recipe => ({
  ...recipe,
  ...changes,
  network: { ...recipe.network, ...network },
})

async function training(plan: Plan): Promise<Found> {
  const { settings, split, recipe } = plan
  const { size } = recipe.network
  const runs: Named[] = []
  for (const variant of trainingsOf(plan)) {
    if (settings.signal.aborted && runs.length > 0) break
    settings.print(variant.name)
    const trained = await train(split, changed(recipe, variant))
    settings.print(
      `${trained.parameters.toLocaleString('en')} parameters, test accuracy ${percent(trained.testAccuracy)}`,
    )
    runs.push({ name: variant.name, trained })
  }
  const { network, testAccuracy } = runs.at(-1)!.trained
  const isReported = sizeText(size) === '64x64' && split.train.name.startsWith('fashion-mnist')
  const some: ImageSet = take(split.test, 2000)
  const activity = await activationMaps(network, some)
  const { weights, biases } = await parameterMaps(network)
  const middle = Math.floor(size.layers / 2)
  const hasMatrix = size.width === undefined && !recipe.network.padded && recipe.network.reads === 'neighbours'
  return {
    sections: [
      {
        title: titles.training,
        parts: [
          { name: 'training', picture: trainingCurves(runs, isReported ? reported : null, recipe.loss) },
          table(
            ['', 'parameters', 'epochs', 'test accuracy after the last', 'seconds an epoch, the quickest'],
            runs.map(({ name, trained }) => [
              name,
              trained.parameters.toLocaleString('en'),
              trained.epochs.length,
              percent(trained.testAccuracy),
              Math.min(...trained.epochs.map(({ seconds }) => seconds)).toFixed(2),
            ]),
          ),
        ],
      },
      {
        title: 'Activations',
        parts: [
          paragraph('Means over the test images of a class; and these less their mean over all classes.'),
          { name: 'activations', picture: activationPictures('Mean activations', activity, some.classes, size) },
          {
            name: 'activations-apart',
            picture: activationPictures('Less the mean of all classes', distinctMaps(activity), some.classes, size),
          },
        ],
      },
      {
        title: 'Weights and biases',
        parts: [
          { name: 'parameters', picture: parameterPictures(weights, biases, size) },
          ...(hasMatrix ? [{ name: 'layer-matrix', picture: layerMatrix(weights[middle], middle + 1) }] : []),
        ],
      },
    ],
    results: {
      training: runs.map(({ name, trained: { parameters, epochs } }) => ({ name, parameters, epochs })),
    },
    testAccuracy,
  }
}

interface Variant {
  readonly name: string
  readonly network?: Partial<NetworkOptions>
  readonly recipe?: Partial<Recipe>
}

/** What the draft leaves open or its code has otherwise, one at a time. */
const variantList: readonly Variant[] = [
  { name: 'as the code: sin, cross-entropy, fan out 3' },
  { name: 'fan out 1', network: { fanOut: 1 } },
  { name: 'tanh', network: { activation: 'tanh' } },
  { name: 'tanh, fan out 1', network: { activation: 'tanh', fanOut: 1 } },
  {
    name: 'as the draft: tanh everywhere, ½ MSE, fan out 1',
    network: { activation: 'tanh', fanOut: 1, denseActivation: true },
    recipe: { loss: 'half-mse' },
  },
  { name: "the draft's loop, off by one", network: { reads: 'below' } },
  { name: "the draft's loop, fan out 1", network: { reads: 'below', fanOut: 1 } },
]

function variants(plan: Plan): Promise<Found> {
  // In a quick run the ends: the code, and the draft as it stands.
  const list = plan.quick ? variantList.filter(({ name }) => name.startsWith('as the')) : variantList
  return compared('variants', list, plan)
}

/** The draft's sizes; in a quick run a few layers of planes. */
function grids(plan: Plan): Promise<Found> {
  const [, , height, width] = plan.split.train.shape
  const planes = (layers: number): Variant => ({
    name: `planes of ${height}x${width}, ${layers} layers`,
    network: { size: { height, width, layers } },
  })
  if (plan.quick) return compared('grids', [planes(2)], plan)
  const rows = [
    [128, 3],
    [128, 1],
    [512, 3],
  ].map(
    ([units, fanOut]): Variant => ({
      name: `${units}x128, fan out ${fanOut}`,
      network: { size: { height: units, layers: 128 }, fanOut },
    }),
  )
  return compared('grids', [...rows, planes(16)], plan)
}

/** All trained alike, but for what they are about. */
async function compared(part: 'variants' | 'grids', list: readonly Variant[], plan: Plan): Promise<Found> {
  const { settings, recipe, split } = plan
  const runs: { name: string; grid: string; parameters: number; accuracy: number; loss: number; seconds: number }[] = []
  const epochs = Math.min(recipe.epochs, 10)
  for (const variant of list) {
    const { name } = variant
    if (settings.signal.aborted && runs.length > 0) break
    settings.print(name)
    const one = { ...changed(recipe, variant), epochs }
    const trained = await train(split, one)
    const seconds = Math.min(...trained.epochs.map((epoch) => epoch.seconds))
    const grid = sizeText(one.network.size)
    const loss = trained.epochs.at(-1)?.loss ?? Number.NaN
    runs.push({ name, grid, parameters: trained.parameters, accuracy: trained.testAccuracy, loss, seconds })
  }
  return {
    sections: [
      {
        title: titles[part],
        parts: [
          { name: part, picture: variantBars(runs, epochs) },
          table(
            [`${epochs} epochs`, 'grid', 'parameters', 'loss', 'test accuracy', 'seconds an epoch, the quickest'],
            runs.map(({ name, grid, parameters, loss, accuracy, seconds }) => [
              name,
              grid,
              parameters.toLocaleString('en'),
              loss.toFixed(4),
              percent(accuracy),
              seconds.toFixed(2),
            ]),
          ),
        ],
      },
    ],
    results: { [part]: runs },
  }
}
